/** What the stage shows of a room's state: whose part is on, when the others come, which questions are open. Pure. */

import type { Message, Segment, State } from "../wire.gen";
import { movable, segmentOf } from "./fold";

export type Standing = "done" | "now" | "next";

export interface Part {
  readonly segment: Segment;
  readonly standing: Standing;
  /** The plan until the part has begun, then what happened; Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The parts in their order. A part's plan starts where the one before it ends, the first with the showcase. */
export function schedule(state: State, startsAtMs: number | null): readonly Part[] {
  let cursor = startsAtMs ?? state.segments.find(({ startedMs }) => startedMs !== null)?.startedMs ?? 0;
  return state.segments.map((segment) => {
    const fromMs = segment.startedMs ?? cursor;
    const toMs = segment.endedMs ?? fromMs + segment.plannedS * 1_000;
    cursor = toMs;
    return { segment, standing: standing(state, segment), fromMs, toMs };
  });
}

function standing(state: State, segment: Segment): Standing {
  if (state.phase === "ended" || segment.endedMs !== null) return "done";
  return segment.id === state.current ? "now" : "next";
}

/** Up to `most` parts: those around the one that is on. */
export function around(parts: readonly Part[], most: number): readonly Part[] {
  const on = parts.findIndex(({ standing }) => standing !== "done");
  const middle = on < 0 ? parts.length : on;
  const first = Math.max(0, Math.min(middle - 2, parts.length - most));
  return parts.slice(first, first + most);
}

/** The company whose part is on, else null. */
export function companyOn(state: State): string | null {
  return segmentOf(state, state.current)?.exhibitor ?? null;
}

/** Who comes next, counted down to or not. */
export function nextUp(state: State): Segment | null {
  return segmentOf(state, state.armed?.segment ?? null) ?? movable(state)[0] ?? null;
}

/** Whole seconds of the countdown that are left at `serverMs`; null when none runs. It ends with the change itself. */
export function secondsLeft(state: State, serverMs: number): number | null {
  if (state.armed === null) return null;
  return Math.max(0, Math.ceil((state.armed.dueMs - serverMs) / 1_000));
}

export function openQuestions(state: State): number {
  return state.messages.filter(isOpen).length;
}

function isOpen({ kind, answered, hidden, withdrawn }: Message): boolean {
  return kind === "question" && !answered && !hidden && !withdrawn;
}

/** Whether the room takes messages now. */
export function writable(state: State): boolean {
  return state.phase === "waiting" || state.phase === "live" || state.phase === "paused";
}

/** The names of those who are on the air, the one in the picture first. */
export function speaking(state: State): readonly string[] {
  const seats = Object.entries(state.seats).filter(([, { onAir, camera, screen }]) => onAir && (camera || screen));
  const first = state.picture?.seat;
  return seats.sort(([one], [two]) => Number(two === first) - Number(one === first)).map(([, { name }]) => name);
}
