// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readShowcase, type ShowcaseState } from "./showcase";
import { jittered, PollingSource, pace } from "./source";

const state: ShowcaseState = {
  v: 1,
  id: "chungbuk",
  title: "t",
  state: "live",
  onAir: true,
  viewers: 3,
  startsAt: "2026-11-24T12:10:00Z",
  keyFrameIntervalMs: null,
  serverTime: "2026-11-24T12:00:00Z",
};

/** Answers in turn; every question is kept. */
function server(answers: (() => Response | Promise<Response>)[]) {
  const asked: Headers[] = [];
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    asked.push(new Headers(init.headers));
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer === undefined) throw new Error("nothing to answer");
    return answer();
  });
  return asked;
}

const ok = (body: unknown, etag: string) => () =>
  new Response(JSON.stringify(body), { status: 200, headers: { ETag: etag } });

describe("PollingSource", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("asks at once, then with the tag it was given, and is silent about an unchanged state", async () => {
    const asked = server([ok(state, '"a"'), () => new Response(null, { status: 304 })]);
    const seen: ShowcaseState[] = [];
    const source = new PollingSource("/api", { state: (now) => seen.push(now), reachable: () => {} }, () => 0.5);
    source.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([state]);
    await vi.advanceTimersByTimeAsync(pace(state));
    expect(asked.map((headers) => headers.get("If-None-Match"))).toEqual([null, '"a"']);
    expect(seen).toHaveLength(1);
    source.stop();
  });

  it("backs off while nobody answers, says so, and comes back by itself", async () => {
    const down = () => Promise.reject(new TypeError("network"));
    const asked = server([down, down, down, ok(state, '"a"')]);
    const reachable: boolean[] = [];
    const source = new PollingSource("/api", { state: () => {}, reachable: (yes) => reachable.push(yes) }, () => 0.5);
    source.start();
    await vi.advanceTimersByTimeAsync(2_000 + 4_000 + 8_000);
    expect(asked).toHaveLength(4);
    expect(reachable).toEqual([false, false, false, true]);
    source.stop();
  });

  it("keeps the old state when the answer has another shape", async () => {
    server([ok({ v: 2 }, '"b"')]);
    const seen: ShowcaseState[] = [];
    const reachable: boolean[] = [];
    const source = new PollingSource("/api", {
      state: (now) => seen.push(now),
      reachable: (yes) => reachable.push(yes),
    });
    source.start();
    await vi.advanceTimersByTimeAsync(0);
    source.stop();
    expect(seen).toEqual([]);
    expect(reachable).toEqual([false]);
  });

  it("asks again at once when nudged, but never twice at the same time", async () => {
    const asked = server([ok(state, '"a"')]);
    const source = new PollingSource("/api", { state: () => {}, reachable: () => {} });
    source.start();
    source.nudge();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(1);
    source.nudge();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(2);
    source.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked).toHaveLength(2);
  });
});

describe("pace", () => {
  it("looks often near the start and while the presenter is away, rarely once it is over", () => {
    const scheduled = { ...state, state: "scheduled", onAir: false } as const;
    expect(pace(scheduled)).toBe(pace({ ...scheduled, startsAt: "2026-11-24T12:09:00Z" }) * 2);
    expect(pace({ ...state, onAir: false })).toBeLessThan(pace(state));
    expect(pace({ ...state, state: "ended" })).toBeGreaterThan(pace(state));
  });

  it("is spread by a fifth to either side", () => {
    expect(jittered(1_000, 0)).toBe(800);
    expect(jittered(1_000, 1)).toBe(1_200);
  });
});

describe("readShowcase", () => {
  it("takes our shape and refuses others", () => {
    expect(readShowcase(state)).toEqual(state);
    for (const wrong of [null, 7, {}, { ...state, v: 2 }, { ...state, state: "paused" }, { ...state, viewers: "3" }]) {
      expect(readShowcase(wrong)).toBeNull();
    }
  });
});
