import { describe, expect, test } from "vitest";
import { room, seat, segment } from "./made";
import * as model from "./model";

const MINUTE_MS = 60_000;
const NOON_MS = 1_795_330_800_000;

const begun = room({
  current: "s2",
  segments: [
    segment(1, { startedMs: NOON_MS, endedMs: NOON_MS + 10 * MINUTE_MS }),
    segment(2, { startedMs: NOON_MS + 10 * MINUTE_MS }),
    segment(3),
    segment(4),
  ],
});

describe("the run of show", () => {
  test("what is armed comes next, and cannot be moved", () => {
    const armed = { ...begun, armed: { segment: "s3", dueMs: 1 } };
    expect(model.nextSegment(armed)?.id).toBe("s3");
    expect(model.movable(armed).map((one) => one.id)).toEqual(["s4"]);
    expect(model.nextSegment(begun)?.id).toBe("s3");
  });

  test("who is to come is whom the server previews: here, ready, with a camera", () => {
    const kim = seat("e3", { camera: true, here: false });
    const an = seat("e3", { camera: true });
    const bo = seat("e3", { camera: true, ready: true });
    const coming = (seats: Record<string, ReturnType<typeof seat>>) => model.comingSeat({ ...begun, seats });
    expect(coming({ kim, an, bo })).toBe("bo");
    expect(coming({ kim, an, bo: { ...bo, camera: false } })).toBe("an");
    expect(coming({ kim })).toBe("kim");
    expect(coming({ other: seat("e2", { camera: true }) })).toBeNull();
  });

  test("a plan follows what really happened", () => {
    const found = model.spans(begun, NOON_MS, NOON_MS + 12 * MINUTE_MS);
    const inMinutes = [...begun.segments].map(({ id }) => {
      const span = found.get(id);
      return span === undefined ? [] : [(span.fromMs - NOON_MS) / MINUTE_MS, (span.toMs - NOON_MS) / MINUTE_MS];
    });
    expect(inMinutes).toEqual([
      [0, 10],
      [10, 25],
      [25, 40],
      [40, 55],
    ]);
  });

  test("a company over its time pushes the others", () => {
    const found = model.spans(begun, NOON_MS, NOON_MS + 30 * MINUTE_MS);
    expect(found.get("s3")?.fromMs).toBe(NOON_MS + 30 * MINUTE_MS);
  });

  test("before the start, the plan counts from the start; after it, from now", () => {
    const waiting = room({ phase: "waiting" });
    expect(model.spans(waiting, NOON_MS, NOON_MS - MINUTE_MS).get("s1")?.fromMs).toBe(NOON_MS);
    expect(model.spans(waiting, NOON_MS, NOON_MS + MINUTE_MS).get("s1")?.fromMs).toBe(NOON_MS + MINUTE_MS);
  });

  test.each([
    [{}, "away"],
    [{ a: seat("e1") }, "here"],
    [{ a: seat("e1"), b: seat("e1", { ready: true }) }, "ready"],
    [{ a: seat("e1", { ready: true, check: { verdict: "fail", note: "" } }) }, "check"],
    [{ a: seat("e1", { ready: true, here: false }) }, "away"],
    [{ a: seat("e1", { ready: true, here: false }), b: seat("e1") }, "here"],
  ] as const)("a company stands as its people do: %o", (seats, expected) => {
    expect(model.standing(room({ seats }), segment(1))).toBe(expected);
  });

  test("in a show that is over nobody is on, and it ended with the last that was presented", () => {
    const endedMs = NOON_MS + 25 * MINUTE_MS;
    const segments = begun.segments.map((one) => (one.id === "s2" ? { ...one, endedMs } : one));
    const over = { ...begun, phase: "ended" as const, segments };
    expect(segments.map((one) => model.standing(over, one))).toEqual(["done", "done", "skipped", "skipped"]);
    expect(model.endsAt(over, model.spans(over, NOON_MS, NOON_MS + 90 * MINUTE_MS))).toBe(endedMs);
  });

  test("nobody is ready who is away, and the company has been away since the last one left", () => {
    const gone = { a: seat("e1", { ready: true, here: false, hereMs: 5 }), b: seat("e1", { here: false, hereMs: 9 }) };
    expect(model.someoneReady(room({ seats: gone }), segment(1))).toBe(false);
    expect(model.awaySince(room({ seats: gone }), segment(1))).toBe(9);
    expect(model.awaySince(room({ seats: { ...gone, c: seat("e1") } }), segment(1))).toBe(null);
    expect(model.awaySince(room(), segment(1))).toBe(null);
  });

  test("a move stays within what is to come", () => {
    expect(model.moved(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
    expect(model.moved(["a", "b", "c"], "a", -1)).toEqual(["a", "b", "c"]);
    expect(model.placed(["a", "b", "c"], "a", 2)).toEqual(["b", "c", "a"]);
    expect(model.moved(["a", "b"], "x", 1)).toEqual(["a", "b"]);
  });
});
