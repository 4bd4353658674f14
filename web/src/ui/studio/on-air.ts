/** This tab's way onto the air: one publisher at a time, and the note that lets the next page of the tab go on. */

import { OnAirIntent, type Pending } from "../../media/intent";
import { Publisher, type PublisherState, type Tracks } from "../../media/publisher";
import { type MediaStats, NO_STATS } from "../../media/stats";
import type { Resource } from "../../media/whip";

export interface OnAirAccess {
  readonly showcase: string;
  readonly url: string;
  /** May publish, seen where nobody else is. */
  readonly publish: string;
  /** May wait backstage until the room shows it. */
  readonly backstage: string;
  /** May also take over what this person publishes elsewhere. */
  readonly takeOver: string;
}

export type Entry = "publish" | "backstage" | "takeOver";

export interface OnAirEvents {
  readonly tracks: () => Tracks;
  readonly changed: (state: PublisherState) => void;
  /** Cut off. True when that is no loss, as the next company's turn has come, and the page has left the air. */
  readonly gaveWay: () => boolean;
  /** The server says that the show has ended; the page may hear of it in its room only afterwards. */
  readonly ended: () => void;
}

export const OFF_AIR: PublisherState = { phase: "stopped", refusal: null, retryAfterS: null };
/** The intent is written again this often, so that only a fresh one survives. */
const KEEP_MS = 5_000;

export class OnAir {
  private readonly intent: OnAirIntent;
  private publisher: Publisher | null = null;
  private held: Resource | null = null;
  private backstage = false;
  private keptMs = 0;

  constructor(
    private readonly access: OnAirAccess,
    memory: Pick<Storage, "getItem" | "setItem" | "removeItem">,
    private readonly events: OnAirEvents,
  ) {
    this.intent = new OnAirIntent(memory, access.showcase);
  }

  get publishing(): boolean {
    return this.publisher !== null;
  }

  /** What the page before this one left behind. */
  get pending(): Pending | null {
    return this.intent.pending();
  }

  start(entry: Entry, leftBehind: Resource | null = null): void {
    this.publisher?.stop();
    this.backstage = entry === "backstage";
    const mine = new Publisher({
      url: this.access.url,
      token: this.access[entry],
      tracks: this.events.tracks(),
      leftBehind,
      holding: (resource) => {
        this.held = resource;
        if (resource !== null) this.intent.keep(resource, this.backstage);
      },
    });
    this.publisher = mine;
    mine.subscribe((news) => {
      if (mine === this.publisher) this.follow(news, entry);
    });
    this.events.changed(mine.state);
    mine.start();
  }

  /** From backstage to the stage, where nobody is on it. */
  comeForward(): void {
    this.start("takeOver", this.held);
  }

  /** `over`: the show has ended. */
  stop(over = false): void {
    this.intent.drop();
    this.publisher?.stop(over);
    this.publisher = null;
    this.events.changed(OFF_AIR);
  }

  forget(): void {
    this.intent.drop();
  }

  stats(): MediaStats {
    return this.publisher?.state.phase === "live" ? this.publisher.stats() : NO_STATS;
  }

  replace(tracks: Tracks): void {
    void this.publisher?.replace(tracks);
  }

  /** Called now and then. */
  keep(): void {
    if (this.held === null || this.publisher?.state.phase !== "live" || Date.now() - this.keptMs <= KEEP_MS) return;
    this.keptMs = Date.now();
    this.intent.keep(this.held, this.backstage);
  }

  /** The page is left, perhaps for a reload: the next one of this tab goes on. */
  leavePage(): void {
    const phase = this.publisher?.state.phase ?? "stopped";
    if (["connecting", "live", "reconnecting"].includes(phase)) this.intent.keep(this.held, this.backstage);
  }

  private follow(news: PublisherState, entry: Entry): void {
    const interrupted = news.phase === "taken" || news.phase === "reconnecting";
    if (interrupted && this.events.gaveWay()) return;
    if (news.refusal === "rooms.ended") {
      this.events.ended();
      return;
    }
    // Who took over once does not do so again and again against somebody else.
    if (news.phase === "reconnecting" && entry === "takeOver") {
      this.start("publish", this.held);
      return;
    }
    if (news.phase === "taken" || (news.phase === "refused" && news.retryAfterS === null)) this.intent.drop();
    this.events.changed(news);
  }
}
