/** The device check: four tests, one badge, one sentence. Pure. */

import type { MediaStats } from "../media/stats";

export type Test = "camera" | "microphone" | "speakers" | "network";
/** "skip": cannot be tested now (nothing is on air to test the network with, no speakers to choose). */
export type Result = "wait" | "run" | "pass" | "fair" | "fail" | "skip";
export type Results = Readonly<Record<Test, Result>>;

export const TESTS: readonly Test[] = ["camera", "microphone", "speakers", "network"];
export const NOTHING_TESTED: Results = { camera: "wait", microphone: "wait", speakers: "wait", network: "wait" };

export type Badge = "open" | "pass" | "fair" | "fail";

/** The worst result decides; untested parts keep the badge open. */
export function badge(results: Results): Badge {
  const all = TESTS.map((test) => results[test]);
  if (all.includes("fail")) return "fail";
  if (all.includes("wait") || all.includes("run")) return "open";
  return all.includes("fair") ? "fair" : "pass";
}

/** The test that the one sentence is about: the first that failed, else the first still to do, else the first so-so one. */
export function subject(results: Results): Test | null {
  const first = (...wanted: Result[]) => TESTS.find((test) => wanted.includes(results[test])) ?? null;
  return first("fail") ?? first("wait", "run") ?? first("fair");
}

/** A sentence has been said when this many looks in a row were loud enough. */
const SPOKEN_LOOKS = 16;

/** Listens for a sentence: speech, not a knock on the table. One `hear` per meter look (50 ms). */
export class Sentence {
  private heard = 0;

  /** Progress 0..1. */
  hear(value: number): number {
    // 0.35 of the meter is -39 dBFS: speech at arm's length, above fans and keyboards.
    if (value > 0.35) this.heard += 1;
    else if (this.heard > 0 && this.heard < SPOKEN_LOOKS) this.heard -= 0.25;
    return Math.min(1, this.heard / SPOKEN_LOOKS);
  }
}

/** What the media path is good for. */
export function networkResult(stats: MediaStats): Result {
  const { rttMs, lossPercent } = stats;
  if (rttMs === null && lossPercent === null) return "run";
  if ((rttMs ?? 0) > 600 || (lossPercent ?? 0) > 10) return "fail";
  return (rttMs ?? 0) > 300 || (lossPercent ?? 0) > 4 ? "fair" : "pass";
}
