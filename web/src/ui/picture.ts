/** The picture's element: shows a stream, keeps its last frame on a canvas, says what it shows. */

export interface PictureEvents {
  /** A frame is on the screen (or, without a picture, none ever will be). */
  readonly frames: (yes: boolean) => void;
  /** The element stopped or went on: the browser's or the reader's doing. */
  readonly paused: (yes: boolean) => void;
}

const SNAPSHOT_EVERY_MS = 1_000;
/** Blurred anyway, so small: 320 px wide costs under a millisecond. */
const SNAPSHOT_WIDTH = 320;

export class Picture {
  private stopping = false;

  constructor(
    private readonly frame: HTMLElement,
    private readonly video: HTMLVideoElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly events: PictureEvents,
  ) {
    for (const name of ["loadeddata", "resize", "playing"]) video.addEventListener(name, () => this.measure());
    video.addEventListener("pause", () => {
      if (!this.stopping && video.srcObject !== null) events.paused(true);
    });
    video.addEventListener("playing", () => events.paused(false));
    setInterval(() => this.snapshot(), SNAPSHOT_EVERY_MS);
  }

  /** Show this stream, or none; the last frame stays on the canvas. */
  async show(stream: MediaStream | null): Promise<void> {
    if (this.video.srcObject === stream) return;
    this.snapshot();
    this.stopping = true;
    this.video.srcObject = stream;
    this.stopping = false;
    if (stream === null) {
      this.events.frames(false);
      return;
    }
    await this.play();
  }

  /** False and a `paused` event when the browser wants a tap first (power saving). */
  async play(): Promise<boolean> {
    try {
      await this.video.play();
      return true;
    } catch (problem) {
      if (problem instanceof DOMException && problem.name === "NotAllowedError") this.events.paused(true);
      return false;
    }
  }

  pause(): void {
    this.video.pause();
  }

  private measure(): void {
    const { videoWidth, videoHeight } = this.video;
    this.frame.dataset.shape = videoHeight > videoWidth ? "tall" : "wide";
    this.events.frames(videoWidth > 0 && this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA);
    this.snapshot();
  }

  private snapshot(): void {
    const { videoWidth, videoHeight, readyState } = this.video;
    if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    if (document.visibilityState === "hidden" || this.frame.dataset.picture === "frozen") return;
    const height = Math.round((SNAPSHOT_WIDTH * videoHeight) / videoWidth);
    if (this.canvas.width !== SNAPSHOT_WIDTH || this.canvas.height !== height) {
      this.canvas.width = SNAPSHOT_WIDTH;
      this.canvas.height = height;
    }
    this.canvas.getContext("2d")?.drawImage(this.video, 0, 0, SNAPSHOT_WIDTH, height);
  }
}
