import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Publisher } from "./publisher";
import type { StatsRow } from "./stats";
import { Viewer, type ViewerState } from "./viewer";

/** The browser's peer connection, which is not ours, in small: connects at once and counts what a test lets flow. */
class Connection extends EventTarget {
  static all: Connection[] = [];
  connectionState = "new";
  localDescription = { sdp: "v=0 offer" };
  ontrack: ((event: unknown) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  transport = { state: "connected", onstatechange: null as (() => void) | null };
  bytes = 0;
  frames = 0;
  flowing = true;
  checks = 0;
  senders: { replaceTrack: ReturnType<typeof vi.fn> }[] = [];

  constructor() {
    super();
    Connection.all.push(this);
  }
  addTransceiver() {
    const sender = {
      transport: this.transport,
      replaceTrack: vi.fn(async () => undefined),
      getParameters: () => ({}),
      setParameters: async () => undefined,
    };
    this.senders.push(sender);
    return { sender, receiver: { transport: this.transport }, setCodecPreferences: () => undefined };
  }
  getTransceivers() {
    return [{ sender: { transport: this.transport }, receiver: { transport: this.transport } }];
  }
  async setLocalDescription() {}
  static passes = true;
  async setRemoteDescription() {
    this.connectionState = Connection.passes ? "connected" : "failed";
    this.onconnectionstatechange?.();
  }
  async getStats() {
    if (this.flowing) {
      this.bytes += 1_000;
      this.frames += 1;
    }
    const rows: StatsRow[] = [
      {
        id: "P",
        type: "candidate-pair",
        nominated: true,
        state: "succeeded",
        bytesReceived: this.bytes,
        requestsSent: this.checks,
        responsesReceived: 0,
      },
      { id: "V", type: "inbound-rtp", kind: "video", bytesReceived: this.bytes, framesDecoded: this.frames },
    ];
    return rows;
  }
  close() {
    this.connectionState = "closed";
  }
}

/** The server: a list of what was asked, and an answer per method that a test may change. */
class Server {
  asked: { method: string; url: string; token: string | null }[] = [];
  made = 0;
  post: () => Response | Error = () => this.created();
  patch: () => Response | Error = () => new Response(null, { status: 204 });

  created() {
    this.made += 1;
    return new Response("v=0 answer", { status: 201, headers: { Location: `/r/${this.made}`, ETag: '"e"' } });
  }
  fetch = async (url: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    this.asked.push({ method: init.method ?? "", url, token: headers.Authorization ?? null });
    const answers = { POST: this.post, PATCH: this.patch, DELETE: () => new Response(null, { status: 200 }) };
    const answer = answers[init.method as keyof typeof answers]();
    if (answer instanceof Error) throw answer;
    Object.defineProperty(answer, "url", { value: "https://expo.test/whep/s1" });
    return answer;
  };
  count(method: string) {
    return this.asked.filter((one) => one.method === method).length;
  }
}

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ code }), { status, headers });
const newest = () => Connection.all.at(-1) as Connection;
const gone = new TypeError("Failed to fetch");

