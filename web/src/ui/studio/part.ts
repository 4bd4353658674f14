/** A presenter's part of the show, as the room's state has it. Pure. */

import type { Message, Seat, Segment, State } from "../../wire.gen";
import { movable, segmentOf, spans } from "../run/model";

export type Place = "before" | "armed" | "on" | "over" | "none";

export interface Part {
  /** "before" waits for its turn, "over" has none left, "none" is crew or a company without a part. */
  readonly place: Place;
  /** The part that is on, armed or to come; after it the last one. */
  readonly segment: Segment | null;
  /** Companies that come before it. */
  readonly ahead: number;
  /** When it begins if everybody keeps to the plan; null when that is over. */
  readonly atMs: number | null;
}

export function partOf(state: State, exhibitor: string | null, startsAtMs: number, nowMs: number): Part {
  const mine = state.segments.filter((one) => one.exhibitor === exhibitor);
  const last = mine.at(-1) ?? null;
  const none: Part = { place: last === null ? "none" : "over", segment: last, ahead: 0, atMs: null };
  if (state.phase === "ended" || last === null) return none;
  const on = mine.find((one) => one.id === state.current);
  if (on !== undefined) return { place: "on", segment: on, ahead: 0, atMs: on.startedMs };
  const armed = mine.find((one) => one.id === state.armed?.segment);
  if (armed !== undefined) return { place: "armed", segment: armed, ahead: 0, atMs: state.armed?.dueMs ?? null };
  const coming = movable(state);
  const at = coming.findIndex((one) => one.exhibitor === exhibitor);
  const segment = coming[at];
  if (segment === undefined) return none;
  const atMs = spans(state, startsAtMs, nowMs).get(segment.id)?.fromMs ?? null;
  return { place: "before", segment, ahead: at + (state.armed === null ? 0 : 1), atMs };
}

/** Who comes after what is on now, and is not this company. */
export function following(state: State, exhibitor: string | null): Segment | null {
  const next = segmentOf(state, state.armed?.segment ?? null) ?? movable(state)[0] ?? null;
  return next?.exhibitor === exhibitor ? null : next;
}

/** Products may be shown while the own part is on. */
export function mayPin(state: State, part: Part): boolean {
  return part.place === "on" && (state.phase === "live" || state.phase === "paused");
}

/** Questions about this company's products, or asked while it was on; oldest first. */
export function questionsFor(state: State, exhibitor: string | null): readonly Message[] {
  const mine = state.segments.filter((one) => one.exhibitor === exhibitor);
  const products = new Set(mine.flatMap((one) => one.products));
  const during = (atMs: number) =>
    mine.some((one) => one.startedMs !== null && atMs >= one.startedMs && atMs <= (one.endedMs ?? atMs));
  return state.messages.filter(
    (one) =>
      one.kind === "question" &&
      !one.hidden &&
      !one.withdrawn &&
      (one.product === null ? during(one.atMs) : products.has(one.product)),
  );
}

/** What a seat's presenter should do when the room's word on it changes. */
export type Cue = "begin" | null;

/**
 * Going on air by itself: only at the moment the part begins, and only for who said to be ready or was on before.
 * `before` is null at the first look, when a reload has its own way back on air.
 */
export function cue(before: Seat | null, now: Seat | null, wasOn: boolean): Cue {
  if (before === null || now === null || before.onAir || !now.onAir) return null;
  return now.ready || wasOn ? "begin" : null;
}
