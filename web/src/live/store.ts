/** What a page knows of a room: a snapshot with all events since, and how the way to it is. Never touches the DOM. */

import type { Delivered, Snapshot, State, You } from "../wire.gen";
import { fold } from "./fold";

/** Why the server said no, in the reader's language. */
export interface Problem {
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly retryAfterS?: number | null;
}

/** "lost" heals by itself; "refused" says why in `refusal` and is for good, as is "closed". */
export type Link = "connecting" | "open" | "lost" | "refused" | "closed";

export interface RoomFacts {
  readonly link: Link;
  /** Null until the first connection; stays while reconnecting. */
  readonly state: State | null;
  readonly reader: string;
  readonly you: You | null;
  /** Server clock minus ours, ms. */
  readonly offsetMs: number;
  readonly refusal: Problem | null;
}

type Listener = (facts: RoomFacts) => void;

export class RoomStore {
  private readonly listeners = new Set<Listener>();
  private current: RoomFacts = {
    link: "connecting",
    state: null,
    reader: "all",
    you: null,
    offsetMs: 0,
    refusal: null,
  };

  get facts(): RoomFacts {
    return this.current;
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  apply(news: Partial<RoomFacts>): void {
    this.current = { ...this.current, ...news };
    for (const listener of this.listeners) listener(this.current);
  }

  /** Replace the state; `nowMs` is our clock. */
  replace({ reader, state, serverMs }: Snapshot, nowMs: number, more: Partial<RoomFacts> = {}): void {
    this.apply({ reader, state, offsetMs: serverMs - nowMs, ...more });
  }

  /** Fold events in; false when some are missing in between, and then none after the gap is taken. */
  tell(events: readonly Delivered[]): boolean {
    const { reader, state: before } = this.current;
    if (before === null) return false;
    let state = before;
    let whole = true;
    for (const told of events) {
      if (told.revision <= state.revision) continue; // a snapshot held it already
      if (told.previous !== state.revision) {
        whole = false;
        break;
      }
      state = fold(state, told, reader);
    }
    if (state !== before) this.apply({ state });
    return whole;
  }
}
