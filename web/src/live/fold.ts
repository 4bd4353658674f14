/** What an event does to a reader's view of a room: the kernel's `reduce` and veil (`expo/rooms`), in TypeScript. Pure. */

import { type Delivered, LIMITS, type Message, type RoomEvent, type Seat, type Segment, type State } from "../wire.gen";

/** `reader` is `all`, `crew` or `seat:ID`. The result is exactly the next snapshot of this reader. */
export function fold(view: State, told: Delivered, reader: string): State {
  const next = reduce(view, told.event, told.revision, told.atMs);
  return { ...veiled(next, reader), revision: told.revision };
}

function reduce(state: State, event: RoomEvent, revision: number, atMs: number): State {
  switch (event.type) {
    case "waiting_room_opened":
      return lit({ ...state, phase: "waiting" });
    case "waiting_room_closed":
      return lit({ ...state, phase: "draft" });
    case "went_live":
    case "resumed":
      return lit({ ...state, phase: "live" });
    case "paused":
      return lit({ ...state, phase: "paused", armed: null });
    case "ended":
      return lit({ ...finished(state, atMs), phase: "ended", armed: null, undo: null });
    case "next_armed":
      return { ...state, armed: { segment: event.segment, dueMs: event.dueMs } };
    case "next_cancelled":
      return { ...state, armed: null };
    case "advanced": {
      const { current, picture, pin } = state;
      const undo = { began: event.segment, back: current, picture, pin, untilMs: atMs + LIMITS.undoMs };
      const begun = timed(finished(state, atMs), event.segment, { startedMs: atMs, endedMs: null });
      return lit({ ...begun, current: event.segment, armed: null, undo, picture: event.picture });
    }
    case "next_undone":
      return lit(undone(state));
    case "segment_finished":
      return lit({ ...finished(state, atMs), current: null });
    case "reordered": {
      const known = new Map(state.segments.map((segment) => [segment.id, segment]));
      return lit(
        replanned(
          state,
          event.segments.flatMap((id) => known.get(id) ?? []),
        ),
      );
    }
    case "length_set": {
      const { segment, plannedS } = event;
      return { ...state, segments: state.segments.map((one) => (one.id === segment ? { ...one, plannedS } : one)) };
    }
    case "programme_set":
      return lit(replanned(state, event.segments));
    case "picture_pointed":
      return lit({ ...state, picture: event.picture });
    case "recording_changed":
      return { ...state, recording: event.on };
    case "recording_troubled":
      return { ...state, trouble: event.trouble };
    case "picture_shown":
      return lit({ ...state, shown: event.picture });
    case "pinned":
      return { ...state, pin: event.product };
    case "unpinned":
      return { ...state, pin: null };
    case "seat_taken": {
      const { seat, name, role, exhibitor } = event;
      return lit(seated(state, seat, { ...present(state.seats[seat], atMs), name, role, exhibitor }));
    }
    case "seat_left":
      return lit(unseated(state, event.seat));
    case "seat_removed": {
      const removed = [...state.removed, event.seat].slice(-LIMITS.removed);
      return lit({ ...unseated(state, event.seat), removed });
    }
    case "seat_media":
      return lit(
        screened(state, reseated(state, event.seat, { camera: event.camera, screen: event.screen }), event.seat),
      );
    case "seat_here":
      return reseated(state, event.seat, { here: event.here, hereMs: atMs });
    case "ready_set":
      return reseated(state, event.seat, { ready: event.ready });
    case "check_reported":
      return reseated(state, event.seat, { check: { verdict: event.verdict, note: event.note } });
    case "seat_muted":
      return reseated(state, event.seat, { muted: event.muted });
    case "said": {
      const { kind, by, name, company, text, product } = event;
      const unmarked = { hidden: false, withdrawn: false, answered: false };
      const message: Message = { id: revision, kind, by, name, company, text, atMs, product, ...unmarked };
      return { ...state, messages: [...state.messages, message].slice(-LIMITS.messages) };
    }
    case "message_hidden":
      return remarked(state, event.message, { hidden: true });
    case "message_shown": {
      const { name, company, text } = event;
      return remarked(state, event.message, { hidden: false, name, company, text });
    }
    case "message_withdrawn":
      return remarked(state, event.message, { withdrawn: true, text: "" });
    case "question_answered":
      return remarked(state, event.message, { answered: true });
    case "interest_shown": {
      const { product, exhibitor } = event;
      const before = state.interest[product] ?? { exhibitor, count: 0, people: [] };
      return { ...state, interest: { ...state.interest, [product]: { ...before, count: before.count + 1 } } };
    }
    case "audience_counted":
      return { ...state, viewers: event.viewers };
  }
}

const EMPTY_SEAT: Seat = {
  name: "",
  role: "exhibitor",
  exhibitor: null,
  onAir: false,
  camera: false,
  screen: false,
  ready: false,
  muted: false,
  check: null,
  here: false,
  hereMs: 0,
  seen: 0,
};

