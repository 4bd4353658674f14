/** Plays a recording in a video element: by hls.js, natively where there is no Media Source. Heals by itself. */

import type Hls from "hls.js";
import type { ErrorData } from "hls.js";
import { engineOf, fetchPlayer, newPlayer } from "./replay-engine";

export type ReplayPhase = "idle" | "loading" | "playing" | "paused" | "waiting" | "ended" | "failed";

export interface ReplayFacts {
  readonly phase: ReplayPhase;
  /** Asking for media has failed and is tried again. */
  readonly trouble: boolean;
  readonly seconds: number;
  /** 0 until it is known. */
  readonly lengthS: number;
  /** Loaded without a hole beyond `seconds`. */
  readonly aheadS: number;
}

export interface ReplayEvents {
  readonly told: (facts: ReplayFacts) => void;
  /** The server gives this address, or what it names, to nobody any more: ask the page again. */
  readonly stale: () => void;
}

export interface ReplayStats {
  readonly bandwidthBps: number | null;
  readonly bitrateBps: number | null;
  readonly width: number;
  readonly height: number;
  readonly dropped: number;
}

const STALE = [401, 403, 404, 410];
const RETRY_MS = [1_000, 2_000, 4_000, 8_000];
/** A decoder that fails this soon again will not do better the third time. */
const RECOVER_GAP_MS = 10_000;

