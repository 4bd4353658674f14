/** One connection to a room, as the transport gives it; `socket.ts` makes them of Socket.IO. */

import type { Delivered, Hello, Snapshot } from "../wire.gen";
import type { Problem } from "./store";

/** What a line tells. After `lost`, `refused` or our own `close` it tells nothing more. */
export interface LineEvents {
  readonly hello: (hello: Hello) => void;
  readonly events: (events: readonly Delivered[]) => void;
  readonly snapshot: (snapshot: Snapshot) => void;
  readonly goodbye: (code: string) => void;
  readonly refused: (problem: Problem) => void;
  readonly lost: () => void;
}

export interface Line {
  /** `answer` is called at most once, and never after the line is lost. */
  readonly ask: (name: "command" | "snapshot", body: unknown, answer: (answer: unknown) => void) => void;
  readonly close: () => void;
}

export type Dial = (events: LineEvents) => Line;
