/** What the studio shows, and the words that follow from it. Pure. */

import type { DevicesState, Kind } from "../media/devices";
import type { LevelWord } from "../media/level";
import type { PublisherState } from "../media/publisher";
import type { Quality } from "../media/quality";
import type { MediaStats } from "../media/stats";
import type { State } from "../wire.gen";
import type { ScreenState } from "./studio/screen";

/** The room as `/api/showcases/{id}` tells it. */
export interface RoomView {
  readonly state: "draft" | "scheduled" | "live" | "ended";
  readonly onAir: boolean;
  readonly viewers: number;
  readonly startsAt: string | null;
  readonly keyFrameIntervalMs: number | null;
}

export interface StudioState {
  readonly room: RoomView | null;
  readonly devices: DevicesState;
  readonly publisher: PublisherState;
  readonly screen: ScreenState;
  /** How often somebody was interested in this person's products, as far as the room tells. */
  readonly interest?: number;
  /** Viewers see or hear this person, as far as the room tells. */
  readonly seen: boolean;
  /** They do, by another page or an encoder. */
  readonly elsewhere: boolean;
  /** The show has ended. */
  readonly over: boolean;
  /** Somebody else has the stage. */
  readonly occupied: boolean;
  /** What of this person the stage shows or would show. */
  readonly picture: "camera" | "screen" | null;
  /** Why the room sent this person away, if it did. */
  readonly sentAway: string | null;
  readonly stats: MediaStats;
  readonly quality: Quality;
  readonly level: LevelWord;
  readonly micOn: boolean;
  readonly cameraOn: boolean;
  /** Wall clock, ms. */
  readonly onAirSince: number | null;
  readonly now: number;
  /** Server time minus ours, ms: countdowns follow the server. */
  readonly clockOffsetMs: number;
  /** A short tap on a button that wants holding. */
  readonly hintHold: boolean;
}

/** "backstage": published, and seen by no viewer; "elsewhere": this person is on air, but not from this page. */
export type Mode =
  | "waiting"
  | "starting"
  | "backstage"
  | "air"
  | "healing"
  | "taken"
  | "refused"
  | "away"
  | "over"
  | "elsewhere";

/** How the room sees the person of this page; before it is known, the showcase's own state has to do. */
export function standing(
  state: State | null,
  me: string | null,
  room: RoomView | null,
): Pick<StudioState, "seen" | "elsewhere" | "over" | "occupied" | "picture" | "interest"> {
  const over = state?.phase === "ended" || room?.state === "ended";
  if (state === null) return { seen: true, elsewhere: room?.onAir === true, over, occupied: false, picture: null };
  const seat = me === null ? undefined : state.seats[me];
  const on = state.picture ?? state.shown;
  const interest = interestIn(state, seat?.exhibitor ?? null);
  if (seat === undefined) {
    const seen = on === null;
    return { seen, elsewhere: seen && room?.onAir === true, over, occupied: !seen, picture: null, interest };
  }
  const seen = seat.onAir || (state.phase === "paused" && state.shown?.seat === me);
  const occupied = !seen && (state.current !== null || state.shown !== null);
  const picture = on !== null && on.seat === me ? on.source : null;
  return { seen, elsewhere: seen && seat.camera, over, occupied, picture, interest };
}

/** In a company's products, or in all of them for the crew. */
function interestIn(state: State, exhibitor: string | null): number {
  const own = Object.values(state.interest).filter((one) => exhibitor === null || one.exhibitor === exhibitor);
  return own.reduce((sum, { count }) => sum + count, 0);
}

export function mode({
  publisher,
  seen,
  elsewhere,
  over,
  sentAway,
}: Pick<StudioState, "publisher" | "seen" | "elsewhere" | "over" | "sentAway">): Mode {
  if (sentAway !== null) return "away";
  switch (publisher.phase) {
    case "live":
      return seen ? "air" : "backstage";
    case "connecting":
      return "starting";
    case "reconnecting":
      return "healing";
    case "failed":
      return "refused";
    case "taken":
      return "taken";
    case "refused":
      return "refused";
    case "stopped":
      return over ? "over" : elsewhere ? "elsewhere" : "waiting";
  }
}

/** Something to send: sound alone will do, nothing at all will not. */
export function canGoOnAir({ devices, over }: Pick<StudioState, "devices" | "over">): boolean {
  return (devices.camera !== null || devices.microphone !== null) && !over;
}

/** Key frames further apart than this make every newcomer wait for a picture. */
const KEY_FRAME_MS = 1_000;
/** Encoders keep time to a few per cent; a 1 s interval measured as 1,040 ms is not worth a warning. */
const KEY_FRAME_SLACK_MS = 150;

export function keyFramesTooRare(room: RoomView | null): number | null {
  const interval = room?.onAir === true ? room.keyFrameIntervalMs : null;
  return interval !== null && interval > KEY_FRAME_MS + KEY_FRAME_SLACK_MS ? interval : null;
}

/** Kinds that have a problem, camera first. */
export function troubled(devices: DevicesState): Kind[] {
  return (["camera", "microphone"] as const).filter((kind) => devices.problems[kind] !== null);
}

/** `1:02:03` or `2:03`. */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
