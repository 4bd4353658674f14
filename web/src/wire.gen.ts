/** Made from the types of the server by `python tools/wire_types.py`; do not edit. */

export const SCHEMA = 1;

export const LIMITS = {
  nameChars: 80,
  companyChars: 120,
  textChars: 500,
  noteChars: 200,
  messages: 200,
  removed: 500,
  leastPartS: 60,
  mostPartS: 14400,
  undoMs: 10000,
  countdownMs: 3000,
} as const;

/** What a client says when it connects. `token` is a room token, for a room that is not open to all. */
export interface JoinRoom {
  readonly room: string;
  readonly token?: string | null;
  readonly v?: 1;
}

export type Command =
  | OpenWaitingRoom
  | GoLive
  | ArmNext
  | CancelNext
  | UndoNext
  | Pause
  | Resume
  | End
  | Reorder
  | SetLength
  | PointPicture
  | Pin
  | Unpin
  | Finish
  | TakeSeat
  | LeaveSeat
  | SetReady
  | ReportCheck
  | MuteSeat
  | RemoveSeat
  | Say
  | Ask
  | Withdraw
  | HideMessage
  | AnswerQuestion
  | Interested;

/** A command as a client sends it; `id` makes sending it twice harmless. */
export interface Request {
  readonly id: string;
  readonly command: Command;
  readonly v?: number;
}

export interface OpenWaitingRoom {
  readonly type: "open_waiting_room";
}

export interface GoLive {
  readonly type: "go_live";
}

export interface ArmNext {
  readonly type: "arm_next";
  readonly segment: string;
  readonly anyway?: boolean;
}

export interface CancelNext {
  readonly type: "cancel_next";
}

export interface UndoNext {
  readonly type: "undo_next";
}

export interface Pause {
  readonly type: "pause";
}

export interface Resume {
  readonly type: "resume";
}

export interface End {
  readonly type: "end";
}

export interface Reorder {
  readonly type: "reorder";
  readonly segments: readonly string[];
}

/** A part that is not over is planned to last so long, from its start. */
export interface SetLength {
  readonly type: "set_length";
  readonly segment: string;
  readonly plannedS: number;
}

export interface PointPicture {
  readonly type: "point_picture";
  readonly seat: string | null;
  readonly source?: "camera" | "screen";
}

export interface Pin {
  readonly type: "pin";
  readonly product: string;
}

export interface Unpin {
  readonly type: "unpin";
}

export interface Finish {
  readonly type: "finish";
}

export interface TakeSeat {
  readonly type: "take_seat";
}

export interface LeaveSeat {
  readonly type: "leave_seat";
}

export interface SetReady {
  readonly type: "set_ready";
  readonly ready: boolean;
}

export interface ReportCheck {
  readonly type: "report_check";
  readonly verdict: "fail" | "pass" | "warn";
  readonly note?: string;
}

export interface MuteSeat {
  readonly type: "mute_seat";
  readonly seat: string;
  readonly muted?: boolean;
}

export interface RemoveSeat {
  readonly type: "remove_seat";
  readonly seat: string;
}

export interface Say {
  readonly type: "say";
  readonly text: string;
}

export interface Ask {
  readonly type: "ask";
  readonly text: string;
  readonly product?: string | null;
}

export interface Withdraw {
  readonly type: "withdraw";
  readonly message: number;
}

export interface HideMessage {
  readonly type: "hide_message";
  readonly message: number;
  readonly hidden?: boolean;
}

export interface AnswerQuestion {
  readonly type: "answer_question";
  readonly message: number;
}

export interface Interested {
  readonly type: "interested";
  readonly product: string;
}

/** The first thing that a socket hears; `you` is null for somebody without a name. */
export interface Hello {
  readonly you: You | null;
  readonly snapshot: Snapshot;
  readonly v: number;
}

/** Who a socket is to the room. */
export interface You {
  readonly participant: string;
  readonly name: string;
  readonly company: string;
  readonly can: readonly ("kernel" | "present" | "run" | "write")[];
  readonly role: "exhibitor" | "interpreter" | "moderator" | "organiser" | "technician" | null;
  readonly exhibitor: string | null;
}

