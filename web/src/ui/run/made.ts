/** Rooms made by hand, for tests alone; no page imports this. */

import type { Seat, Segment, State } from "../../wire.gen";

export function segment(number: number, news: Partial<Segment> = {}): Segment {
  const own = { id: `s${number}`, exhibitor: `e${number}`, products: [`p${number}`], plannedS: 900 };
  return { ...own, startedMs: null, endedMs: null, ...news };
}

export function seat(exhibitor: string, news: Partial<Seat> = {}): Seat {
  const off = {
    onAir: false,
    camera: false,
    screen: false,
    ready: false,
    muted: false,
    check: null,
    here: true,
    hereMs: 0,
    seen: 0,
  };
  return { name: `of ${exhibitor}`, role: "exhibitor", exhibitor, ...off, ...news };
}

export function room(news: Partial<State> = {}): State {
  const empty = { current: null, armed: null, undo: null, picture: null, shown: null, pin: null };
  const crowd = {
    seats: {},
    messages: [],
    interest: {},
    viewers: 0,
    removed: [],
    recent: {},
    recording: false,
    trouble: null,
  };
  const segments = [segment(1), segment(2), segment(3)];
  return { room: "r", revision: 1, seen: 0, atMs: 0, phase: "live", segments, ...empty, ...crowd, v: 1, ...news };
}
