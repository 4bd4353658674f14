/** The public state of a showcase, as `GET /api/showcases/{id}` tells it. */

import type { State } from "../wire.gen";

export type ShowcasePhase = "draft" | "scheduled" | "live" | "ended";

export interface ShowcaseState {
  readonly v: 1;
  readonly id: string;
  readonly title: string;
  readonly state: ShowcasePhase;
  /** Somebody's picture or sound reaches the server now. */
  readonly onAir: boolean;
  readonly viewers: number;
  /** ISO 8601, UTC; null when the programme names no time. */
  readonly startsAt: string | null;
  readonly keyFrameIntervalMs: number | null;
  /** ISO 8601, UTC: the clock that countdowns run by. */
  readonly serverTime: string;
  /** Some of it can be seen again by this reader, and which parts. */
  readonly replay?: boolean;
  readonly again?: readonly string[];
}

/** Refuse a body of another shape or version: better an old state than a wrong one. */
export function readShowcase(body: unknown): ShowcaseState | null {
  if (typeof body !== "object" || body === null) return null;
  const found = body as Partial<Record<keyof ShowcaseState, unknown>>;
  const phases: readonly unknown[] = ["draft", "scheduled", "live", "ended"];
  if (found.v !== 1 || typeof found.id !== "string" || !phases.includes(found.state)) return null;
  if (typeof found.onAir !== "boolean" || typeof found.viewers !== "number") return null;
  return body as ShowcaseState;
}

/**
 * With what its room says, which knows at once: a show that either calls over is over, one that either calls live is
 * live, and one whose room has become a draft's is announced no more.
 */
export function withRoom(showcase: ShowcaseState, room: Pick<State, "phase" | "viewers"> | null): ShowcaseState {
  if (room === null) return showcase;
  const said = [showcase.state, room.phase === "paused" ? "live" : room.phase];
  const state = said.includes("ended")
    ? "ended"
    : said.includes("live")
      ? "live"
      : room.phase === "draft"
        ? "draft"
        : showcase.state;
  return { ...showcase, state, viewers: room.viewers || showcase.viewers };
}
