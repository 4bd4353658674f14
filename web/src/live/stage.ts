/** The stage page's one store: facts from server, media and browser in, one scene out. Pure but for the list of listeners. */

import type { ShowcaseState } from "./showcase";

/** What the viewer class tells us, without its stream. */
export interface ViewerFacts {
  readonly phase: "connecting" | "waiting" | "live" | "reconnecting" | "refused" | "failed" | "stopped";
  readonly refusal: string | null;
  readonly retryAfterS: number | null;
}

export interface StageFacts {
  readonly showcase: ShowcaseState;
  /** Server clock minus ours, ms. */
  readonly clockOffsetMs: number;
  readonly viewer: ViewerFacts;
  /** When `viewer` began to wait for a free place, our clock, ms. */
  readonly refusedAtMs: number;
  readonly online: boolean;
  /** A frame or sound has been seen since the page opened. */
  readonly begun: boolean;
  /** The picture has frames (a publisher may send sound only). */
  readonly picture: boolean;
  readonly decodes: boolean;
  /** The reader stopped the picture, or the browser refused to start it by itself. */
  readonly paused: boolean;
  readonly listenOnly: boolean;
  readonly sound: boolean;
  readonly muted: boolean;
  readonly volume: number;
  /** The organiser pauses the show; what is on the air stays to be seen. */
  readonly onBreak: boolean;
  /** Whether what is shown now is kept; null while nobody knows, or nothing is on. */
  readonly recording: boolean | null;
  readonly nowMs: number;
}

export type Scene =
  | { readonly kind: "loading" }
  | { readonly kind: "live" }
  | { readonly kind: "paused" }
  | { readonly kind: "reconnecting" }
  | { readonly kind: "away" }
  | { readonly kind: "starting" }
  | { readonly kind: "draft" }
  | { readonly kind: "scheduled"; readonly startsAtMs: number | null; readonly inMs: number | null }
  | { readonly kind: "ended" }
  | { readonly kind: "full"; readonly retryInS: number }
  | { readonly kind: "codec" }
  | { readonly kind: "invited" }
  | { readonly kind: "offline" }
  | { readonly kind: "failed"; readonly code: string };

/** The server's words for: this browser has no H.264. */
const CODEC_REFUSALS: readonly string[] = ["sdp.no_usable_codec", "sdp.vp8_only", "sdp.viewer_needs_h264"];

/** Whether to ask for media at all: only while the show runs and the browser can use it. */
export function wantsMedia(facts: StageFacts): boolean {
  return facts.showcase.state === "live" && (facts.decodes || facts.listenOnly);
}

export function scene(facts: StageFacts): Scene {
  const { showcase, viewer } = facts;
  if (showcase.state === "ended") return { kind: "ended" };
  if (showcase.state === "draft" && facts.online) return { kind: "draft" };
  if (showcase.state !== "live") return facts.online ? scheduled(facts) : { kind: "offline" };
  if (!facts.decodes && !facts.listenOnly) return { kind: "codec" };
  if (viewer.phase === "refused" || viewer.phase === "failed") return refused(facts);
  if (viewer.phase === "live") return facts.paused ? { kind: "paused" } : { kind: "live" };
  if (!facts.online) return { kind: facts.begun ? "reconnecting" : "offline" };
  if (viewer.phase === "waiting") return { kind: facts.begun ? "away" : "starting" };
  if (viewer.phase === "reconnecting" && facts.begun) return { kind: showcase.onAir ? "reconnecting" : "away" };
  if (!showcase.onAir && !facts.begun) return { kind: "starting" };
  return { kind: facts.begun ? "reconnecting" : "loading" };
}

function scheduled(facts: StageFacts): Scene {
  const startsAtMs = facts.showcase.startsAt === null ? null : Date.parse(facts.showcase.startsAt);
  const inMs = startsAtMs === null ? null : startsAtMs - (facts.nowMs + facts.clockOffsetMs);
  return { kind: "scheduled", startsAtMs, inMs };
}

function refused(facts: StageFacts): Scene {
  const { refusal, retryAfterS } = facts.viewer;
  const code = refusal ?? "media.unknown";
  if (retryAfterS !== null) {
    const goneS = Math.floor((facts.nowMs - facts.refusedAtMs) / 1_000);
    return { kind: "full", retryInS: Math.max(0, Math.ceil(retryAfterS - goneS)) };
  }
  if (code.startsWith("token.")) return { kind: "invited" };
  if (CODEC_REFUSALS.includes(code)) return { kind: "codec" };
  return { kind: "failed", code };
}

/** `1:05:09`, `5:09`; null from a day on, when a date says more than a clock. */
export function countdown(inMs: number): string | null {
  const total = Math.max(0, Math.ceil(inMs / 1_000));
  if (total >= 86_400) return null;
  const [hours, minutes, seconds] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** Megabytes (10^6) a minute at this bitrate, as one would tell a friend; null without a measurement. */
export function megabytesPerMinute(bitrateBps: number | null): number | null {
  if (bitrateBps === null || bitrateBps <= 0) return null;
  const exact = (bitrateBps * 60) / 8 / 1_000_000;
  return exact >= 10 ? Math.round(exact) : Math.max(0.1, Math.round(exact * 10) / 10);
}

type Listener = (facts: StageFacts) => void;

export class StageStore {
  private readonly listeners = new Set<Listener>();

  constructor(private current: StageFacts) {}

  get facts(): StageFacts {
    return this.current;
  }

  /** Merge news; listeners hear of it only when something differs. */
  apply(news: Partial<StageFacts>): void {
    const keys = Object.keys(news) as (keyof StageFacts)[];
    if (keys.every((key) => Object.is(this.current[key], news[key]))) return;
    this.current = { ...this.current, ...news };
    for (const listener of this.listeners) listener(this.current);
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
