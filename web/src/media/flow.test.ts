import { describe, expect, test } from "vitest";
import { FlowWatch, type Progress } from "./flow";

const media = (bytes: number, frames = 0, videoBytes = bytes): Progress => ({ bytes, videoBytes, frames });

describe("flow", () => {
  test("media that grows is flowing", () => {
    const watch = new FlowWatch(1_000, 0);
    for (let at = 250; at <= 5_000; at += 250) expect(watch.look(media(at, at / 250), at)).toBe("flowing");
  });

  test("no byte for the quiet time is silence, and the next byte ends it", () => {
    const watch = new FlowWatch(1_000, 0);
    watch.look(media(100), 250);
    expect([500, 750, 1_000].map((at) => watch.look(media(100), at))).toEqual(["flowing", "flowing", "flowing"]);
    expect(watch.look(media(100), 1_250)).toBe("silent");
    expect(watch.quietFor(1_250)).toBe(1_000);
    expect(watch.look(media(101), 1_500)).toBe("flowing");
  });

  test("counters that start again with another candidate pair are not media", () => {
    const watch = new FlowWatch(1_000, 0);
    watch.look(media(900), 250);
    expect(watch.look(media(900), 1_250)).toBe("silent");
    expect(watch.look(media(0), 1_500)).toBe("silent");
    expect(watch.look(media(40), 1_750)).toBe("flowing");
  });

  test("a page that slept is given time before it is called silent", () => {
    const watch = new FlowWatch(1_000, 0);
    watch.look(media(100), 250);
    expect(watch.look(media(100), 60_000)).toBe("flowing");
    expect(watch.look(media(100), 61_000)).toBe("silent");
  });

  test("bytes without frames for five seconds are a wedged decoder", () => {
    const watch = new FlowWatch(1_000, 0);
    const seen = Array.from({ length: 24 }, (_, step) => watch.look(media(step + 1, 10), 250 * (step + 1)));
    expect(seen.slice(0, 19)).not.toContain("stuck");
    expect(seen.at(-1)).toBe("stuck");
  });

  test("a publisher without a camera is not stuck", () => {
    const watch = new FlowWatch(1_000, 0);
    for (let at = 250; at <= 10_000; at += 250) expect(watch.look(media(at, 10, 500), at)).toBe("flowing");
  });
});
