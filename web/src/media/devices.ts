/** Cameras, microphones and speakers: opens the chosen ones, remembers the choice, follows plugging. No UI. */

export type Kind = "camera" | "microphone";

/** Why a device cannot be had; keys of the `media` area: `media.problem.<word>`. */
export type Problem = "insecure" | "unsupported" | "blocked" | "none" | "in_use" | "unknown";

export interface Device {
  readonly id: string;
  /** Empty until permission is given. */
  readonly label: string;
}

export interface DevicesState {
  /** "closed" before the first open, "asking" while the browser may show its question. */
  readonly phase: "closed" | "asking" | "open";
  readonly cameras: readonly Device[];
  readonly microphones: readonly Device[];
  readonly speakers: readonly Device[];
  readonly camera: MediaStreamTrack | null;
  readonly microphone: MediaStreamTrack | null;
  readonly problems: Readonly<Record<Kind, Problem | null>>;
}

/** What the page offers for media; `devices` is undefined in insecure pages and in many in-app browsers. */
export interface Platform {
  readonly devices: MediaDevices | undefined;
  readonly secure: boolean;
  readonly memory: Pick<Storage, "getItem" | "setItem">;
}

type Listener = (state: DevicesState) => void;

const MEMORY = { camera: "expo.camera", microphone: "expo.microphone" } as const;
const CLOSED: DevicesState = {
  phase: "closed",
  cameras: [],
  microphones: [],
  speakers: [],
  camera: null,
  microphone: null,
  problems: { camera: null, microphone: null },
};

/** The word for a failed getUserMedia (Media Capture and Streams 10.3.1). Pure. */
export function problemOf(error: unknown): Problem {
  const name = typeof error === "object" && error !== null && "name" in error ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "blocked";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    default:
      return "unknown";
  }
}

/** Why no device can be had on this page at all; null when it can be tried. Pure. */
export function unavailable(platform: Pick<Platform, "devices" | "secure">): Problem | null {
  if (!platform.secure) return "insecure";
  return platform.devices === undefined || !("getUserMedia" in platform.devices) ? "unsupported" : null;
}

