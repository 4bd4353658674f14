import { describe, expect, test } from "vitest";
import { assess } from "./quality";
import { type MediaStats, NO_STATS } from "./stats";

const stats = (rttMs: number | null, lossPercent: number | null, bitrateBps: number | null): MediaStats => ({
  ...NO_STATS,
  rttMs,
  lossPercent,
  bitrateBps,
});

describe("quality in words", () => {
  test("nothing measured is said to be unknown", () => {
    expect(assess(NO_STATS)).toEqual({ bars: 0, word: "unknown" });
  });

  test("a short way without loss is four bars", () => {
    expect(assess(stats(38, 0.1, 2_400_000))).toEqual({ bars: 4, word: "good" });
  });

  test.each([
    [200, 0, 2_000_000, "fair"],
    [38, 3, 2_000_000, "fair"],
    [500, 0, 2_000_000, "weak"],
    [38, 9, 2_000_000, "weak"],
    [38, 0, 60_000, "weak"],
    [900, 0, 2_000_000, "poor"],
    [38, 30, 2_000_000, "poor"],
    [38, 0, 10_000, "poor"],
  ] as const)("the worst of round trip %d ms, loss %d %% and %d b/s decides: %s", (rtt, loss, rate, word) => {
    expect(assess(stats(rtt, loss, rate)).word).toBe(word);
  });

  test("without a picture a small bitrate is as it should be", () => {
    expect(assess(stats(38, 0, 60_000), false).word).toBe("good");
  });

  test("what is not measured does not count", () => {
    expect(assess(stats(null, 2, null)).word).toBe("fair");
  });
});