function present(seat: Seat = EMPTY_SEAT, atMs: number): Seat {
  return seat.here ? seat : { ...seat, here: true, hereMs: atMs };
}

/** Nothing is kept that this reader may not see; who sees it all keeps all. */
function veiled(state: State, reader: string): State {
  if (reader === "crew") return state;
  const me = reader.startsWith("seat:") ? reader.slice("seat:".length) : null;
  const mine = me === null ? undefined : state.seats[me];
  const seats = Object.entries(state.seats).map(([name, seat]) => [name, name === me ? seat : open(seat)]);
  const interest = Object.entries(state.interest).filter(([, { exhibitor }]) => mine?.exhibitor === exhibitor);
  return {
    ...state,
    seats: Object.fromEntries(seats),
    messages: state.messages.some(({ hidden }) => hidden) ? state.messages.map(wordless) : state.messages,
    interest: Object.fromEntries(interest),
    removed: [],
    trouble: null,
  };
}

function open(seat: Seat): Seat {
  return { ...seat, ready: false, muted: false, check: null, here: false, hereMs: 0 };
}

function wordless(message: Message): Message {
  return message.hidden ? { ...message, name: "", company: "", text: "" } : message;
}

/** `onAir` as it follows from the rest: the seats of the current exhibitor, the one pointed at and the one shown. */
function lit(state: State): State {
  const live = state.phase === "live";
  const exhibitor = live ? (segmentOf(state, state.current)?.exhibitor ?? null) : null;
  const seen = live ? [state.picture?.seat, state.shown?.seat] : [];
  const seats = Object.entries(state.seats).map(([name, seat]) => {
    const onAir = seen.includes(name) || (exhibitor !== null && seat.exhibitor === exhibitor);
    return [name, seat.onAir === onAir ? seat : { ...seat, onAir }];
  });
  return { ...state, seats: Object.fromEntries(seats) };
}

export function segmentOf(state: State, segment: string | null): Segment | undefined {
  return state.segments.find(({ id }) => id === segment);
}

/** The current segment ends, and its pin with it. */
function finished(state: State, atMs: number): State {
  const current = segmentOf(state, state.current);
  const done = current ? timed(state, current.id, { startedMs: current.startedMs, endedMs: atMs }) : state;
  return { ...done, pin: null };
}

function timed(state: State, segment: string, times: Pick<Segment, "startedMs" | "endedMs">): State {
  return { ...state, segments: state.segments.map((each) => (each.id === segment ? { ...each, ...times } : each)) };
}

function undone(state: State): State {
  const { undo } = state;
  if (undo === null) return state;
  const back = timed(state, undo.began, { startedMs: null, endedMs: null });
  const before = segmentOf(back, undo.back);
  const resumed = before ? timed(back, before.id, { startedMs: before.startedMs, endedMs: null }) : back;
  const picture = undo.picture !== null && undo.picture.seat in state.seats ? undo.picture : null;
  return { ...resumed, current: undo.back, picture, pin: undo.pin, undo: null, armed: null };
}

/** Segments that have neither begun nor are counted down to, in their order. */
export function movable(state: State): readonly Segment[] {
  return state.segments.filter(({ id, startedMs }) => startedMs === null && id !== state.armed?.segment);
}

function replanned(state: State, coming: readonly Segment[]): State {
  const moved = new Set(movable(state));
  return { ...state, segments: [...state.segments.filter((segment) => !moved.has(segment)), ...coming] };
}

function seated(state: State, name: string, seat: Seat): State {
  return { ...state, seats: { ...state.seats, [name]: seat } };
}

function reseated(state: State, name: string, changes: Partial<Seat>): State {
  const seat = state.seats[name];
  return seat ? seated(state, name, { ...seat, ...changes }) : state;
}

function unseated(state: State, name: string): State {
  const { [name]: _, ...seats } = state.seats;
  const { picture, shown } = state;
  return {
    ...state,
    seats,
    picture: picture?.seat === name ? null : picture,
    shown: shown?.seat === name ? null : shown,
  };
}

/** A screen takes the picture from its own camera when it is shared, and gives it back when it is not any more. */
function screened(before: State, state: State, name: string): State {
  const [seat, was] = [state.seats[name], before.seats[name]];
  if (seat === undefined || was === undefined) return state;
  const { picture } = state;
  const on = picture ?? state.shown;
  if (seat.screen && !was.screen && on?.seat === name && on.source === "camera")
    return { ...state, picture: { seat: name, source: "screen" } };
  if (!seat.screen && picture?.seat === name && picture.source === "screen")
    return { ...state, picture: { seat: name, source: "camera" } };
  return state;
}

function remarked(state: State, message: number, changes: Partial<Message>): State {
  return {
    ...state,
    messages: state.messages.map((each) => (each.id === message ? { ...each, ...changes } : each)),
  };
}