/** A device as constraints; null is the browser's default one. "ideal" is no choice: Chromium overrules it. Pure. */
export function constraints(kind: Kind, id: string | null): MediaTrackConstraints {
  const chosen = id === null ? {} : { deviceId: { exact: id } };
  if (kind === "camera") {
    return { ...chosen, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
  }
  return { ...chosen, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
}

export class Devices {
  private current: DevicesState = CLOSED;
  private readonly listeners = new Set<Listener>();
  private listening = false;
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly platform: Platform) {}

  get state(): DevicesState {
    return this.current;
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whether the browser has said yes before, so that opening asks nobody anything. */
  async allowed(): Promise<boolean> {
    const known = (await this.platform.devices?.enumerateDevices().catch(() => [])) ?? [];
    return ["videoinput", "audioinput"].some((kind) => known.some((one) => one.kind === kind && one.label !== ""));
  }

  /** Open camera and microphone; each that fails leaves its problem in the state. Calls wait for one another. */
  open(): Promise<void> {
    return this.inTurn(() => this.openBoth());
  }

  /** Use another device of this kind and remember it. */
  choose(kind: Kind, id: string): Promise<void> {
    remember(this.platform.memory, kind, id);
    return this.inTurn(() => this.reopen(kind));
  }

  close(): void {
    this.current.camera?.stop();
    this.current.microphone?.stop();
    this.show({ ...CLOSED });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async openBoth(): Promise<void> {
    const { devices } = this.platform;
    const never = unavailable(this.platform);
    if (never !== null || devices === undefined) {
      this.show({ ...this.current, phase: "open", problems: { camera: never, microphone: never } });
      return;
    }
    this.follow(devices);
    this.show({ ...this.current, phase: "asking" });
    try {
      const stream = await devices.getUserMedia({ video: this.wish("camera"), audio: this.wish("microphone") });
      this.take("camera", stream.getVideoTracks()[0] ?? null, null);
      this.take("microphone", stream.getAudioTracks()[0] ?? null, null);
    } catch {
      // One that is missing or busy must not cost the other: ask for each alone.
      await this.openOne("camera");
      await this.openOne("microphone");
    }
    await this.list();
    this.show({ ...this.current, phase: "open" });
  }

  private async reopen(kind: Kind): Promise<void> {
    await this.openOne(kind);
    await this.list();
  }

  private async openOne(kind: Kind): Promise<void> {
    try {
      this.take(kind, await this.request(kind), null);
    } catch (error) {
      if (problemOf(error) !== "in_use" || this.current[kind] === null) return this.take(kind, null, problemOf(error));
      // Many phones give one camera at a time: let the old one go first.
      this.take(kind, null, null);
      try {
        this.take(kind, await this.request(kind), null);
      } catch (again) {
        this.take(kind, null, problemOf(again));
      }
    }
  }

  /** A track of the remembered device, or of the default one when that is not there. */
  private async request(kind: Kind): Promise<MediaStreamTrack | null> {
    const chosen = this.remembered(kind);
    try {
      return await this.ask(kind, chosen);
    } catch (error) {
      if (chosen === null || problemOf(error) !== "none") throw error;
      return this.ask(kind, null);
    }
  }

  private async ask(kind: Kind, id: string | null): Promise<MediaStreamTrack | null> {
    const wish = constraints(kind, id);
    const stream = await this.platform.devices?.getUserMedia(kind === "camera" ? { video: wish } : { audio: wish });
    return stream?.getTracks()[0] ?? null;
  }

  private wish(kind: Kind): MediaTrackConstraints {
    return constraints(kind, this.remembered(kind));
  }

  private remembered(kind: Kind): string | null {
    return this.platform.memory.getItem(MEMORY[kind]);
  }

  private take(kind: Kind, track: MediaStreamTrack | null, problem: Problem | null): void {
    const before = this.current[kind];
    if (track !== null) {
      track.enabled = before?.enabled ?? true;
      // Unplugged, or taken away in the browser's own menu: fall back to another one.
      track.onended = () =>
        void this.inTurn(() => (this.current[kind] === track ? this.reopen(kind) : Promise.resolve()));
    }
    this.show({ ...this.current, [kind]: track, problems: { ...this.current.problems, [kind]: problem } });
    if (before !== null && before !== track) {
      before.onended = null;
      before.stop();
    }
  }

  private follow(devices: MediaDevices): void {
    if (this.listening) return;
    this.listening = true;
    devices.addEventListener("devicechange", () => void this.inTurn(() => this.replugged()));
  }

  /** A device came or went: take the remembered one when it is back, and one that was missing. */
  private async replugged(): Promise<void> {
    await this.list();
    for (const kind of ["camera", "microphone"] as const) {
      const wanted = this.platform.memory.getItem(MEMORY[kind]);
      const present = kind === "camera" ? this.current.cameras : this.current.microphones;
      const track = this.current[kind];
      const back = present.some(({ id }) => id === wanted) && track?.getSettings().deviceId !== wanted;
      if (back || (track === null && present.length > 0)) await this.reopen(kind);
    }
  }

  private async list(): Promise<void> {
    const { devices } = this.platform;
    if (devices === undefined) return;
    const all = await devices.enumerateDevices().catch(() => []);
    const of = (kind: MediaDeviceKind) =>
      all.filter((one) => one.kind === kind).map((one) => ({ id: one.deviceId, label: one.label }));
    this.show({
      ...this.current,
      cameras: of("videoinput"),
      microphones: of("audioinput"),
      speakers: of("audiooutput"),
    });
  }

  private show(state: DevicesState): void {
    this.current = state;
    for (const listener of this.listeners) listener(state);
  }
}

function remember(memory: Platform["memory"], kind: Kind, id: string): void {
  try {
    memory.setItem(MEMORY[kind], id);
  } catch {
    // Private windows may refuse to store; the choice then lasts as long as the page.
    return;
  }
}
