/** A page's place in a room: keeps the store true, sends commands once, comes back by itself. Never touches the DOM. */

import { type Ack, type Command, type Request, SCHEMA, type Snapshot, type State } from "../wire.gen";
import type { Dial, Line } from "./line";
import { type Problem, RoomStore } from "./store";

/** A worker that stops is replaced within a second; the jitter keeps a hall from coming back in one moment. */
const REJOIN_MS = 1_000;
const REJOIN_JITTER_MS = 500;
/** A refusal that may pass (not announced yet, no place) is no reason to hurry. */
const REFUSED_MS = 5_000;
const HELLO_MS = 8_000;
const ANSWER_MS = 5_000;
const PROBE_MS = 3_000;
/** Longer than any hiccup; what people typed before that is no longer what they are talking about. */
const GIVE_UP_MS = 120_000;
const MOST_WAITING = 32;

/** The room said no, or (`rooms.busy`, `rooms.no_answer`: without a title) nothing at all. */
export class RoomError extends Error implements Problem {
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly retryAfterS: number | null;

  constructor({ code, title, status, retryAfterS }: Problem) {
    super(code);
    this.code = code;
    this.title = title;
    this.status = status;
    this.retryAfterS = retryAfterS ?? null;
  }
}

interface Waiting {
  readonly request: Request;
  readonly sinceMs: number;
  readonly resolve: (ack: Ack) => void;
  readonly reject: (error: RoomError) => void;
  again: ReturnType<typeof setTimeout> | undefined;
}

export class Room {
  readonly store = new RoomStore();
  private line: Line | null = null;
  /** The line has said hello: it takes commands. */
  private greeted = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private readonly name: string;
  private count = 0;

  constructor(
    private readonly dial: Dial,
    private readonly random: () => number = Math.random,
  ) {
    // Ids are one page's own, also behind a reload.
    this.name = Math.floor(random() * 36 ** 8).toString(36);
  }

  get state(): State | null {
    return this.store.facts.state;
  }

  /** The room's clock now, Unix ms. */
  serverNow(): number {
    return Date.now() + this.store.facts.offsetMs;
  }

  open(): void {
    if (this.line === null && !this.over) this.connect();
  }

  /** For good. What waits for an answer is given up. */
  close(): void {
    this.hangUp();
    this.store.apply({ link: "closed" });
    this.abandon({ code: "rooms.no_answer", title: "", status: 503 });
  }

  /** Connect anew at once: the cookies say somebody else now. */
  rejoin(): void {
    if (this.store.facts.link === "closed") return;
    this.hangUp();
    this.connect();
  }

  /** The network or the reader is back: do not wait, and do not trust a socket that slept. */
  nudge(): void {
    if (this.over) return;
    if (this.greeted) this.refresh(PROBE_MS);
    else this.rejoin();
  }

  /** Carried out once, however often it must be sent. Rejects with a RoomError. */
  send(command: Command): Promise<Ack> {
    const { refusal, link } = this.store.facts;
    if (link === "refused" && refusal !== null) return Promise.reject(new RoomError(refusal));
    if (link === "closed" || this.waiting.size >= MOST_WAITING)
      return Promise.reject(new RoomError({ code: "rooms.busy", title: "", status: 503 }));
    this.count += 1;
    return new Promise((resolve, reject) => {
      const request: Request = { v: SCHEMA, id: `${this.name}-${this.count}`, command };
      const waiting: Waiting = { request, sinceMs: Date.now(), resolve, reject, again: undefined };
      this.waiting.set(request.id, waiting);
      this.put(waiting);
    });
  }

  private get over(): boolean {
    const { link } = this.store.facts;
    return link === "closed" || link === "refused";
  }

