/** Is media still arriving? Pure: counters and times come in as arguments. */

export type Flow = "flowing" | "silent" | "stuck";

export interface Progress {
  /** Bytes that arrived from the other side since the connection opened. */
  readonly bytes: number;
  /** Bytes of the picture alone. */
  readonly videoBytes: number;
  /** Decoded frames; stays 0 for audio and for senders. */
  readonly frames: number;
}

/** A gap between two looks above this means that the page slept (lid, background), not that the sender did. */
const SLEPT_MS = 3_000;
/** Picture bytes without a decoded frame for this long: the decoder is wedged, start afresh. */
const STUCK_MS = 5_000;

/** Turns a series of counters into a verdict; one instance per connection. */
export class FlowWatch {
  private seen: Progress = { bytes: 0, videoBytes: 0, frames: 0 };
  private lookedMs: number;
  private bytesMs: number;
  private framesMs: number;

  constructor(
    private readonly quietMs: number,
    nowMs: number,
  ) {
    this.lookedMs = nowMs;
    this.bytesMs = nowMs;
    this.framesMs = nowMs;
  }

  look(progress: Progress, nowMs: number): Flow {
    const slept = nowMs - this.lookedMs > SLEPT_MS;
    this.lookedMs = nowMs;
    const videoGrew = progress.videoBytes > this.seen.videoBytes;
    // A count that falls back is another candidate pair's, and says nothing.
    if (progress.bytes > this.seen.bytes || slept) this.bytesMs = nowMs;
    if (progress.frames !== this.seen.frames || !videoGrew || slept) this.framesMs = nowMs;
    this.seen = progress;
    if (nowMs - this.bytesMs >= this.quietMs) return "silent";
    if (progress.frames > 0 && nowMs - this.framesMs >= STUCK_MS) return "stuck";
    return "flowing";
  }

  /** Ms since the last byte. */
  quietFor(nowMs: number): number {
    return nowMs - this.bytesMs;
  }
}