export class Replay {
  private phase: ReplayPhase = "idle";
  private trouble = false;
  private lengthS = 0;
  private hls: Hls | null = null;
  /** What is to be played; the engine may have read its lists before that. */
  private loaded: string | null = null;
  private wanted = false;
  /** Where to begin was changed while the first media was on its way. */
  private aimed = false;
  private failures = 0;
  private recoveredAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly video: HTMLVideoElement,
    private url: string,
    private startS: number,
    private readonly events: ReplayEvents,
  ) {
    const on = (names: string, act: () => void) => {
      for (const name of names.split(" ")) video.addEventListener(name, act);
    };
    on("loadedmetadata", () => {
      if (this.aimed) this.seek(this.startS);
    });
    on("playing", () => this.turn("playing"));
    on("waiting", () => this.turn(this.wanted ? "waiting" : this.phase));
    on("canplay", () => {
      if (!this.wanted && this.phase === "loading") this.turn("paused");
    });
    on("ended", () => this.turn("ended"));
    on("pause", () => {
      if (this.loaded !== null && !video.ended) this.turn("paused");
    });
    on("timeupdate seeking seeked progress durationchange ratechange volumechange", () => this.tell());
    on("error", () => this.failNatively());
  }

  get facts(): ReplayFacts {
    const { phase, trouble, lengthS } = this;
    return { phase, trouble, lengthS: lengthS || this.duration, seconds: this.seconds, aheadS: this.ahead };
  }

  get stats(): ReplayStats {
    const level = this.hls?.levels[Math.max(0, this.hls.currentLevel)];
    const measured = this.hls?.bandwidthEstimate;
    return {
      bandwidthBps: measured !== undefined && Number.isFinite(measured) ? measured : null,
      bitrateBps: level === undefined ? null : level.averageBitrate || level.maxBitrate,
      width: this.video.videoWidth,
      height: this.video.videoHeight,
      dropped: this.video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0,
    };
  }

  /** Where playing is, or will begin. */
  get seconds(): number {
    return this.loaded === null || this.video.readyState === 0 ? this.startS : this.video.currentTime;
  }

  /** Fetch what this browser will need to play, but for pictures and sound; of what still grows only the player. */
  async prepare(whole: boolean): Promise<void> {
    if (engineOf(this.video) !== "script" || this.loaded !== null) return;
    const Player = await fetchPlayer();
    if (Player !== null && whole && this.loaded === null && this.hls === null) this.engage(Player);
  }

  /** Load, if it is not, and play. Call it from a tap: browsers let sound begin only then. */
  async play(): Promise<void> {
    this.wanted = true;
    if (this.loaded === null) await this.load();
    else if (this.video.ended || this.phase === "ended") this.seek(0);
    await this.start();
  }

  pause(): void {
    this.wanted = false;
    this.video.pause();
  }

  seek(seconds: number): void {
    const to = Math.max(0, Math.min(seconds, (this.duration || Number.MAX_SAFE_INTEGER) - 0.1));
    this.startS = to;
    this.aimed = this.loaded !== null && this.video.readyState === 0;
    if (this.loaded !== null && !this.aimed) this.video.currentTime = to;
    if (this.phase === "ended") this.turn("paused");
    this.tell();
  }

  /** The same recording under another address, going on at `seconds`. */
  move(url: string, seconds: number): void {
    const again = this.phase !== "idle";
    this.url = url;
    this.startS = seconds;
    this.unload();
    if (again) void this.load().then(() => (this.wanted ? this.start() : undefined));
  }

  /** Try at once what would be tried later. */
  retry(): void {
    clearTimeout(this.timer);
    this.failures = 0;
    if (this.phase === "failed") void this.play();
    else if (this.trouble) this.again();
  }

  /** Nothing more can be done by itself. */
  fail(): void {
    this.startS = this.seconds;
    this.unload();
    this.turn("failed");
  }

  private async load(): Promise<void> {
    const { url } = this;
    this.loaded = url;
    this.turn("loading");
    if (engineOf(this.video) === "native") {
      this.video.src = `${url}#t=${this.startS}`;
      return;
    }
    if (this.hls === null) {
      const Player = await fetchPlayer();
      if (this.loaded !== url) return;
      if (Player === null) return this.fail();
      this.engage(Player);
    } else if (this.hls.levels.length > 0) {
      // Not the second without the first: sound that one controller asks for, the next one drops, and all wait for it.
      this.hls.stopLoad();
      this.hls.startLoad(this.startS);
    }
  }

  /** Read the lists; media follows once it is to be played. */
  private engage(Player: typeof Hls): void {
    const hls = newPlayer(Player);
    this.hls = hls;
    hls.on(Player.Events.ERROR, (_, data) => this.took(data));
    hls.on(Player.Events.FRAG_LOADED, () => this.healed());
    hls.on(Player.Events.MANIFEST_PARSED, () => {
      hls.startLoad(this.startS);
      if (this.loaded === null) hls.pauseBuffering();
    });
    hls.on(Player.Events.LEVEL_UPDATED, (_, { details }) => {
      this.lengthS = details.totalduration;
      this.tell();
    });
    hls.attachMedia(this.video);
    hls.loadSource(this.url);
  }

  private unload(): void {
    clearTimeout(this.timer);
    this.loaded = null;
    this.lengthS = 0;
    this.trouble = false;
    this.hls?.destroy();
    this.hls = null;
    if (this.video.getAttribute("src") !== null) {
      this.video.removeAttribute("src");
      this.video.load();
    }
  }

  private async start(): Promise<void> {
    try {
      await this.video.play();
    } catch (problem) {
      // AbortError: another load or a pause came between; what comes of that says its own.
      if (problem instanceof DOMException && problem.name === "NotAllowedError") {
        this.wanted = false;
        this.turn("paused");
      }
    }
  }

  private took(data: ErrorData): void {
    // Nobody waits yet: it is tried anew when somebody does.
    if (this.loaded === null) {
      this.unload();
      return;
    }
    const network = data.type === "networkError";
    const status = data.response?.code ?? 0;
    if (network && STALE.includes(status)) {
      this.hls?.stopLoad();
      this.events.stale();
      return;
    }
    if (network) this.trouble = true;
    if (!data.fatal) this.tell();
    else if (network) this.later();
    else this.recover(data);
  }

  private recover(data: ErrorData): void {
    if (data.type === "mediaError" && performance.now() - this.recoveredAt > RECOVER_GAP_MS) {
      this.recoveredAt = performance.now();
      this.hls?.recoverMediaError();
      return;
    }
    this.fail();
  }

  private later(): void {
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), wait);
    this.tell();
  }

  private again(): void {
    // Without a playlist there is nothing to go on with.
    if (this.lengthS === 0) this.hls?.loadSource(this.url);
    else this.hls?.startLoad(this.seconds);
  }

  private healed(): void {
    this.failures = 0;
    if (!this.trouble) return;
    this.trouble = false;
    this.tell();
  }

  private failNatively(): void {
    if (this.hls !== null || this.loaded === null) return;
    const missing = this.video.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED;
    this.fail();
    if (missing) this.events.stale();
  }

  private get duration(): number {
    return Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  private get ahead(): number {
    const { buffered, currentTime } = this.video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime + 0.1 && buffered.end(index) > currentTime)
        return buffered.end(index) - currentTime;
    }
    return 0;
  }

  private turn(phase: ReplayPhase): void {
    this.phase = phase;
    this.tell();
  }

  private tell(): void {
    this.events.told(this.facts);
  }
}