/** A reader's whole view; its `state.revision` is that of the last event that this reader would have been sent. */
export interface Snapshot {
  readonly reader: string;
  readonly serverMs: number;
  readonly state: State;
  readonly v: number;
}

/** The whole room. `seen` is the last revision that went to all; `recent` maps command ids to their revisions. */
export interface State {
  readonly room: string;
  readonly revision: number;
  readonly seen: number;
  readonly atMs: number;
  readonly phase: "draft" | "ended" | "live" | "paused" | "waiting";
  readonly segments: readonly Segment[];
  readonly current: string | null;
  readonly armed: Armed | null;
  readonly undo: Undo | null;
  readonly seats: Readonly<Record<string, Seat>>;
  readonly picture: Picture | null;
  readonly shown: Picture | null;
  readonly recording: boolean;
  readonly trouble: "disk_failed" | "disk_full" | "no_picture" | "taken_over" | null;
  readonly pin: string | null;
  readonly messages: readonly Message[];
  readonly interest: Readonly<Record<string, Interest>>;
  readonly viewers: number;
  readonly removed: readonly string[];
  readonly recent: Readonly<Record<string, number>>;
  readonly v: number;
}

/** One company's part; its times are what really happened, on the room's clock. */
export interface Segment {
  readonly id: string;
  readonly exhibitor: string;
  readonly plannedS: number;
  readonly products: readonly string[];
  readonly startedMs: number | null;
  readonly endedMs: number | null;
}

/** The countdown to `segment`. */
export interface Armed {
  readonly segment: string;
  readonly dueMs: number;
}

/** What the last change of segment replaced: `began` took over from `back`. */
export interface Undo {
  readonly began: string;
  readonly back: string | null;
  readonly picture: Picture | null;
  readonly pin: string | null;
  readonly untilMs: number;
}

/** What the stage shows: one source of a seat. */
export interface Picture {
  readonly seat: string;
  readonly source: "camera" | "screen";
}

/** A presenter's or crew member's place. `seen` is the last revision that went to this seat alone. */
export interface Seat {
  readonly name: string;
  readonly role: "exhibitor" | "interpreter" | "moderator" | "organiser" | "technician";
  readonly exhibitor: string | null;
  readonly onAir: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly ready: boolean;
  readonly muted: boolean;
  readonly check: Check | null;
  readonly here: boolean;
  readonly hereMs: number;
  readonly seen: number;
}

/** A device check as the page found it. */
export interface Check {
  readonly verdict: "fail" | "pass" | "warn";
  readonly note: string;
}

/** A line of the chat or a question; `id` is the revision that brought it. */
export interface Message {
  readonly id: number;
  readonly kind: "chat" | "question";
  readonly by: string;
  readonly name: string;
  readonly company: string;
  readonly text: string;
  readonly atMs: number;
  readonly product: string | null;
  readonly hidden: boolean;
  readonly withdrawn: boolean;
  readonly answered: boolean;
}

/** How often a product was asked for; `people` are the last of them, to count each once. */
export interface Interest {
  readonly exhibitor: string;
  readonly count: number;
  readonly people: readonly string[];
}

export type RoomEvent =
  | WaitingRoomOpened
  | WaitingRoomClosed
  | WentLive
  | Paused
  | Resumed
  | Ended
  | NextArmed
  | NextCancelled
  | Advanced
  | NextUndone
  | SegmentFinished
  | Reordered
  | LengthSet
  | ProgrammeSet
  | PicturePointed
  | PictureShown
  | RecordingChanged
  | RecordingTroubled
  | Pinned
  | Unpinned
  | SeatTaken
  | SeatLeft
  | SeatRemoved
  | SeatMedia
  | SeatHere
  | ReadySet
  | CheckReported
  | SeatMuted
  | Said
  | MessageHidden
  | MessageShown
  | MessageWithdrawn
  | QuestionAnswered
  | InterestShown
  | AudienceCounted;

/** An event on its way to a reader; `previous` is the revision of the last one that this reader was sent. */
export interface Delivered {
  readonly revision: number;
  readonly previous: number;
  readonly atMs: number;
  readonly event: RoomEvent;
  readonly v: number;
}

export interface WaitingRoomOpened {
  readonly type: "waiting_room_opened";
}

