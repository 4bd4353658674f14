import { describe, expect, test } from "vitest";
import type { PublisherPhase } from "../media/publisher";
import { room as made, seat } from "./run/made";
import { clockText, keyFramesTooRare, mode, type RoomView, standing } from "./studio-state";

const room = (news: Partial<RoomView>): RoomView => ({
  state: "live",
  onAir: true,
  viewers: 3,
  startsAt: null,
  keyFrameIntervalMs: null,
  ...news,
});
const publisher = (phase: PublisherPhase) => ({ phase, refusal: null, retryAfterS: null });

const SEEN = { seen: true, elsewhere: false, over: false };

describe("studio", () => {
  test.each([
    ["live", "air"],
    ["connecting", "starting"],
    ["reconnecting", "healing"],
    ["failed", "refused"],
    ["taken", "taken"],
    ["refused", "refused"],
  ] as const)("a publisher that is %s shows as %s", (phase, shown) => {
    expect(mode({ publisher: publisher(phase), ...SEEN, sentAway: null })).toBe(shown);
  });

  test("who publishes and is not seen is backstage; who is seen without this page is on elsewhere", () => {
    expect(mode({ publisher: publisher("live"), ...SEEN, seen: false, sentAway: null })).toBe("backstage");
    expect(mode({ publisher: publisher("stopped"), ...SEEN, elsewhere: true, sentAway: null })).toBe("elsewhere");
    expect(mode({ publisher: publisher("stopped"), ...SEEN, sentAway: null })).toBe("waiting");
  });

  test("a show that is over is told as over, and nobody can go on air in it", () => {
    expect(mode({ publisher: publisher("stopped"), ...SEEN, over: true, sentAway: null })).toBe("over");
    expect(standing(made({ phase: "ended" }), "kim", room({})).over).toBe(true);
    expect(standing(null, "kim", room({ state: "ended" })).over).toBe(true);
  });

  test("who was sent away is told so, whatever was going on", () => {
    expect(mode({ publisher: publisher("live"), ...SEEN, sentAway: "rooms.removed" })).toBe("away");
  });

  test("the room says who is seen, and whether the stage is somebody else's", () => {
    expect(standing(null, "kim", room({}))).toMatchObject({ seen: true, elsewhere: true, occupied: false });
    const seats = { kim: seat("e1", { camera: true }), park: seat("e2", { onAir: true, camera: true }) };
    const shown = { seat: "park", source: "screen" } as const;
    expect(standing(made({ seats, shown }), "kim", null)).toMatchObject({ seen: false, occupied: true, picture: null });
    expect(standing(made({ seats, shown }), "park", null)).toMatchObject({ elsewhere: true, picture: "screen" });
    expect(standing(made({ seats }), "kim", null)).toMatchObject({ seen: false, occupied: false });
    expect(standing(made({ seats, shown }), "crew", null)).toMatchObject({ seen: false, occupied: true });
    const paused = { kim: seat("e1", { camera: true }) };
    const still = made({ phase: "paused", seats: paused, shown: { seat: "kim", source: "camera" } });
    expect(standing(still, "kim", null).seen).toBe(true);
  });

  test("interest is counted in the own products, for the crew in all", () => {
    const interest = { p1: { exhibitor: "e1", count: 3, people: [] }, p2: { exhibitor: "e2", count: 4, people: [] } };
    const seats = { kim: seat("e1"), crew: seat("", { exhibitor: null }) };
    expect(standing(made({ seats, interest }), "kim", null).interest).toBe(3);
    expect(standing(made({ seats, interest }), "crew", null).interest).toBe(7);
  });

  test("key frames more than a second apart are worth a warning, while somebody is on air", () => {
    expect(keyFramesTooRare(room({ keyFrameIntervalMs: 2_000 }))).toBe(2_000);
    expect(keyFramesTooRare(room({ keyFrameIntervalMs: 1_040 }))).toBeNull();
    expect(keyFramesTooRare(room({ keyFrameIntervalMs: null }))).toBeNull();
    expect(keyFramesTooRare(room({ keyFrameIntervalMs: 4_000, onAir: false }))).toBeNull();
    expect(keyFramesTooRare(null)).toBeNull();
  });

  test("clocks count as people write them", () => {
    expect([0, 62_000, 3_723_000, -5].map(clockText)).toEqual(["0:00", "1:02", "1:02:03", "0:00"]);
  });
});
