/** One WHIP or WHEP connection that heals itself: dial, watch, redial. Viewer and Publisher say what it carries. */

import { deadlineMs, delayMs } from "./backoff";
import { FlowWatch } from "./flow";
import { Pause } from "./pause";
import { isDown, isEnded, openPeer, Trouble, takeAnswer, transports } from "./peer";
import { type Direction, type MediaStats, NO_STATS, rates, type StatsRow, type Totals, totals } from "./stats";
import { type Surrounding, surroundings } from "./surroundings";
import { type Endpoint, Refusal, type Resource, Unreachable, verdict } from "./whip";

export type LinkPhase = "idle" | "connecting" | "connected" | "reconnecting" | "refused" | "failed" | "stopped";

export interface LinkState {
  readonly phase: LinkPhase;
  /** Problem code of the last refusal. */
  readonly refusal: string | null;
  readonly retryAfterS: number | null;
  /** Something from the server arrived within the last `quietMs`. */
  readonly flowing: boolean;
  /** Decoded frames so far on this connection. */
  readonly frames: number;
}

export interface LinkPlan {
  readonly endpoint: Endpoint;
  readonly direction: Direction;
  /** Silence after which we ask the server whether it still knows us. */
  readonly quietMs: number;
  /** Add transceivers and listeners to a fresh connection. */
  prepare(connection: RTCPeerConnection): void;
  /** The connection carries media from now on. */
  opened(connection: RTCPeerConnection): void;
  changed(state: LinkState): void;
  /** Where our resource is now; null once it is given up. */
  holding(resource: Resource | null): void;
}

const LOOK_MS = 250;
const FIRST_LOOK_MS = 100;
/** ICE and DTLS take 4 round trips; more than this means that UDP does not pass. */
const TRANSPORT_MS = 4_000;
/** Rates are taken over this span. */
const WINDOW_MS = 2_000;
/** Attempts without a transport although HTTP answers, before we say so. */
const BLOCKED_AFTER = 3;
/** Silence has been noticed already: a first sign that takes longer than this is trouble enough to say so. */
const FIRST_SIGN_MS = 1_000;
/** Between two signs of life while nobody is on air; jittered by the same again. */
const SIGN_EVERY_MS = 5_000;
/** How long a conflict may be with an earlier offer of our own. */
const GHOST_MS = 5_000;
/** Unanswered connectivity checks (RFC 8445) that prove a dead path although HTTP lives. */
const DEAD_PATH_CHECKS = 4;

const IDLE: LinkState = { phase: "idle", refusal: null, retryAfterS: null, flowing: false, frames: 0 };

export class Link {
  private current: LinkState = IDLE;
  private connection: RTCPeerConnection | null = null;
  /** Kept open until its successor carries media, so that the last frame stays on the screen. */
  private retired: RTCPeerConnection | null = null;
  private life: AbortController | null = null;
  private readonly pause = new Pause();
  private samples: Totals[] = [];
  private figures: MediaStats = NO_STATS;
  private unlisten: (() => void) | null = null;
  /** When an offer was last left without an answer: the server may have taken it all the same. */
  private unansweredMs = Number.NEGATIVE_INFINITY;

  /** `resource` is one that an earlier page of ours may have left behind: it is removed first. */
  constructor(
    private readonly plan: LinkPlan,
    private resource: Resource | null = null,
  ) {}

  get state(): LinkState {
    return this.current;
  }

  stats(): MediaStats {
    return this.figures;
  }

  start(): void {
    if (this.life !== null) return;
    this.unlisten ??= surroundings((what) => this.notice(what));
    this.life = new AbortController();
    this.show({ ...IDLE, phase: "connecting" });
    void this.run(this.life.signal);
  }

  /** `over`: the server has given up by itself what it held for us, so that there is nothing to delete. */
  stop(over = false): void {
    this.unlisten?.();
    this.unlisten = null;
    if (over) this.hold(null);
    if (this.current.phase === "idle" || this.current.phase === "stopped") return;
    this.hangUp(true);
    this.show({ ...IDLE, phase: "stopped" });
  }

