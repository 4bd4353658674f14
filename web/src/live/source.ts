/** Where the page's showcase state comes from. Polling today; a socket can take its place behind the same three members. */

import { readShowcase, type ShowcaseState } from "./showcase";

export interface StateSource {
  start(): void;
  stop(): void;
  /** Ask now: the network came back, the tab woke up. */
  nudge(): void;
}

export interface SourceEvents {
  readonly state: (state: ShowcaseState) => void;
  /** Whether the server answered the last question. */
  readonly reachable: (yes: boolean) => void;
}

const TIMEOUT_MS = 8_000;
const LONGEST_MS = 60_000;
const JITTER = 0.2;
/** A waiting room looks often enough that nobody misses the first words; a running show only counts heads. */
const NEAR_START_MS = 3_000;
const FAR_FROM_START_MS = 6_000;
const LIVE_MS = 8_000;
const ENDED_MS = 45_000;
const NEAR_MS = 10 * 60_000;

/** How long to wait after an answer, before jitter. */
export function pace(state: ShowcaseState | null): number {
  if (state === null) return NEAR_START_MS;
  switch (state.state) {
    case "live":
      return state.onAir ? LIVE_MS : NEAR_START_MS;
    case "ended":
      return ENDED_MS;
    case "draft":
    case "scheduled": {
      const away = state.startsAt === null ? 0 : Date.parse(state.startsAt) - Date.parse(state.serverTime);
      return away < NEAR_MS ? NEAR_START_MS : FAR_FROM_START_MS;
    }
  }
}

/** Spread a delay so that a thousand pages do not ask at the same moment; `random` is 0..1. */
export function jittered(delayMs: number, random: number): number {
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random));
}

export class PollingSource implements StateSource {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private asking: AbortController | null = null;
  private etag: string | null = null;
  private last: ShowcaseState | null = null;
  private failures = 0;
  private running = false;

  constructor(
    private readonly url: string,
    private readonly events: SourceEvents,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.ask();
  }

  stop(): void {
    this.running = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.asking?.abort();
  }

  nudge(): void {
    if (!this.running || this.asking !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    void this.ask();
  }

  private async ask(): Promise<void> {
    const asking = new AbortController();
    this.asking = asking;
    const deadline = setTimeout(() => asking.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(this.url, {
        headers: this.etag === null ? {} : { "If-None-Match": this.etag },
        cache: "no-store",
        signal: asking.signal,
      });
      await this.take(response);
      this.failures = 0;
      this.events.reachable(true);
    } catch {
      this.failures += 1;
      if (this.running) this.events.reachable(false);
    } finally {
      clearTimeout(deadline);
      this.asking = null;
      if (this.running) this.timer = setTimeout(() => void this.ask(), jittered(this.delayMs(), this.random()));
    }
  }

  private async take(response: Response): Promise<void> {
    if (response.status === 304) return;
    if (!response.ok) throw new Error(`state answered ${response.status}`);
    const state = readShowcase(await response.json());
    if (state === null) throw new Error("the state has an unknown shape");
    this.etag = response.headers.get("ETag");
    this.last = state;
    if (this.running) this.events.state(state);
  }

  private delayMs(): number {
    const calm = pace(this.last);
    return this.failures === 0 ? calm : Math.min(LONGEST_MS, 1_000 * 2 ** Math.min(this.failures, 6));
  }
}
