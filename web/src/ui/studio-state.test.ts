import { describe, expect, test } from "vitest";
import type { PublisherPhase } from "../media/publisher";
import { clockText, keyFramesTooRare, mode, type RoomView } from "./studio-state";

const room = (news: Partial<RoomView>): RoomView => ({
  state: "live",
  onAir: true,
  viewers: 3,
  startsAt: null,
  keyFrameIntervalMs: null,
  ...news,
});
const publisher = (phase: PublisherPhase) => ({ phase, refusal: null, retryAfterS: null });

describe("studio", () => {
  test.each([
    ["live", "air"],
    ["connecting", "starting"],
    ["reconnecting", "healing"],
    ["failed", "refused"],
    ["taken", "taken"],
    ["refused", "refused"],
  ] as const)("a publisher that is %s shows as %s", (phase, shown) => {
    expect(mode({ publisher: publisher(phase), room: null, sentAway: null })).toBe(shown);
  });

  test("a picture that is not from this page is said to come from elsewhere", () => {
    expect(mode({ publisher: publisher("stopped"), room: room({}), sentAway: null })).toBe("elsewhere");
    expect(mode({ publisher: publisher("stopped"), room: room({ onAir: false }), sentAway: null })).toBe("waiting");
  });

  test("who was sent away is told so, whatever was going on", () => {
    expect(mode({ publisher: publisher("live"), room: room({}), sentAway: "rooms.removed" })).toBe("away");
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