  /** Give the connection up and dial afresh at once. */
  redial(): void {
    if (this.life === null) return;
    this.life.abort();
    this.life = null;
    this.pause.wake();
    this.retire();
    this.life = new AbortController();
    void this.run(this.life.signal);
  }

  private notice(what: Surrounding): void {
    if (what === "leaving") {
      if (this.life !== null) this.hangUp(true);
    } else if (what === "restored") {
      if (this.current.phase !== "stopped" && this.current.phase !== "refused") this.start();
    } else {
      this.pause.wake();
    }
  }

  private async run(life: AbortSignal): Promise<void> {
    for (let failures = 0; !life.aborted; ) {
      const outcome = await this.dial(failures, life);
      if (life.aborted) return;
      if (outcome === null) {
        failures = 0;
        try {
          await this.watch(life);
        } catch {
          // A connection that no longer tells how it is, is as good as gone.
        }
        if (life.aborted) return;
        this.show({ ...this.current, phase: "reconnecting", flowing: false, frames: 0 });
        this.retire();
        await this.pause.nap(delayMs(0, Math.random()), life);
        continue;
      }
      failures += 1;
      if (outcome instanceof Unreachable) this.unansweredMs = performance.now();
      const how = outcome instanceof Refusal && !this.clashesWithItself(outcome) ? verdict(outcome) : "soon";
      if (outcome instanceof Refusal && how !== "soon") {
        const { code, retryAfterS } = outcome;
        this.show({ ...this.current, phase: "refused", refusal: code, retryAfterS, flowing: false });
        if (how === "final") return this.rest();
        await this.pause.patience(1_000 * (retryAfterS ?? 5) * (1 + 0.3 * Math.random()), life);
        continue;
      }
      if (outcome instanceof Trouble && failures >= BLOCKED_AFTER) {
        this.show({ ...this.current, phase: "failed", refusal: outcome.code, flowing: false });
      } else if (this.current.phase !== "connecting" || failures > 1) {
        this.show({ ...this.current, phase: "reconnecting", flowing: false });
      }
      await this.pause.nap(delayMs(failures, Math.random()), life);
    }
  }

  /** A conflict right after an unanswered offer is with what that offer made; the server forgets it in a moment. */
  private clashesWithItself(refusal: Refusal): boolean {
    return refusal.status === 409 && performance.now() - this.unansweredMs < GHOST_MS;
  }

  /** One attempt, up to a working transport. Null is success; a failure comes back with its code as the message. */
  private async dial(failures: number, life: AbortSignal): Promise<Error | null> {
    const deadline = failures === 0 && this.current.phase === "connecting" ? 8_000 : deadlineMs(failures);
    const { endpoint, direction } = this.plan;
    if (this.resource !== null) {
      const removed = endpoint.remove(this.resource, deadline);
      // A second publication would be refused while the first one stands; a viewer need not wait.
      if (direction === "sending") await removed;
      this.hold(null);
    }
    const connection = openPeer();
    try {
      this.plan.prepare(connection);
      // ICE-lite needs none of our candidates (RFC 8445 2.5): post at once, without gathering.
      await connection.setLocalDescription();
      const answer = await endpoint.offer(connection.localDescription?.sdp ?? "", deadline);
      if (life.aborted) {
        void endpoint.remove(answer.resource, deadline);
        connection.close();
        return null;
      }
      this.hold(answer.resource);
      await takeAnswer(connection, answer.sdp);
      this.connection = connection;
      this.samples = [];
      if (!(await this.transportUp(connection, life))) throw new Trouble("media.no_path");
      this.plan.opened(connection);
      this.show({ ...this.current, phase: "connected", refusal: null, retryAfterS: null, frames: 0 });
      return null;
    } catch (problem) {
      connection.close();
      if (this.connection === connection) this.connection = null;
      return problem instanceof Error ? problem : new Trouble("media.no_connection");
    }
  }

  private async transportUp(connection: RTCPeerConnection, life: AbortSignal): Promise<boolean> {
    const until = performance.now() + TRANSPORT_MS;
    connection.onconnectionstatechange = () => this.pause.wake();
    while (!life.aborted && performance.now() < until) {
      if (connection.connectionState === "connected") return true;
      if (connection.connectionState === "failed" || connection.connectionState === "closed") return false;
      await this.pause.nap(LOOK_MS, life);
    }
    return false;
  }

