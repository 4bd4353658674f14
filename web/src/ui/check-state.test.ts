import { describe, expect, test } from "vitest";
import { NO_STATS } from "../media/stats";
import { badge, NOTHING_TESTED, networkResult, type Results, Sentence, subject } from "./check-state";

const ALL: Results = { camera: "pass", microphone: "pass", speakers: "pass", network: "pass" };

describe("device check", () => {
  test("one badge: a failure beats what is open, what is open beats so-so", () => {
    expect(badge(NOTHING_TESTED)).toBe("open");
    expect(badge(ALL)).toBe("pass");
    expect(badge({ ...ALL, network: "fair" })).toBe("fair");
    expect(badge({ ...ALL, network: "fair", speakers: "wait" })).toBe("open");
    expect(badge({ ...ALL, camera: "fail", speakers: "wait" })).toBe("fail");
    expect(badge({ ...ALL, network: "skip" })).toBe("pass");
  });

  test("one sentence: about the failure first, then about what is next to do", () => {
    expect(subject({ ...ALL, camera: "wait", network: "fail" })).toBe("network");
    expect(subject({ ...ALL, microphone: "run", network: "fair" })).toBe("microphone");
    expect(subject({ ...ALL, network: "fair" })).toBe("network");
    expect(subject(ALL)).toBeNull();
  });

  test("a sentence passes, a knock on the table does not", () => {
    const spoken = new Sentence();
    expect(Array.from({ length: 16 }, () => spoken.hear(0.6)).at(-1)).toBe(1);
    const knock = new Sentence();
    for (let look = 0; look < 100; look += 1) expect(knock.hear(look % 20 === 0 ? 0.9 : 0.1)).toBeLessThan(0.5);
  });

  test("pauses between words do not undo a sentence that was heard", () => {
    const spoken = new Sentence();
    for (let look = 0; look < 20; look += 1) spoken.hear(0.6);
    expect(spoken.hear(0)).toBe(1);
  });

  test("the network is judged by round trip and loss", () => {
    const judged = (rttMs: number | null, lossPercent: number | null) =>
      networkResult({ ...NO_STATS, rttMs, lossPercent });
    expect(judged(40, 0)).toBe("pass");
    expect(judged(400, 0)).toBe("fair");
    expect(judged(40, 20)).toBe("fail");
    expect(judged(null, null)).toBe("run");
  });
});
