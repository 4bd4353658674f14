// @vitest-environment node
/// <reference types="vite/client" />
import { describe, expect, it } from "vitest";
import type { State } from "../wire.gen";
import lines from "./fold.cases.ndjson?raw";
import { around, nextUp, openQuestions, schedule, secondsLeft, speaking, writable } from "./panel";
import { withRoom } from "./showcase";

const NOON = 1_795_330_800_000;
const [first = ""] = lines.split("\n", 1);
const draft = (JSON.parse(first) as { view: State }).view;
const state: State = { ...draft, phase: "live", armed: null, pin: null, messages: [], seats: {} };
const [one, two, three] = draft.segments;
if (one === undefined || two === undefined || three === undefined) throw new Error("the cases have three companies");

describe("schedule", () => {
  it("starts each part where the one before it ends, and keeps to what happened", () => {
    const begun = { ...state, current: two.id };
    const segments = [
      { ...one, startedMs: NOON + 1_000, endedMs: NOON + 500_000 },
      { ...two, startedMs: NOON + 510_000, endedMs: null },
      { ...three, startedMs: null, endedMs: null },
    ];
    const parts = schedule({ ...begun, segments }, NOON);
    expect(parts.map(({ standing }) => standing)).toEqual(["done", "now", "next"]);
    expect(parts.map(({ fromMs }) => fromMs - NOON)).toEqual([1_000, 510_000, 510_000 + two.plannedS * 1_000]);
  });

  it("shows the parts around the one that is on", () => {
    const many = Array.from({ length: 12 }, (_, number) => ({
      ...one,
      id: `s${number}`,
      startedMs: number < 6 ? NOON : null,
      endedMs: number < 5 ? NOON + 1 : null,
    }));
    const parts = schedule({ ...state, segments: many, current: "s5" }, NOON);
    expect(around(parts, 8).map(({ segment }) => segment.id)).toEqual(many.slice(3, 11).map(({ id }) => id));
    expect(around(parts, 20)).toHaveLength(12);
    const over = schedule({ ...state, phase: "ended", segments: many, current: null }, NOON);
    expect(around(over, 8).at(-1)?.segment.id).toBe("s11");
  });
});

describe("countdown", () => {
  it("says three, two, one and stays at nothing until the change itself", () => {
    const armed = { ...state, armed: { segment: two.id, dueMs: NOON + 3_000 } };
    expect([0, 1, 1_000, 2_999, 3_000, 9_000].map((ms) => secondsLeft(armed, NOON + ms))).toEqual([3, 3, 2, 1, 0, 0]);
    expect(secondsLeft(state, NOON)).toBeNull();
    expect(nextUp(armed)?.id).toBe(two.id);
  });
});

describe("talk", () => {
  it("counts questions that wait for an answer and can be read", () => {
    const message = { id: 1, kind: "question", by: "hoa", name: "Hoa", company: "", text: "?", atMs: NOON } as const;
    const marks = { product: null, hidden: false, withdrawn: false, answered: false };
    const messages = [
      { ...message, ...marks },
      { ...message, ...marks, answered: true },
      { ...message, ...marks, hidden: true },
      { ...message, ...marks, withdrawn: true },
      { ...message, ...marks, kind: "chat" as const },
    ];
    expect(openQuestions({ ...state, messages })).toBe(1);
  });

  it("is open from the waiting room to the end", () => {
    const phases = ["draft", "waiting", "live", "paused", "ended"] as const;
    expect(phases.filter((phase) => writable({ ...state, phase }))).toEqual(["waiting", "live", "paused"]);
  });
});

describe("speaking", () => {
  it("names who is on the air with a picture, the one shown first", () => {
    const seat = { role: "exhibitor", exhibitor: "e1", ready: true, muted: false, check: null, seen: 0 } as const;
    const on = { ...seat, here: true, hereMs: 0, onAir: true, camera: true, screen: false };
    const seats = { a: { ...on, name: "Kim" }, b: { ...on, name: "Park" }, c: { ...on, name: "Lee", camera: false } };
    expect(speaking({ ...state, seats, picture: { seat: "b", source: "camera" } })).toEqual(["Park", "Kim"]);
  });
});

describe("withRoom", () => {
  it("believes whoever says that the show is on, and whoever says that it is over", () => {
    const showcase = {
      v: 1,
      id: "chungbuk",
      title: "",
      state: "scheduled",
      onAir: false,
      viewers: 3,
      startsAt: null,
      keyFrameIntervalMs: null,
      serverTime: "2026-11-24T12:00:00Z",
    } as const;
    expect(withRoom(showcase, null)).toBe(showcase);
    expect(withRoom(showcase, { phase: "paused", viewers: 0 })).toMatchObject({ state: "live", viewers: 3 });
    expect(withRoom({ ...showcase, state: "live" }, { phase: "waiting", viewers: 9 }).state).toBe("live");
    expect(withRoom({ ...showcase, state: "ended" }, { phase: "live", viewers: 9 }).state).toBe("ended");
    expect(withRoom({ ...showcase, state: "live" }, { phase: "ended", viewers: 9 }).state).toBe("ended");
    expect(withRoom({ ...showcase, state: "scheduled" }, { phase: "draft", viewers: 0 }).state).toBe("draft");
  });
});