  /** Returns when the connection has to be given up. */
  private async watch(life: AbortSignal): Promise<void> {
    const connection = this.connection;
    const resource = this.resource;
    if (connection === null || resource === null) return;
    for (const transport of transports(connection)) transport.onstatechange = () => this.pause.wake();
    const flow = new FlowWatch(this.plan.quietMs, performance.now());
    const opened = performance.now();
    let asked = 0;
    let nextSign = 0;
    let lost = 0;
    let replies = { requests: 0, replies: 0 };
    while (!life.aborted) {
      await this.pause.nap(performance.now() - opened < 3_000 ? FIRST_LOOK_MS : LOOK_MS, life);
      if (life.aborted) return;
      if (isDown(connection)) {
        if (isEnded(connection)) this.hold(null);
        return;
      }
      const seen = await this.sample(connection);
      if (life.aborted) return;
      const now = performance.now();
      const found = flow.look(seen, now);
      if (found === "stuck") return;
      if (found === "flowing") {
        asked = lost = nextSign = 0;
        replies = { requests: seen.pathRequests, replies: seen.pathReplies };
        this.show({ ...this.current, phase: "connected", flowing: seen.bytes > 0, frames: seen.frames });
        if (this.retired !== null && (seen.frames > 0 || now - opened > 1_500)) this.release();
        continue;
      }
      if (lost === 0) this.show({ ...this.current, flowing: false, frames: seen.frames });
      const unanswered = seen.pathRequests - replies.requests - (seen.pathReplies - replies.replies);
      if (asked > 0 && lost === 0 && unanswered >= DEAD_PATH_CHECKS) return;
      if (now < nextSign) continue;
      const sign = await this.plan.endpoint.signOfLife(resource, lost === 0 ? FIRST_SIGN_MS : deadlineMs(lost));
      if (life.aborted) return;
      if (sign === "gone") return this.hold(null);
      asked += 1;
      if (sign === "unreachable") {
        lost += 1;
        this.show({ ...this.current, phase: "reconnecting", flowing: false });
        await this.pause.nap(delayMs(lost, Math.random()), life);
      } else if (lost > 0) {
        // The link is back. Media that the server still sends is here within a moment; else dial afresh.
        await this.pause.nap(LOOK_MS, life);
        if (life.aborted || flow.look(await this.sample(connection), performance.now()) !== "flowing") return;
      } else {
        nextSign = performance.now() + SIGN_EVERY_MS * (1 + Math.random());
      }
    }
  }

  private async sample(connection: RTCPeerConnection): Promise<Totals> {
    const rows: StatsRow[] = [];
    const report = await connection.getStats();
    report.forEach((row: StatsRow) => {
      rows.push(row);
    });
    const now = totals(rows, this.plan.direction, performance.now());
    while ((this.samples[1]?.atMs ?? now.atMs) < now.atMs - WINDOW_MS) this.samples.shift();
    this.figures = rates(now, this.samples[0] ?? null);
    this.samples.push(now);
    return now;
  }

  private hangUp(leaving: boolean): void {
    this.life?.abort();
    this.life = null;
    this.pause.wake();
    const ended = this.connection !== null && isEnded(this.connection);
    if (this.resource !== null && !ended) void this.plan.endpoint.remove(this.resource, deadlineMs(0), leaving);
    this.hold(null);
    this.rest();
  }

  private rest(): void {
    this.life = null;
    this.connection?.close();
    this.connection = null;
    this.release();
    this.figures = NO_STATS;
  }

  private retire(): void {
    if (this.connection === null) return;
    this.release();
    this.retired = this.connection;
    this.retired.onconnectionstatechange = null;
    this.connection = null;
  }

  private release(): void {
    this.retired?.close();
    this.retired = null;
  }

  private hold(resource: Resource | null): void {
    this.resource = resource;
    this.plan.holding(resource);
  }

  private show(state: LinkState): void {
    this.current = state;
    this.plan.changed(state);
  }
}
