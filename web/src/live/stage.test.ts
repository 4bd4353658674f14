// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { ShowcaseState } from "./showcase";
import { countdown, megabytesPerMinute, type StageFacts, StageStore, scene, wantsMedia } from "./stage";

const NOON = Date.parse("2026-11-24T12:00:00Z");

const showcase: ShowcaseState = {
  v: 1,
  id: "chungbuk",
  title: "Camellia and rice beauty",
  state: "live",
  onAir: true,
  viewers: 3,
  startsAt: "2026-11-24T12:10:00Z",
  keyFrameIntervalMs: null,
  serverTime: "2026-11-24T12:00:00Z",
};

const facts: StageFacts = {
  showcase,
  clockOffsetMs: 0,
  viewer: { phase: "live", refusal: null, retryAfterS: null },
  refusedAtMs: 0,
  online: true,
  begun: true,
  picture: true,
  decodes: true,
  paused: false,
  listenOnly: false,
  sound: false,
  muted: false,
  volume: 1,
  onBreak: false,
  recording: false,
  nowMs: NOON,
};

const withViewer = (viewer: Partial<StageFacts["viewer"]>, more: Partial<StageFacts> = {}): StageFacts => ({
  ...facts,
  ...more,
  viewer: { ...facts.viewer, ...viewer },
});

const withState = (news: Partial<ShowcaseState>, more: Partial<StageFacts> = {}): StageFacts => ({
  ...facts,
  ...more,
  showcase: { ...showcase, ...news },
});

describe("scene", () => {
  it("is live while frames come, paused when the reader stopped them", () => {
    expect(scene(facts)).toEqual({ kind: "live" });
    expect(scene({ ...facts, paused: true })).toEqual({ kind: "paused" });
  });

  it("opens with loading, and says so when nobody is on the air yet", () => {
    expect(scene(withViewer({ phase: "connecting" }, { begun: false }))).toEqual({ kind: "loading" });
    const quiet = withState({ onAir: false }, { begun: false, viewer: { ...facts.viewer, phase: "connecting" } });
    expect(scene(quiet)).toEqual({ kind: "starting" });
    expect(scene(withViewer({ phase: "waiting" }, { begun: false }))).toEqual({ kind: "starting" });
  });

  it("keeps the last frame while reconnecting, and tells a lost presenter from a lost network", () => {
    expect(scene(withViewer({ phase: "reconnecting" }))).toEqual({ kind: "reconnecting" });
    expect(scene(withViewer({ phase: "waiting" }))).toEqual({ kind: "away" });
    expect(scene(withViewer({ phase: "connecting" }, { online: false }))).toEqual({ kind: "reconnecting" });
    const lost = withState({ onAir: false }, { viewer: { ...facts.viewer, phase: "reconnecting" } });
    expect(scene(lost)).toEqual({ kind: "away" });
  });

  it("says offline only to a reader who has seen nothing yet", () => {
    const never = withViewer({ phase: "connecting" }, { online: false, begun: false });
    expect(scene(never)).toEqual({ kind: "offline" });
  });

  it("counts down by the server's clock", () => {
    const waiting = withState({ state: "scheduled", onAir: false }, { clockOffsetMs: 60_000 });
    expect(scene(waiting)).toEqual({
      kind: "scheduled",
      startsAtMs: Date.parse("2026-11-24T12:10:00Z"),
      inMs: 9 * 60_000,
    });
  });

  it("lets the end of the show win over everything", () => {
    expect(scene(withState({ state: "ended" }, { online: false }))).toEqual({ kind: "ended" });
  });

  it("turns a refusal for now into a countdown of its own", () => {
    const full = withViewer(
      { phase: "refused", refusal: "media.full", retryAfterS: 12 },
      { refusedAtMs: NOON - 4_500, nowMs: NOON },
    );
    expect(scene(full)).toEqual({ kind: "full", retryInS: 8 });
  });

  it("names what a final refusal means for the reader", () => {
    const refused = (refusal: string) => scene(withViewer({ phase: "refused", refusal }));
    expect(refused("token.missing")).toEqual({ kind: "invited" });
    expect(refused("sdp.viewer_needs_h264")).toEqual({ kind: "codec" });
    expect(refused("sdp.malformed")).toEqual({ kind: "failed", code: "sdp.malformed" });
  });

  it("offers sound to a browser without H.264", () => {
    const poor = { ...facts, decodes: false };
    expect(scene(poor)).toEqual({ kind: "codec" });
    expect(wantsMedia(poor)).toBe(false);
    expect(scene({ ...poor, listenOnly: true })).toEqual({ kind: "live" });
    expect(wantsMedia({ ...poor, listenOnly: true })).toBe(true);
  });

  it("asks for media only while the show runs", () => {
    expect(wantsMedia(facts)).toBe(true);
    expect(wantsMedia(withState({ state: "scheduled" }))).toBe(false);
    expect(wantsMedia(withState({ state: "ended" }))).toBe(false);
  });
});

describe("countdown", () => {
  it("reads like a clock and gives up from a day on", () => {
    expect(countdown(65_000)).toBe("1:05");
    expect(countdown(3_909_001)).toBe("1:05:10");
    expect(countdown(-5)).toBe("0:00");
    expect(countdown(86_400_000)).toBeNull();
  });
});

describe("megabytesPerMinute", () => {
  it("rounds as one would say it", () => {
    expect(megabytesPerMinute(1_500_000)).toBe(11);
    expect(megabytesPerMinute(64_000)).toBe(0.5);
    expect(megabytesPerMinute(null)).toBeNull();
    expect(megabytesPerMinute(0)).toBeNull();
  });
});

describe("StageStore", () => {
  it("tells listeners of differences only", () => {
    const store = new StageStore(facts);
    const seen: StageFacts[] = [];
    const stop = store.subscribe((now) => seen.push(now));
    store.apply({ online: true });
    store.apply({ online: false, nowMs: NOON + 1 });
    stop();
    store.apply({ online: true });
    expect(seen.map(({ online }) => online)).toEqual([false]);
    expect(store.facts.online).toBe(true);
  });
});
