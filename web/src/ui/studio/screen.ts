/** The presenter's screen as a second picture: asks the browser for it, publishes it, and ends with it. No views. */

import { Publisher, type PublisherState } from "../../media/publisher";

/** "off" until something is shared; "refused" keeps the server's code until the next try. */
export type ScreenPhase = "off" | "starting" | "live" | "healing" | "refused";

export interface ScreenState {
  readonly phase: ScreenPhase;
  readonly track: MediaStreamTrack | null;
  readonly refusal: string | null;
}

const OFF: ScreenState = { phase: "off", track: null, refusal: null };
/** A slide is read, not watched: sharp edges go before smooth motion. */
const WISH = { video: { frameRate: { ideal: 15, max: 30 } }, audio: false } as const;

/** Phones and in-app browsers have none. */
export function canShare(devices: Partial<MediaDevices> | undefined): boolean {
  return typeof devices?.getDisplayMedia === "function";
}

export class ScreenShare {
  private current: ScreenState = OFF;
  private publisher: Publisher | null = null;

  constructor(
    private readonly access: { readonly url: string; readonly token: string },
    private readonly changed: (state: ScreenState) => void,
  ) {}

  get state(): ScreenState {
    return this.current;
  }

  /** Nothing happens when the reader thinks better of it in the browser's own question. */
  async start(): Promise<void> {
    if (this.publisher !== null) return;
    let track: MediaStreamTrack | undefined;
    try {
      track = (await navigator.mediaDevices.getDisplayMedia(WISH)).getVideoTracks()[0];
    } catch {
      return;
    }
    if (track === undefined) return;
    if (this.publisher !== null) return track.stop();
    track.contentHint = "detail";
    track.onended = () => this.stop(); // the browser's own "stop sharing"
    const mine = new Publisher({ ...this.access, tracks: { video: track, audio: null } });
    this.publisher = mine;
    mine.subscribe((news) => {
      if (mine === this.publisher) this.follow(news, track);
    });
    this.show({ phase: "starting", track, refusal: null });
    mine.start();
  }

  /** `over`: the show has ended. */
  stop(over = false): void {
    const { publisher } = this;
    this.publisher = null;
    publisher?.stop(over);
    this.current.track?.stop();
    this.show(OFF);
  }

  private follow({ phase, refusal, retryAfterS }: PublisherState, track: MediaStreamTrack): void {
    if ((phase === "taken" || phase === "refused") && retryAfterS === null) {
      this.stop();
      this.show({ ...OFF, phase: "refused", refusal });
      return;
    }
    const healing = phase === "reconnecting" || phase === "failed" || phase === "refused";
    this.show({ phase: phase === "live" ? "live" : healing ? "healing" : "starting", track, refusal: null });
  }

  private show(state: ScreenState): void {
    this.current = state;
    this.changed(state);
  }
}
