/** How loud a track is, measured with an AnalyserNode. */

/** The word is a key of the `media` area: `media.level.<word>`. */
export type LevelWord = "silent" | "quiet" | "good" | "loud";

export interface Level {
  /** 0..1 for a meter, linear in decibels. */
  readonly value: number;
  readonly word: LevelWord;
}

/** The meter's lower end; a quiet room with automatic gain sits near -60 dBFS. */
const FLOOR_DBFS = -60;
/** Speech at a laptop sits between these (EBU R 128 aims at -23 LUFS, browsers' gain control at about -18). */
const QUIET_DBFS = -42;
const LOUD_DBFS = -6;
const EVERY_MS = 50;
/** A word stays for the loudest moment of this span: pauses between sentences are not silence. */
const HOLD_MS = 1_500;

/** RMS of samples in -1..1, in dBFS; -Infinity for digital silence. */
export function dbfs(samples: Float32Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return 10 * Math.log10(energy / Math.max(1, samples.length));
}

export function meterValue(level: number): number {
  return Math.min(1, Math.max(0, 1 - level / FLOOR_DBFS));
}

export function levelWord(level: number): LevelWord {
  if (level <= FLOOR_DBFS) return "silent";
  if (level < QUIET_DBFS) return "quiet";
  return level > LOUD_DBFS ? "loud" : "good";
}

/** The loudest of the last moments: `add` one level and its time, get the one that decides the word. Pure. */
export class Recent {
  private heard: { readonly level: number; readonly atMs: number }[] = [];

  constructor(private readonly holdMs: number) {}

  add(level: number, nowMs: number): number {
    this.heard = this.heard.filter((one) => nowMs - one.atMs < this.holdMs && one.level > level);
    this.heard.push({ level, atMs: nowMs });
    return this.heard[0]?.level ?? level;
  }
}

/** Meters one audio track until stopped; a muted track reads silent. */
export class LevelMeter {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly listener: (level: Level) => void) {}

  /** Measure `track` from now on instead of the one before. */
  start(track: MediaStreamTrack): void {
    this.stop();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2_048;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    this.context = context;
    const samples = new Float32Array(analyser.fftSize);
    const recent = new Recent(HOLD_MS);
    this.timer = setInterval(() => {
      if (context.state === "suspended") {
        void this.resume();
        return;
      }
      analyser.getFloatTimeDomainData(samples);
      const level = track.enabled ? dbfs(samples) : Number.NEGATIVE_INFINITY;
      this.listener({ value: meterValue(level), word: levelWord(recent.add(level, performance.now())) });
    }, EVERY_MS);
  }

  /** A browser may keep the meter asleep until the first tap on the page: call it from there. */
  async resume(): Promise<void> {
    try {
      await this.context?.resume();
    } catch {
      return;
    }
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    void this.context?.close();
    this.context = null;
  }
}
