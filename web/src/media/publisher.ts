/** Puts camera and microphone on air by WHIP: one class, one state, no UI. */

import { houseFirst } from "./codecs";
import { Link, type LinkState } from "./link";
import type { MediaStats } from "./stats";
import { Endpoint, type Resource } from "./whip";

export type PublisherPhase = "connecting" | "live" | "reconnecting" | "taken" | "refused" | "failed" | "stopped";

export interface PublisherState {
  readonly phase: PublisherPhase;
  /** Stable problem code of the server when taken, refused or failed. */
  readonly refusal: string | null;
  readonly retryAfterS: number | null;
}

export interface Tracks {
  readonly video: MediaStreamTrack | null;
  readonly audio: MediaStreamTrack | null;
}

export interface PublisherOptions {
  readonly url: string;
  readonly token: string;
  readonly tracks: Tracks;
  /** What an earlier page of this tab left on the server. */
  readonly leftBehind?: Resource | null;
  /** Told where we are on air, null when not: keep it for the next page of this tab. */
  readonly holding?: (resource: Resource | null) => void;
}

type Listener = (state: PublisherState) => void;

const CAP_BPS = 2_500_000;
const MAX_FPS = 30;
/** The server's REMB and reports arrive twice a second; three missing ones are trouble. */
const QUIET_MS = 1_500;

export class Publisher {
  private current: PublisherState = { phase: "stopped", refusal: null, retryAfterS: null };
  private readonly listeners = new Set<Listener>();
  private readonly link: Link;
  private tracks: Tracks;
  private senders: { video: RTCRtpSender; audio: RTCRtpSender } | null = null;

  constructor(options: PublisherOptions) {
    this.tracks = options.tracks;
    this.link = new Link(
      {
        endpoint: new Endpoint(options.url, options.token),
        direction: "sending",
        quietMs: QUIET_MS,
        prepare: (connection) => this.prepare(connection),
        opened: () => void this.keepResolution(),
        changed: (state) => this.follow(state),
        holding: (resource) => options.holding?.(resource),
      },
      options.leftBehind ?? null,
    );
  }

  get state(): PublisherState {
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

  /** Swap devices without renegotiation; viewers see the new picture at once. */
  async replace(tracks: Tracks): Promise<void> {
    this.tracks = tracks;
    hint(tracks.video);
    await Promise.all([this.senders?.video.replaceTrack(tracks.video), this.senders?.audio.replaceTrack(tracks.audio)]);
  }

  private prepare(connection: RTCPeerConnection): void {
    const { video, audio } = this.tracks;
    hint(video);
    const encoding = { maxBitrate: CAP_BPS, maxFramerate: MAX_FPS };
    const picture = connection.addTransceiver(video ?? "video", { direction: "sendonly", sendEncodings: [encoding] });
    const sound = connection.addTransceiver(audio ?? "audio", { direction: "sendonly" });
    for (const [kind, transceiver] of [
      ["video", picture],
      ["audio", sound],
    ] as const) {
      const wanted = houseFirst(kind, RTCRtpSender.getCapabilities(kind)?.codecs ?? []);
      if (wanted.length > 0) transceiver.setCodecPreferences(wanted);
    }
    this.senders = { video: picture.sender, audio: sound.sender };
  }

  /** Labels on products must stay legible: give up frames before pixels. */
  private async keepResolution(): Promise<void> {
    const sender = this.senders?.video;
    if (sender === undefined) return;
    const parameters = sender.getParameters();
    parameters.degradationPreference = "maintain-resolution";
    try {
      await sender.setParameters(parameters);
    } catch {
      // A browser that does not know the preference sends as it likes.
      return;
    }
  }

  private follow(link: LinkState): void {
    const next = { phase: phase(link), refusal: link.refusal, retryAfterS: link.retryAfterS };
    if (next.phase === this.current.phase && next.refusal === this.current.refusal) return;
    this.current = next;
    for (const listener of this.listeners) listener(next);
  }
}

function phase(link: LinkState): PublisherPhase {
  if (link.phase === "idle") return "stopped";
  if (link.phase === "connected") return "live";
  if (link.phase === "refused" && link.refusal === "rooms.publisher_present") return "taken";
  return link.phase;
}

function hint(track: MediaStreamTrack | null): void {
  if (track !== null && track.contentHint === "") track.contentHint = "motion";
}
