/** Watches a room by WHEP: one class, one state, no UI. */

import { houseFirst } from "./codecs";
import { Link, type LinkState } from "./link";
import type { MediaStats } from "./stats";
import { Endpoint } from "./whip";

export type ViewerPhase = "connecting" | "waiting" | "live" | "reconnecting" | "refused" | "failed" | "stopped";

export interface ViewerState {
  readonly phase: ViewerPhase;
  /** Give it to a media element as it is; a new object means a new connection. Kept while reconnecting. */
  readonly stream: MediaStream | null;
  /** Stable problem code of the server when refused or failed. */
  readonly refusal: string | null;
  /** When refused for now: the viewer asks again by itself after this many seconds. */
  readonly retryAfterS: number | null;
}

export interface ViewerOptions {
  readonly url: string;
  readonly token: string | null;
  /** Lanes in m-line order; "picture" is video, everything else audio. */
  readonly lanes: readonly string[];
}

type Listener = (state: ViewerState) => void;

/** Silence of this length makes us ask the server; a publisher sends Opus every 20 ms. */
const QUIET_MS = 1_000;
/** Connected and no media for this long: nobody is on air. */
const WAITING_AFTER_MS = 1_200;
/** Media without a decoded frame for this long counts as live too: an audio-only publisher. */
const SOUND_ONLY_AFTER_MS = 1_500;

export class Viewer {
  private current: ViewerState = { phase: "stopped", stream: null, refusal: null, retryAfterS: null };
  private readonly listeners = new Set<Listener>();
  private readonly link: Link;
  private incoming: MediaStream | null = null;
  private openedMs = 0;
  private flowingSinceMs: number | null = null;

  constructor(private readonly options: ViewerOptions) {
    this.link = new Link({
      endpoint: new Endpoint(withLanes(options.url, options.lanes), options.token),
      direction: "receiving",
      quietMs: QUIET_MS,
      prepare: (connection) => this.prepare(connection),
      opened: () => {
        this.openedMs = performance.now();
        this.flowingSinceMs = null;
      },
      changed: (state) => this.follow(state),
      holding: () => undefined,
    });
  }

  get state(): ViewerState {
    return this.current;
  }

  start(): void {
    this.link.start();
  }

  /** `over`: the show has ended, and the server with it what it held for us. */
  stop(over = false): void {
    this.link.stop(over);
  }

  /** Called at every change of state until the returned function is called. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Figures over the last two seconds. */
  stats(): MediaStats {
    return this.link.stats();
  }

  private prepare(connection: RTCPeerConnection): void {
    for (const lane of this.options.lanes) {
      const kind = lane === "picture" ? "video" : "audio";
      const transceiver = connection.addTransceiver(kind, { direction: "recvonly" });
      const wanted = houseFirst(kind, RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []);
      if (wanted.length > 0) transceiver.setCodecPreferences(wanted);
    }
    const stream = new MediaStream();
    connection.ontrack = ({ track }) => stream.addTrack(track);
    this.incoming = stream;
  }

  private follow(link: LinkState): void {
    const phase = this.phase(link);
    // The old picture stays until the new one moves, but the very first stream is handed over at once.
    const fresh = link.phase === "connected" && (phase === "live" || this.current.stream === null);
    const gone = phase === "stopped" || (phase === "refused" && link.retryAfterS === null);
    const stream = gone ? null : fresh ? this.incoming : this.current.stream;
    const { refusal, retryAfterS } = link;
    const next = { phase, stream, refusal, retryAfterS };
    const same =
      next.phase === this.current.phase &&
      next.stream === this.current.stream &&
      next.refusal === this.current.refusal &&
      next.retryAfterS === this.current.retryAfterS;
    if (same) return;
    this.current = next;
    for (const listener of this.listeners) listener(next);
  }

  private phase(link: LinkState): ViewerPhase {
    if (link.phase === "idle") return "stopped";
    if (link.phase !== "connected") return link.phase;
    const now = performance.now();
    if (!link.flowing) {
      this.flowingSinceMs = null;
      const settling = this.current.phase === "connecting" || this.current.phase === "reconnecting";
      return settling && now - this.openedMs < WAITING_AFTER_MS ? this.current.phase : "waiting";
    }
    this.flowingSinceMs ??= now;
    const sound = !this.options.lanes.includes("picture") || now - this.flowingSinceMs > SOUND_ONLY_AFTER_MS;
    return link.frames > 0 || sound ? "live" : this.current.phase;
  }
}

function withLanes(url: string, lanes: readonly string[]): string {
  return `${url}${url.includes("?") ? "&" : "?"}lanes=${lanes.map(encodeURIComponent).join(",")}`;
}
