/** What needs the organiser: found in the room's state, listed in the order in which it came up. Pure. */

import type { Message, Seat, Segment, State } from "../../wire.gen";
import { movable, nextSegment, openQuestions, seatsOf, someoneReady } from "./model";

export type Need =
  | { readonly key: string; readonly kind: "recording"; readonly trouble: NonNullable<State["trouble"]> }
  | {
      readonly key: string;
      readonly kind: "not_ready";
      readonly segment: Segment;
      readonly here: boolean;
      readonly later: boolean;
    }
  | { readonly key: string; readonly kind: "question"; readonly message: Message }
  | {
      readonly key: string;
      readonly kind: "muted";
      readonly seat: string;
      readonly name: string;
      readonly exhibitor: string | null;
    }
  | {
      readonly key: string;
      readonly kind: "check";
      readonly seat: string;
      readonly name: string;
      readonly exhibitor: string | null;
      readonly note: string;
    };

/** Everything open now; `noted` are keys that the organiser has put aside. */
export function needsOf(state: State, noted: ReadonlySet<string>): readonly Need[] {
  if (state.phase === "draft" || state.phase === "ended") return [];
  const seats = Object.entries(state.seats);
  const next = nextSegment(state);
  const found: Need[] = [];
  const { trouble } = state;
  if (trouble !== null) found.push({ key: `recording:${trouble}`, kind: "recording", trouble });
  if (next !== null && state.armed === null && !someoneReady(state, next)) {
    const here = seatsOf(state, next.exhibitor).some((seat) => seat.here);
    found.push({ key: `ready:${next.id}`, kind: "not_ready", segment: next, here, later: movable(state).length > 1 });
  }
  for (const [seat, { name, exhibitor, check }] of seats) {
    if (check?.verdict !== "fail") continue;
    found.push({ key: `check:${seat}:${check.note}`, kind: "check", seat, name, exhibitor, note: check.note });
  }
  for (const [seat, { name, exhibitor, ...rest }] of seats) {
    if (mutedAndWanted(rest, exhibitor, next))
      found.push({ key: `muted:${seat}`, kind: "muted", seat, name, exhibitor });
  }
  for (const message of openQuestions(state)) found.push({ key: `question:${message.id}`, kind: "question", message });
  return found.filter((need) => !noted.has(need.key));
}

function mutedAndWanted(seat: Pick<Seat, "muted" | "onAir">, exhibitor: string | null, next: Segment | null): boolean {
  return seat.muted && (seat.onAir || (exhibitor !== null && exhibitor === next?.exhibitor));
}

export interface Listed {
  readonly need: Need;
  readonly sinceMs: number;
  /** Settled, but kept in its place while somebody is in the list. */
  readonly done: boolean;
}

/** Oldest first; what is new goes below, and nothing leaves or moves while the list is `held` by a focus. */
export class NeedsList {
  private listed: readonly Listed[] = [];

  get items(): readonly Listed[] {
    return this.listed;
  }

  /** True when anything differs from before. */
  update(needs: readonly Need[], nowMs: number, held: boolean): boolean {
    const open = new Map(needs.map((need) => [need.key, need]));
    const kept = this.listed.flatMap((item): Listed[] => {
      const need = open.get(item.need.key);
      open.delete(item.need.key);
      if (need !== undefined) return [{ need, sinceMs: item.sinceMs, done: false }];
      return held ? [{ ...item, done: true }] : [];
    });
    const fresh = [...open.values()].map((need) => ({ need, sinceMs: since(need, nowMs), done: false }));
    fresh.sort((one, other) => one.sinceMs - other.sinceMs);
    const next = [...kept, ...fresh];
    const same =
      next.length === this.listed.length &&
      next.every((item, at) => item.need === this.listed[at]?.need && item.done === this.listed[at]?.done);
    this.listed = next;
    return !same;
  }
}

function since(need: Need, nowMs: number): number {
  return need.kind === "question" ? Math.min(need.message.atMs, nowMs) : nowMs;
}