describe("a connection that heals itself", () => {
  let server: Server;
  const stops: (() => void)[] = [];

  function watch() {
    const viewer = new Viewer({ url: "/whep/s1", token: null, lanes: ["picture", "floor"] });
    const seen: ViewerState[] = [];
    viewer.subscribe((state) => seen.push(state));
    stops.push(() => viewer.stop());
    viewer.start();
    return { viewer, phases: () => seen.map((state) => state.phase) };
  }

  function publish(leftBehind: { url: string; etag: string | null } | null = null) {
    const held: (string | null)[] = [];
    const publisher = new Publisher({
      url: "/whip/s1",
      token: "t",
      tracks: { video: null, audio: null },
      leftBehind,
      holding: (resource) => held.push(resource?.url ?? null),
    });
    stops.push(() => publisher.stop());
    publisher.start();
    return { publisher, held };
  }

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    Connection.all = [];
    Connection.passes = true;
    vi.stubGlobal("fetch", server.fetch);
    vi.stubGlobal("RTCPeerConnection", Connection);
    vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => ({ codecs: [] }) });
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs: [] }) });
    vi.stubGlobal("MediaStream", class {});
  });
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test("a viewer connects, goes live with the first frame, and names its lanes", async () => {
    const { viewer, phases } = watch();
    await vi.advanceTimersByTimeAsync(500);
    expect(phases()).toEqual(["connecting", "connecting", "live"]);
    expect(viewer.state.stream).not.toBeNull();
    expect(server.asked[0]?.url).toBe("/whep/s1?lanes=picture,floor");
  });

  test("silence with a living server is waiting, without a new connection, and ends with the next media", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().flowing = false;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(viewer.state.phase).toBe("waiting");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.count("POST")).toBe(1);
    expect(server.count("PATCH")).toBeLessThan(14);
    newest().flowing = true;
    await vi.advanceTimersByTimeAsync(500);
    expect(viewer.state.phase).toBe("live");
  });

  test("a server that forgot the viewer is joined anew within half a second of silence noticed", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().flowing = false;
    server.patch = () => problem(404, "rooms.no_resource");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.count("POST")).toBe(2);
    expect(viewer.state.phase).toBe("live");
  });

  test("while nobody answers it keeps trying, keeps the old stream, and the old path may come back by itself", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(1_000);
    const stream = viewer.state.stream;
    newest().flowing = false;
    server.patch = () => gone;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(viewer.state).toMatchObject({ phase: "reconnecting", stream });
    newest().flowing = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(viewer.state.phase).toBe("live");
    expect(server.count("POST")).toBe(1);
  });

  test("when the link returns and the old path stays silent, a new connection replaces it at once", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().flowing = false;
    server.patch = () => gone;
    await vi.advanceTimersByTimeAsync(5_000);
    server.patch = () => new Response(null, { status: 204 });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(server.count("POST")).toBe(2);
    expect(viewer.state.phase).toBe("live");
  });

  test("a dead media path is redialled although HTTP lives", async () => {
    watch();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().flowing = false;
    await vi.advanceTimersByTimeAsync(1_500);
    newest().checks = 4;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.count("POST")).toBe(2);
  });

  test("a transport that the server closes is redialled within a moment", async () => {
    watch();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().transport.state = "closed";
    newest().transport.onstatechange?.();
    await vi.advanceTimersByTimeAsync(300);
    expect(server.count("POST")).toBe(2);
  });

  test("the network's return is not slept through", async () => {
    server.post = () => gone;
    watch();
    await vi.advanceTimersByTimeAsync(3_000);
    const before = server.count("POST");
    globalThis.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(1);
    expect(server.count("POST")).toBe(before + 1);
  });

  test("a full server is asked again after its own time, and the viewer says so meanwhile", async () => {
    server.post = () => problem(503, "media.full", { "Retry-After": "7" });
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(6_900);
    expect(viewer.state).toMatchObject({ phase: "refused", refusal: "media.full", retryAfterS: 7 });
    expect(server.count("POST")).toBe(1);
    server.post = () => server.created();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(viewer.state.phase).toBe("live");
  });

  test("a server that restarts is asked again soon, and this is no refusal", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().transport.state = "closed";
    server.post = () => problem(503, "rooms.stopping", { "Retry-After": "5" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(viewer.state.phase).toBe("reconnecting");
    server.post = () => server.created();
    await vi.advanceTimersByTimeAsync(1_500);
    expect(viewer.state.phase).toBe("live");
  });

  test("a network that lets no media through is named, and tried again all the same", async () => {
    Connection.passes = false;
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(viewer.state).toMatchObject({ phase: "failed", refusal: "media.no_path" });
    Connection.passes = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(viewer.state.phase).toBe("live");
  });

  test("a firm no is final", async () => {
    server.post = () => problem(410, "rooms.ended");
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(viewer.state).toMatchObject({ phase: "refused", refusal: "rooms.ended", stream: null });
    expect(server.count("POST")).toBe(1);
  });

  test("leaving the page deletes the resource, and coming back from the cache joins again", async () => {
    watch();
    await vi.advanceTimersByTimeAsync(500);
    globalThis.dispatchEvent(new Event("pagehide"));
    expect(server.count("DELETE")).toBe(1);
    globalThis.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    await vi.advanceTimersByTimeAsync(500);
    expect(server.count("POST")).toBe(2);
  });

  test("stopping is for good", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(500);
    viewer.stop();
    viewer.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(viewer.state).toMatchObject({ phase: "stopped", stream: null });
    expect([server.count("POST"), server.count("DELETE")]).toEqual([1, 1]);
    expect(newest().connectionState).toBe("closed");
  });

  test("what the server has ended is not deleted once more", async () => {
    const { viewer } = watch();
    await vi.advanceTimersByTimeAsync(500);
    newest().transport.state = "closed";
    await vi.advanceTimersByTimeAsync(2_000);
    expect([server.count("POST"), server.count("DELETE")]).toEqual([2, 0]);
    viewer.stop(true);
    expect([viewer.state.phase, server.count("DELETE")]).toEqual(["stopped", 0]);
  });

  test("a publisher first removes what the page before it left", async () => {
    const { publisher, held } = publish({ url: "https://expo.test/r/old", etag: null });
    await vi.advanceTimersByTimeAsync(500);
    expect(server.asked.slice(0, 2).map((one) => `${one.method} ${one.url}`)).toEqual([
      "DELETE https://expo.test/r/old",
      "POST /whip/s1",
    ]);
    expect(publisher.state.phase).toBe("live");
    expect(held).toEqual([null, "https://expo.test/r/1"]);
  });

  test("somebody else on air is told apart, and left in peace", async () => {
    server.post = () => problem(409, "rooms.publisher_present");
    const { publisher } = publish();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(publisher.state.phase).toBe("taken");
    expect(server.count("POST")).toBe(1);
  });

  test("a conflict with an own offer that got no answer is waited out", async () => {
    server.post = () => gone;
    const { publisher } = publish();
    await vi.advanceTimersByTimeAsync(50);
    server.post = () => problem(409, "rooms.publisher_present");
    await vi.advanceTimersByTimeAsync(1_500);
    server.post = () => server.created();
    await vi.advanceTimersByTimeAsync(1_500);
    expect(publisher.state.phase).toBe("live");
  });

  test("devices are swapped without a new connection", async () => {
    const { publisher } = publish();
    await vi.advanceTimersByTimeAsync(500);
    const track = { kind: "video", contentHint: "" } as MediaStreamTrack;
    await publisher.replace({ video: track, audio: null });
    expect(newest().senders[0]?.replaceTrack).toHaveBeenCalledWith(track);
    expect(track.contentHint).toBe("motion");
    expect(server.count("POST")).toBe(1);
  });
});
