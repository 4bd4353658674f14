/** Backstage as the crew sees it: who is to come in a small monitor, with sound on wish, and a picture of who waits. */

import { Viewer } from "../../media/viewer";
import type { State } from "../../wire.gen";
import { comingSeat, nextSegment } from "./model";

/** What the small monitor shows; "none": nobody of the company to come has a picture backstage. */
export type Look = "none" | "connecting" | "refused" | "live";

/** More pictures at once than this help nobody, and each costs the desk's line 400 kb/s. */
const MAX_FACES = 6;
/** Frames that were under way when the run of show moved on are the former company's. */
const SETTLED_MS = 300;

export class Backstage {
  /** The server points it at whoever is to come, so it stays connected through the whole show. */
  private readonly next: Viewer;
  private readonly faces = new Map<string, Viewer>();
  private seat: string | null = null;
  private sinceMs = 0;
  private fresh = false;

  constructor(
    private readonly source: { readonly url: string; readonly token: string },
    private readonly video: HTMLVideoElement,
    private readonly changed: () => void,
  ) {
    this.next = this.viewer("next", ["picture", "floor"]);
    this.next.subscribe(({ stream }) => {
      if (video.srcObject !== stream) video.srcObject = stream;
      changed();
    });
  }

  get look(): Look {
    if (this.seat === null) return "none";
    const { phase } = this.next.state;
    if (phase === "refused" || phase === "failed") return "refused";
    return this.fresh && phase === "live" ? "live" : "connecting";
  }

  get listening(): boolean {
    return !this.video.muted;
  }

  /** Who listens hears one person: with the next company it is quiet again. */
  readonly listen = (on: boolean): void => {
    this.video.muted = !on || this.seat === null;
    this.changed();
  };

  /** Connects what there is to see; `listed` says whether anybody looks at the list. */
  follow(state: State, listed: boolean): void {
    const open = state.phase !== "draft" && state.phase !== "ended";
    const seat = open ? comingSeat(state) : null;
    if (!open || nextSegment(state) === null) this.next.stop(state.phase === "ended");
    else if (seat !== null && this.next.state.phase === "stopped") this.next.start();
    if (seat !== this.seat) this.turnTo(seat);
    this.meet(open && listed ? waiting(state, seat) : [], state.phase === "ended");
  }

  /** The picture of somebody who waits; null while there is none. */
  face(seat: string): MediaStream | null {
    if (seat === this.seat) return this.look === "live" ? this.next.state.stream : null;
    return this.faces.get(seat)?.state.stream ?? null;
  }

  private turnTo(seat: string | null): void {
    this.seat = seat;
    this.video.muted = true;
    this.fresh = !("requestVideoFrameCallback" in this.video);
    this.sinceMs = performance.now();
    if (!this.fresh) this.awaitFrame(this.sinceMs);
  }

  private awaitFrame(sinceMs: number): void {
    this.video.requestVideoFrameCallback((nowMs) => {
      if (sinceMs !== this.sinceMs) return;
      if (nowMs - sinceMs < SETTLED_MS) return this.awaitFrame(sinceMs);
      this.fresh = true;
      this.changed();
    });
  }

  private meet(seats: readonly string[], over: boolean): void {
    for (const [seat, viewer] of this.faces)
      if (!seats.includes(seat)) {
        viewer.stop(over);
        this.faces.delete(seat);
      }
    for (const seat of seats) {
      if (this.faces.has(seat) || this.faces.size >= MAX_FACES) continue;
      const viewer = this.viewer(seat, ["picture"]);
      this.faces.set(seat, viewer);
      viewer.subscribe(this.changed);
      viewer.start();
    }
  }

  private viewer(of: string, lanes: readonly string[]): Viewer {
    return new Viewer({ url: `${this.source.url}?of=${encodeURIComponent(of)}`, token: this.source.token, lanes });
  }
}

/** Whose camera is warm, but for who is to come and whom the stage shows: those have a monitor. */
function waiting(state: State, coming: string | null): readonly string[] {
  return Object.entries(state.seats)
    .filter(([id, seat]) => seat.camera && id !== coming && state.shown?.seat !== id)
    .map(([id]) => id);
}
