import { describe, expect, test } from "vitest";
import type { Message } from "../../wire.gen";
import { room, seat, segment } from "../run/made";
import { cue, mayPin, partOf, questionsFor } from "./part";
import { verdictOf } from "./verdict";

const NOON_MS = 1_795_330_800_000;

describe("a presenter's part", () => {
  test("says how many come before, and when", () => {
    const state = room({ phase: "waiting" });
    expect(partOf(state, "e3", NOON_MS, NOON_MS - 1)).toMatchObject({
      place: "before",
      ahead: 2,
      atMs: NOON_MS + 2 * 900_000,
    });
    expect(partOf(state, "e1", NOON_MS, NOON_MS - 1)).toMatchObject({ place: "before", ahead: 0 });
    expect(partOf(state, null, NOON_MS, NOON_MS)).toMatchObject({ place: "none", segment: null });
  });

  test("is armed, on, over", () => {
    const armed = room({ armed: { segment: "s1", dueMs: NOON_MS } });
    expect(partOf(armed, "e1", NOON_MS, NOON_MS).place).toBe("armed");
    expect(partOf(armed, "e2", NOON_MS, NOON_MS)).toMatchObject({ place: "before", ahead: 1 });
    const segments = [segment(1, { startedMs: 1, endedMs: 2 }), segment(2, { startedMs: 2 })];
    const on = room({ current: "s2", segments });
    expect(partOf(on, "e2", NOON_MS, NOON_MS).place).toBe("on");
    expect(mayPin(on, partOf(on, "e2", NOON_MS, NOON_MS))).toBe(true);
    expect(partOf(on, "e1", NOON_MS, NOON_MS).place).toBe("over");
    expect(mayPin(on, partOf(on, "e1", NOON_MS, NOON_MS))).toBe(false);
  });

  test("begins by itself at the moment it is on, for who is ready or was on before", () => {
    const [off, on] = [seat("e1"), seat("e1", { onAir: true })];
    expect(cue(off, { ...on, ready: true }, false)).toBe("begin");
    expect(cue(off, on, true)).toBe("begin");
    expect(cue(off, on, false)).toBeNull();
    expect(cue(null, { ...on, ready: true }, false)).toBeNull();
    expect(cue(on, { ...on, ready: true }, true)).toBeNull();
  });

  test("has the questions about its products, and those asked while it was on", () => {
    const ask = (id: number, product: string | null, atMs: number): Message => {
      const marks = { hidden: false, withdrawn: false, answered: false };
      return { id, kind: "question", by: "b", name: "", company: "", text: "?", product, atMs, ...marks };
    };
    const segments = [segment(1, { startedMs: 10, endedMs: 20 }), segment(2, { startedMs: 20 })];
    const messages = [ask(1, "p1", 5), ask(2, null, 15), ask(3, null, 25), ask(4, "p2", 15)];
    const mine = (exhibitor: string) => questionsFor(room({ segments, messages }), exhibitor).map((one) => one.id);
    expect(mine("e1")).toEqual([1, 2]);
    expect(mine("e2")).toEqual([3, 4]);
  });
});

test("a device check is told once every test is done", () => {
  const passed = { camera: "pass", microphone: "pass", speakers: "pass", network: "pass" } as const;
  expect(verdictOf(passed)).toEqual({ verdict: "pass", note: "" });
  expect(verdictOf({ ...passed, network: "fair" })).toEqual({ verdict: "warn", note: "network" });
  expect(verdictOf({ ...passed, camera: "fail" })).toEqual({ verdict: "fail", note: "camera" });
  expect(verdictOf({ ...passed, speakers: "wait" })).toBeNull();
});
