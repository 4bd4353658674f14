import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, Saver, type Standing } from "./saver";

function saver(afterMs: number | null = 100) {
  const answers: ((answer: Answer<number>) => void)[] = [];
  const stood: Standing["kind"][] = [];
  const kept: number[] = [];
  const found = new Saver<number>({
    send: () => new Promise((resolve) => answers.push(resolve)),
    kept: (plan) => kept.push(plan),
    stands: (standing) => stood.push(standing.kind),
    afterMs,
    againMs: 1_000,
  });
  return { found, answers, stood, kept };
}

describe("saving a plan", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("waits for a pause, and sends again what changed meanwhile", async () => {
    const { found, answers, stood, kept } = saver();
    found.changed();
    await vi.advanceTimersByTimeAsync(90);
    found.changed();
    await vi.advanceTimersByTimeAsync(90);
    expect(answers.length).toBe(0);
    await vi.advanceTimersByTimeAsync(10);
    expect(answers.length).toBe(1);
    found.changed();
    answers[0]?.({ kind: "kept", plan: 1 });
    await vi.advanceTimersByTimeAsync(100);
    expect(answers.length).toBe(2);
    answers[1]?.({ kind: "kept", plan: 2 });
    await vi.advanceTimersByTimeAsync(0);
    expect(kept).toEqual([1, 2]);
    expect(stood.at(-1)).toBe("kept");
    expect(found.dirty).toBe(false);
  });

  it("tries again by itself when the server is away, and not after a conflict", async () => {
    const { found, answers, stood } = saver();
    found.changed();
    await vi.advanceTimersByTimeAsync(100);
    answers[0]?.({ kind: "away" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(answers.length).toBe(2);
    answers[1]?.({ kind: "conflict", words: "theirs" });
    await vi.advanceTimersByTimeAsync(5_000);
    found.changed();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(answers.length).toBe(2);
    expect(stood.at(-1)).toBe("conflict");
    expect(found.dirty).toBe(true);
  });

  it("sends nothing by itself where that is not wanted", async () => {
    const { found, answers } = saver(null);
    found.changed();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answers.length).toBe(0);
    const done = found.save();
    await vi.advanceTimersByTimeAsync(0);
    answers[0]?.({ kind: "kept", plan: 1 });
    expect(await done).toBe(true);
  });
});
