/** Sound of the stage: one tap unlocks it for good. The video element plays it; an AudioContext measures its level. */

const SMOOTHING = 0.6;
/** The level meter's ends: a quiet room, and speech close to clipping (dBFS of the RMS). */
const QUIET_DB = -54;
const FULL_DB = -9;

export class Sound {
  private context: AudioContext | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  private analyser: AnalyserNode | null = null;
  private samples = new Float32Array(0);
  private level = 0;
  private lock: WakeLockSentinel | null = null;

  constructor(private readonly video: HTMLVideoElement) {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.lock !== null) void this.keepAwake();
    });
  }

  /** iOS keeps volume to its hardware keys: assigning it there does nothing. */
  get volumeSettable(): boolean {
    const before = this.video.volume;
    this.video.volume = 0.5;
    const settable = this.video.volume === 0.5;
    this.video.volume = before;
    return settable;
  }

  /** Call inside a tap or key press; a stream that comes later plays with sound too. False when the browser refuses. */
  async unlock(): Promise<boolean> {
    this.video.muted = false;
    if (this.context === null && "AudioContext" in window) this.context = new AudioContext();
    void this.context?.resume();
    void this.keepAwake();
    try {
      // Without a stream play() would wait for one and fail when it comes.
      if (this.video.srcObject !== null) await this.video.play();
    } catch (problem) {
      if (problem instanceof DOMException && problem.name === "NotAllowedError") {
        this.video.muted = true;
        return false;
      }
    }
    this.listen();
    return true;
  }

  set muted(muted: boolean) {
    this.video.muted = muted;
  }

  set volume(volume: number) {
    this.video.volume = volume;
  }

  /** Measure the stream that the element plays now; call after each new stream. */
  listen(): void {
    this.source?.disconnect();
    this.source = null;
    const stream = this.video.srcObject;
    if (this.context === null || !(stream instanceof MediaStream) || stream.getAudioTracks().length === 0) return;
    this.analyser ??= new AnalyserNode(this.context, { fftSize: 1024 });
    this.samples = new Float32Array(this.analyser.fftSize);
    this.source = this.context.createMediaStreamSource(stream);
    this.source.connect(this.analyser);
  }

  /** 0..1, smoothed; call about twelve times a second. */
  read(): number {
    let loudness = 0;
    if (this.analyser !== null && this.source !== null && !this.video.muted) {
      this.analyser.getFloatTimeDomainData(this.samples);
      const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length;
      const decibels = 10 * Math.log10(power + 1e-12) + 20 * Math.log10(this.video.volume + 1e-6);
      loudness = Math.min(1, Math.max(0, (decibels - QUIET_DB) / (FULL_DB - QUIET_DB)));
    }
    this.level = loudness > this.level ? loudness : SMOOTHING * this.level + (1 - SMOOTHING) * loudness;
    return this.level;
  }

  private async keepAwake(): Promise<void> {
    try {
      this.lock = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      // Low battery or an in-app browser without it: the show goes on.
    }
  }
}
