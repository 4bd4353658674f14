/** What follows from a room's state for the people who run it. Pure. */

import type { Message, Seat, Segment, State } from "../../wire.gen";

export interface Company {
  readonly name: string;
  readonly url: string;
}

export interface Goods {
  readonly name: string;
  readonly image: string;
  readonly price: string;
  readonly moq: string;
  readonly url: string;
}

export function segmentOf(state: State, id: string | null): Segment | null {
  return state.segments.find((one) => one.id === id) ?? null;
}

/** Segments that have neither begun nor are counted down to, in their order. */
export function movable(state: State): readonly Segment[] {
  return state.segments.filter((one) => one.startedMs === null && one.id !== state.armed?.segment);
}

/** The segment that is counted down to, else the first to come. */
export function nextSegment(state: State): Segment | null {
  return segmentOf(state, state.armed?.segment ?? null) ?? movable(state)[0] ?? null;
}

export function seatsOf(state: State, exhibitor: string): readonly Seat[] {
  return Object.values(state.seats).filter((seat) => seat.exhibitor === exhibitor);
}

/** Of the company to come, whom the server previews: whoever has a camera; here before away, ready before others. */
export function comingSeat(state: State): string | null {
  const exhibitor = nextSegment(state)?.exhibitor;
  const own = Object.entries(state.seats).filter(([, seat]) => seat.exhibitor === exhibitor);
  own.sort(([, a], [, b]) => Number(b.here) - Number(a.here) || Number(b.ready) - Number(a.ready));
  return own.find(([, seat]) => seat.camera)?.[0] ?? null;
}

export function someoneReady(state: State, segment: Segment): boolean {
  return seatsOf(state, segment.exhibitor).some((seat) => seat.here && seat.ready);
}

/** Since when all of a company's people have been away; null while one is here, and where nobody came yet. */
export function awaySince(state: State, segment: Segment): number | null {
  const seats = seatsOf(state, segment.exhibitor);
  if (seats.length === 0 || seats.some((seat) => seat.here)) return null;
  return Math.max(...seats.map((seat) => seat.hereMs));
}

/** How a company stands in the run of show; "check" is somebody here whose device check failed. */
export type Standing = "done" | "skipped" | "on" | "armed" | "ready" | "check" | "here" | "away";

export function standing(state: State, segment: Segment): Standing {
  if (state.current === segment.id && state.phase !== "ended") return "on";
  if (segment.startedMs !== null) return "done";
  if (state.phase === "ended") return "skipped";
  if (state.armed?.segment === segment.id) return "armed";
  const seats = seatsOf(state, segment.exhibitor).filter((seat) => seat.here);
  if (seats.some((seat) => seat.check?.verdict === "fail")) return "check";
  if (seats.some((seat) => seat.ready)) return "ready";
  return seats.length > 0 ? "here" : "away";
}

/** The worst device check among a company's people; null when nobody has reported one. */
export function worstCheck(state: State, segment: Segment): "pass" | "warn" | "fail" | null {
  const found = seatsOf(state, segment.exhibitor).map((seat) => seat.check?.verdict);
  return (["fail", "warn", "pass"] as const).find((verdict) => found.includes(verdict)) ?? null;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When each segment is: what happened, and from now on what would happen if everybody kept to the plan. */
export function spans(state: State, startsAtMs: number, nowMs: number): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>();
  const ended = state.segments.flatMap((one) => (one.endedMs === null ? [] : [one.endedMs]));
  const begun = state.phase === "live" || state.phase === "paused";
  let cursor = begun ? Math.max(nowMs, ...ended) : Math.max(startsAtMs, state.phase === "ended" ? 0 : nowMs);
  const current = segmentOf(state, state.current);
  for (const segment of current === null ? state.segments : [current, ...state.segments]) {
    if (found.has(segment.id)) continue;
    const plannedMs = segment.plannedS * 1_000;
    if (segment.startedMs === null) {
      found.set(segment.id, { fromMs: cursor, toMs: cursor + plannedMs });
      cursor += plannedMs;
      continue;
    }
    const toMs = segment.endedMs ?? Math.max(segment.startedMs + plannedMs, nowMs);
    found.set(segment.id, { fromMs: segment.startedMs, toMs });
    if (segment === current) cursor = toMs;
  }
  return found;
}

/** The last end of all; of a show that is over, of what was presented. */
export function endsAt(state: State, found: ReadonlyMap<string, Span>): number | null {
  const counted = state.phase === "ended" ? state.segments.filter((one) => one.startedMs !== null) : state.segments;
  const ends = counted.flatMap((one) => found.get(one.id)?.toMs ?? []);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** When the first company began, for the clock on air. */
export function beganMs(state: State): number | null {
  const times = state.segments.flatMap((one) => (one.startedMs === null ? [] : [one.startedMs]));
  return times.length === 0 ? null : Math.min(...times);
}

/** The order with one id moved by `by` places, kept within its ends. */
export function moved(order: readonly string[], id: string, by: number): readonly string[] {
  const at = order.indexOf(id);
  const to = Math.min(order.length - 1, Math.max(0, at + by));
  return at < 0 || at === to ? order : placed(order, id, to);
}

/** The order with one id at place `to` of the others. */
export function placed(order: readonly string[], id: string, to: number): readonly string[] {
  const others = order.filter((one) => one !== id);
  return [...others.slice(0, to), id, ...others.slice(to)];
}

/** Whole seconds until the countdown ends, at least 0. */
export function secondsLeft(dueMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((dueMs - nowMs) / 1_000));
}

export function openQuestions(state: State): readonly Message[] {
  return state.messages.filter((one) => one.kind === "question" && !one.answered && !one.hidden && !one.withdrawn);
}