  private connect(): void {
    clearTimeout(this.timer);
    let mine: Line | null = null;
    // A line that was hung up may still have something to say.
    const current = (then: () => void) => {
      if (mine === null || mine === this.line) then();
    };
    this.timer = setTimeout(() => current(() => this.lose()), HELLO_MS);
    mine = this.dial({
      hello: ({ you, snapshot }) =>
        current(() => {
          clearTimeout(this.timer);
          this.greeted = true;
          this.store.replace(snapshot, Date.now(), { you, link: "open", refusal: null });
          for (const each of [...this.waiting.values()]) this.put(each);
        }),
      events: (events) =>
        current(() => {
          if (!this.store.tell(events)) this.refresh(ANSWER_MS);
        }),
      snapshot: (snapshot) => current(() => this.take(snapshot)),
      goodbye: (code) => current(() => this.refuse({ code, title: "", status: 403 })),
      refused: (problem) =>
        current(() => {
          if (passing(problem)) this.lose(Math.max(REFUSED_MS, (problem.retryAfterS ?? 0) * 1_000), problem);
          else this.refuse(problem);
        }),
      lost: () => current(() => this.lose()),
    });
    this.line = mine;
  }

  private hangUp(): void {
    clearTimeout(this.timer);
    clearTimeout(this.asking);
    this.asking = undefined;
    const last = this.line;
    this.line = null;
    this.greeted = false;
    last?.close();
  }

  private lose(afterMs = REJOIN_MS, refusal: Problem | null = null): void {
    this.hangUp();
    this.store.apply({ link: this.state === null ? "connecting" : "lost", refusal });
    this.timer = setTimeout(() => this.connect(), afterMs + this.random() * REJOIN_JITTER_MS);
  }

  private refuse(problem: Problem): void {
    this.hangUp();
    this.store.apply({ link: "refused", refusal: problem, you: null });
    this.abandon(problem);
  }

  private abandon(problem: Problem): void {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    for (const { again, reject } of all) {
      clearTimeout(again);
      reject(new RoomError(problem));
    }
  }

  /** A new snapshot, one at a time; a line that does not answer is dead. */
  private refresh(deadlineMs: number): void {
    if (this.asking !== undefined || this.line === null) return;
    this.asking = setTimeout(() => this.lose(), deadlineMs);
    const asked = this.line;
    asked.ask("snapshot", undefined, (answer) => {
      if (asked !== this.line) return;
      clearTimeout(this.asking);
      this.asking = undefined;
      if (isProblem(answer)) this.lose();
      else this.take(answer as Snapshot);
    });
  }

  private take(snapshot: Snapshot): void {
    this.store.replace(snapshot, Date.now());
  }

  private put(waiting: Waiting): void {
    clearTimeout(waiting.again);
    const line = this.greeted ? this.line : null;
    const leftMs = waiting.sinceMs + GIVE_UP_MS - Date.now();
    if (leftMs <= 0) {
      this.settle(waiting, { code: "rooms.no_answer", title: "", status: 503 });
      return;
    }
    waiting.again = setTimeout(() => this.put(waiting), Math.min(ANSWER_MS, leftMs));
    line?.ask("command", waiting.request, (answer) => {
      if (this.waiting.get(waiting.request.id) !== waiting) return; // an answer to the first of two sendings came before
      if (!isProblem(answer)) {
        this.settle(waiting, answer as Ack);
        return;
      }
      const { error } = answer;
      if (error.status !== 503) {
        this.settle(waiting, error);
        return;
      }
      // Another worker takes over, or this one is full for a moment.
      clearTimeout(waiting.again);
      const pauseMs = (error.retryAfterS ?? 0) * 1_000 || REJOIN_MS / 2;
      waiting.again = setTimeout(() => this.put(waiting), pauseMs + this.random() * REJOIN_JITTER_MS);
      if (error.code === "rooms.moved") this.refresh(ANSWER_MS);
    });
  }

  private settle(waiting: Waiting, answer: Ack | Problem): void {
    clearTimeout(waiting.again);
    this.waiting.delete(waiting.request.id);
    if ("code" in answer) waiting.reject(new RoomError(answer));
    else waiting.resolve(answer);
  }
}

function isProblem(answer: unknown): answer is { readonly error: Problem } {
  return typeof answer === "object" && answer !== null && "error" in answer;
}

/** What may be otherwise in a moment: restarts, full houses, a room that is not announced yet. */
function passing({ status, retryAfterS }: Problem): boolean {
  return status >= 500 || status === 429 || status === 409 || (retryAfterS ?? null) !== null;
}
