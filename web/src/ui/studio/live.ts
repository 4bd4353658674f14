/** The studio's place in the room: takes a seat, sends what the presenter decides, and tells when the part begins. */

import { Room, RoomError } from "../../live/room";
import { dialer } from "../../live/socket";
import type { Command, Seat, State } from "../../wire.gen";
import { cue, type Part, partOf } from "./part";
import { keptVerdict } from "./verdict";

export interface LiveEvents {
  /** Anything to draw anew. */
  readonly changed: () => void;
  /** The part begins: go on air. */
  readonly begin: () => void;
  /** The room refused; words for the reader, or empty. */
  readonly refused: (title: string) => void;
}

const UNDO_MS = 8_000;
const REFUSAL_MS = 6_000;

export class StudioRoom {
  readonly room: Room;
  /** Since when the product is shown, as far as this page knows; server time. */
  pinnedMs = 0;
  private pin: string | null = null;
  private former: { readonly pin: string | null; readonly untilMs: number } | null = null;
  private seatBefore: Seat | null = null;
  private wasOn = false;
  private overSinceMs: number | null = null;
  private introduced = false;
  private refusal: { readonly title: string; readonly untilMs: number } | null = null;

  constructor(
    showcase: string,
    private readonly startsAtMs: () => number,
    private readonly events: LiveEvents,
  ) {
    this.room = new Room(dialer(showcase, null));
    this.room.store.subscribe(() => this.follow());
  }

  open(): void {
    this.room.open();
  }

  get state(): State | null {
    return this.room.state;
  }

  get exhibitor(): string | null {
    return this.room.store.facts.you?.exhibitor ?? null;
  }

  get seat(): Seat | null {
    const { you, state } = this.room.store.facts;
    return you === null || state === null ? null : (state.seats[you.participant] ?? null);
  }

  get part(): Part | null {
    const { state } = this;
    return state === null ? null : partOf(state, this.exhibitor, this.startsAtMs(), this.room.serverNow());
  }

  /** How long another company has had the stage since this one was on, ms; 0 while it has not. */
  get overForMs(): number {
    return this.overSinceMs === null ? 0 : Math.max(1, Date.now() - this.overSinceMs);
  }

  /** Why the room did not do what was asked last, for a few seconds; null otherwise. */
  get refused(): string | null {
    return this.refusal !== null && Date.now() < this.refusal.untilMs ? this.refusal.title : null;
  }

  setReady(ready: boolean): void {
    void this.send({ type: "set_ready", ready });
  }

  /** Have the stage show this person's camera or screen. */
  point(source: "camera" | "screen"): void {
    const { you } = this.room.store.facts;
    if (you !== null) void this.send({ type: "point_picture", seat: you.participant, source });
  }

  show(product: string): void {
    this.remember();
    void this.send({ type: "pin", product });
  }

  hide(): void {
    this.remember();
    void this.send({ type: "unpin" });
  }

  get canUndo(): boolean {
    return this.former !== null && Date.now() < this.former.untilMs && this.former.pin !== this.state?.pin;
  }

  undo(): void {
    const { former } = this;
    this.former = null;
    if (former === null) return;
    void this.send(former.pin === null ? { type: "unpin" } : { type: "pin", product: former.pin });
  }

  answered(message: number): void {
    void this.send({ type: "answer_question", message });
  }

  /** The own part is over, if it is on. */
  finish(): void {
    this.wasOn = false;
    if (this.part?.place === "on" && this.state?.phase !== "waiting") void this.send({ type: "finish" });
  }

  private remember(): void {
    this.former = { pin: this.state?.pin ?? null, untilMs: Date.now() + UNDO_MS };
  }

  private async send(command: Command): Promise<void> {
    try {
      await this.room.send(command);
    } catch (problem) {
      if (!(problem instanceof RoomError)) throw problem;
      if (problem.title !== "") this.refusal = { title: problem.title, untilMs: Date.now() + REFUSAL_MS };
      this.events.refused(problem.title);
    }
    this.events.changed();
  }

  private follow(): void {
    const { link, you, state } = this.room.store.facts;
    if (link !== "open") this.introduced = false;
    else this.introduce();
    if (state !== null && state.pin !== this.pin) {
      this.pin = state.pin;
      this.pinnedMs = this.room.serverNow();
    }
    const seat = you === null ? null : this.seat;
    const now = cue(this.seatBefore, seat, this.wasOn);
    this.seatBefore = seat;
    if (seat?.onAir === true) this.wasOn = true;
    const over = this.wasOn && seat?.onAir === false && state?.phase === "live" && state.current !== null;
    this.overSinceMs = over ? (this.overSinceMs ?? Date.now()) : null;
    if (now === "begin") this.events.begin();
    this.events.changed();
  }

  /** Once a connection: repeating it is harmless, and a reload keeps the seat. */
  private introduce(): void {
    const { you, state } = this.room.store.facts;
    const seated = you !== null && (you.can.includes("present") || you.can.includes("run"));
    if (this.introduced || !seated || state === null || state.phase === "ended") return;
    this.introduced = true;
    void this.send({ type: "take_seat" }).then(() => this.reportCheck());
  }

  private async reportCheck(): Promise<void> {
    const kept = keptVerdict();
    if (kept !== null && this.room.store.facts.you?.can.includes("present") === true && this.seat !== null)
      await this.send({ type: "report_check", ...kept });
  }
}