export interface WaitingRoomClosed {
  readonly type: "waiting_room_closed";
}

export interface WentLive {
  readonly type: "went_live";
}

export interface Paused {
  readonly type: "paused";
}

export interface Resumed {
  readonly type: "resumed";
}

export interface Ended {
  readonly type: "ended";
}

export interface NextArmed {
  readonly type: "next_armed";
  readonly segment: string;
  readonly dueMs: number;
}

export interface NextCancelled {
  readonly type: "next_cancelled";
}

export interface Advanced {
  readonly type: "advanced";
  readonly segment: string;
  readonly picture: Picture | null;
}

export interface NextUndone {
  readonly type: "next_undone";
}

export interface SegmentFinished {
  readonly type: "segment_finished";
}

export interface Reordered {
  readonly type: "reordered";
  readonly segments: readonly string[];
}

export interface LengthSet {
  readonly type: "length_set";
  readonly segment: string;
  readonly plannedS: number;
}

export interface ProgrammeSet {
  readonly type: "programme_set";
  readonly segments: readonly Segment[];
}

export interface PicturePointed {
  readonly type: "picture_pointed";
  readonly picture: Picture | null;
}

export interface PictureShown {
  readonly type: "picture_shown";
  readonly picture: Picture | null;
}

export interface RecordingChanged {
  readonly type: "recording_changed";
  readonly on: boolean;
}

export interface RecordingTroubled {
  readonly type: "recording_troubled";
  readonly trouble: "disk_failed" | "disk_full" | "no_picture" | "taken_over" | null;
}

export interface Pinned {
  readonly type: "pinned";
  readonly product: string;
}

export interface Unpinned {
  readonly type: "unpinned";
}

export interface SeatTaken {
  readonly type: "seat_taken";
  readonly seat: string;
  readonly name: string;
  readonly role: "exhibitor" | "interpreter" | "moderator" | "organiser" | "technician";
  readonly exhibitor: string | null;
}

export interface SeatLeft {
  readonly type: "seat_left";
  readonly seat: string;
}

export interface SeatRemoved {
  readonly type: "seat_removed";
  readonly seat: string;
}

export interface SeatMedia {
  readonly type: "seat_media";
  readonly seat: string;
  readonly camera: boolean;
  readonly screen: boolean;
}

export interface SeatHere {
  readonly type: "seat_here";
  readonly seat: string;
  readonly here: boolean;
}

export interface ReadySet {
  readonly type: "ready_set";
  readonly seat: string;
  readonly ready: boolean;
}

export interface CheckReported {
  readonly type: "check_reported";
  readonly seat: string;
  readonly verdict: "fail" | "pass" | "warn";
  readonly note: string;
}

export interface SeatMuted {
  readonly type: "seat_muted";
  readonly seat: string;
  readonly muted: boolean;
}

export interface Said {
  readonly type: "said";
  readonly kind: "chat" | "question";
  readonly by: string;
  readonly name: string;
  readonly company: string;
  readonly text: string;
  readonly product: string | null;
}

export interface MessageHidden {
  readonly type: "message_hidden";
  readonly message: number;
}

export interface MessageShown {
  readonly type: "message_shown";
  readonly message: number;
  readonly name: string;
  readonly company: string;
  readonly text: string;
}

export interface MessageWithdrawn {
  readonly type: "message_withdrawn";
  readonly message: number;
}

export interface QuestionAnswered {
  readonly type: "question_answered";
  readonly message: number;
}

export interface InterestShown {
  readonly type: "interest_shown";
  readonly product: string;
  readonly exhibitor: string;
  readonly by: string;
}

export interface AudienceCounted {
  readonly type: "audience_counted";
  readonly viewers: number;
}

/** The last thing that a socket hears: it need not come back. */
export interface Goodbye {
  readonly code: string;
  readonly v: number;
}

/** The room at `revision` holds the command's effect; `shared` says that the log does too. */
export interface Ack {
  readonly revision: number;
  readonly shared: boolean;
  readonly v: number;
}

/** A code to show, in two halves; it works for `lifeS` seconds from now, once. */
export interface CodeAnswer {
  readonly v: number;
  readonly code: string;
  readonly lifeS: number;
}
