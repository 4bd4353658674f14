import { beforeEach, describe, expect, test } from "vitest";
import { constraints, Devices, problemOf, unavailable } from "./devices";

/** A browser's media devices in small: a list that can be replugged, each maybe broken. */
class Browser extends EventTarget {
  asked: MediaStreamConstraints[] = [];
  broken: Partial<Record<MediaDeviceKind, string>> = {};

  constructor(public plugged: { kind: MediaDeviceKind; deviceId: string; label: string }[]) {
    super();
  }

  async enumerateDevices() {
    return this.plugged;
  }

  async getUserMedia(wanted: MediaStreamConstraints) {
    this.asked.push(wanted);
    const tracks = [this.track("videoinput", wanted.video), this.track("audioinput", wanted.audio)].filter(
      (track) => track !== null,
    );
    return {
      getTracks: () => tracks,
      getVideoTracks: () => tracks.filter((track) => track.kind === "video"),
      getAudioTracks: () => tracks.filter((track) => track.kind === "audio"),
    };
  }

  replug(plugged: typeof this.plugged) {
    this.plugged = plugged;
    this.dispatchEvent(new Event("devicechange"));
  }

  private track(kind: MediaDeviceKind, wanted: boolean | MediaTrackConstraints | undefined) {
    if (wanted === undefined || typeof wanted === "boolean") return null;
    const broken = this.broken[kind];
    if (broken !== undefined) throw new DOMException("", broken);
    const present = this.plugged.filter((device) => device.kind === kind);
    const exact = (wanted.deviceId as { exact?: string } | undefined)?.exact;
    const chosen = exact === undefined ? present[0] : present.find((device) => device.deviceId === exact);
    if (chosen === undefined)
      throw new DOMException("", exact === undefined ? "NotFoundError" : "OverconstrainedError");
    return {
      kind: kind === "videoinput" ? "video" : "audio",
      enabled: true,
      onended: null as (() => void) | null,
      getSettings: () => ({ deviceId: chosen.deviceId }),
      stop: () => undefined,
    };
  }
}

const CAMERA = { kind: "videoinput", deviceId: "c1", label: "Laptop camera" } as const;
const OTHER = { kind: "videoinput", deviceId: "c2", label: "USB camera" } as const;
const MIC = { kind: "audioinput", deviceId: "m1", label: "Headset" } as const;

function studio(browser: Browser, secure = true) {
  return new Devices({ devices: browser as unknown as MediaDevices, secure, memory: localStorage });
}

const inUse = (devices: Devices) => devices.state.camera?.getSettings().deviceId;
/** Let what is under way finish. */
const settled = (devices: Devices) => devices.choose("microphone", "m1");

describe("devices", () => {
  beforeEach(() => localStorage.clear());

  test("both open, and the lists have their names", async () => {
    const devices = studio(new Browser([CAMERA, MIC]));
    await devices.open();
    expect(devices.state.phase).toBe("open");
    expect(devices.state.problems).toEqual({ camera: null, microphone: null });
    expect(devices.state.cameras).toEqual([{ id: "c1", label: "Laptop camera" }]);
  });

  test("the chosen camera is used again on the next visit", async () => {
    const browser = new Browser([CAMERA, OTHER, MIC]);
    const devices = studio(browser);
    await devices.open();
    await devices.choose("camera", "c2");
    expect(inUse(devices)).toBe("c2");
    const again = studio(browser);
    await again.open();
    expect(inUse(again)).toBe("c2");
  });

  test("a remembered camera that is not there gives way to the default one", async () => {
    localStorage.setItem("expo.camera", "gone");
    const devices = studio(new Browser([CAMERA, MIC]));
    await devices.open();
    expect(inUse(devices)).toBe("c1");
    expect(devices.state.problems).toEqual({ camera: null, microphone: null });
  });

  test("a camera that is unplugged gives way to another, and comes back when it is back", async () => {
    const browser = new Browser([CAMERA, OTHER, MIC]);
    const devices = studio(browser);
    await devices.open();
    await devices.choose("camera", "c2");
    const track = devices.state.camera;
    browser.replug([CAMERA, MIC]);
    track?.onended?.(new Event("ended"));
    await settled(devices);
    expect(inUse(devices)).toBe("c1");
    browser.replug([CAMERA, OTHER, MIC]);
    await settled(devices);
    expect(inUse(devices)).toBe("c2");
  });

  test("a missing camera does not cost the microphone, and is taken as soon as it is there", async () => {
    const browser = new Browser([MIC]);
    const devices = studio(browser);
    await devices.open();
    expect(devices.state.problems).toEqual({ camera: "none", microphone: null });
    expect(devices.state.microphone).not.toBeNull();
    browser.replug([CAMERA, MIC]);
    await settled(devices);
    expect(inUse(devices)).toBe("c1");
    expect(devices.state.problems.camera).toBeNull();
  });

  test("a new device keeps the camera off when it was off", async () => {
    const devices = studio(new Browser([CAMERA, OTHER, MIC]));
    await devices.open();
    if (devices.state.camera !== null) devices.state.camera.enabled = false;
    await devices.choose("camera", "c2");
    expect(devices.state.camera?.enabled).toBe(false);
  });

  test("blocked devices are named as blocked", async () => {
    const browser = new Browser([CAMERA, MIC]);
    browser.broken = { videoinput: "NotAllowedError", audioinput: "NotAllowedError" };
    const devices = studio(browser);
    await devices.open();
    expect(devices.state.problems).toEqual({ camera: "blocked", microphone: "blocked" });
  });

  test("an insecure page asks nobody anything", async () => {
    const browser = new Browser([CAMERA, MIC]);
    const devices = studio(browser, false);
    await devices.open();
    expect(devices.state.problems).toEqual({ camera: "insecure", microphone: "insecure" });
    expect(browser.asked).toEqual([]);
  });

  test("permission given before is seen by the names of devices", async () => {
    expect(await studio(new Browser([CAMERA, MIC])).allowed()).toBe(true);
    expect(await studio(new Browser([{ ...CAMERA, label: "" }])).allowed()).toBe(false);
  });
});

describe("words for failures", () => {
  test.each([
    ["NotAllowedError", "blocked"],
    ["SecurityError", "blocked"],
    ["NotFoundError", "none"],
    ["NotReadableError", "in_use"],
    ["TypeError", "unknown"],
  ])("%s is %s", (name, problem) => {
    expect(problemOf(new DOMException("", name))).toBe(problem);
  });

  test("an in-app browser without media devices is told apart from an insecure page", () => {
    expect(unavailable({ devices: undefined, secure: true })).toBe("unsupported");
    expect(unavailable({ devices: undefined, secure: false })).toBe("insecure");
  });

  test("a chosen device is demanded, so that no browser prefers another one", () => {
    expect(constraints("camera", "c9").deviceId).toEqual({ exact: "c9" });
    expect(constraints("microphone", null).deviceId).toBeUndefined();
  });
});
