/** The device check page: camera, microphone, speakers, and the real media path to the server. */

import { render } from "lit-html";
import { Devices } from "../media/devices";
import { LevelMeter } from "../media/level";
import { assess } from "../media/quality";
import { NO_STATS } from "../media/stats";
import { playTone } from "../media/tone";
import { Viewer } from "../media/viewer";
import { NOTHING_TESTED, networkResult, type Result, Sentence, type Test } from "../ui/check-state";
import * as views from "../ui/check-view";
import { leavesForAnotherBrowser } from "../ui/elsewhere";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import { keepVerdict } from "../ui/studio/verdict";
import { safeStorage } from "../ui/studio-memory";

interface CheckPage {
  /** Where to go on; a path of our own site. */
  readonly next: string | null;
  /** A showcase that anyone may join, to test the way of the media; null when there is none. */
  readonly probe: { readonly whepUrl: string; readonly whepToken: string | null } | null;
}

const MEASURE_MS = 6_000;
const LOOK_MS = 500;

const page = pageData<CheckPage>();
const t = translator(page.messages);
const preview = need<HTMLVideoElement>("#preview");
const memory = safeStorage("localStorage");
const devices = new Devices({ devices: navigator.mediaDevices, secure: isSecureContext, memory });
const sentence = new Sentence();
let measuring = false;

let state: views.CheckState = {
  results: NOTHING_TESTED,
  devices: devices.state,
  level: "silent",
  spoken: 0,
  speaker: memory.getItem("expo.speaker") ?? "",
  playing: false,
  played: false,
  quality: assess(NO_STATS),
  stats: NO_STATS,
  networkWord: "ok",
};

const meter = new LevelMeter((level) => {
  document.querySelector<HTMLElement>("#meter")?.style.setProperty("--v", level.value.toFixed(3));
  const spoken = sentence.hear(level.value);
  document.querySelector<HTMLElement>("#spoken")?.style.setProperty("--v", spoken.toFixed(3));
  if (spoken >= 1 && state.results.microphone !== "pass") result("microphone", "pass");
  if (level.word !== state.level) set({ level: level.word, spoken });
});

const actions: views.CheckActions = {
  begin: () => void begin(),
  choose: (kind, id) => void devices.choose(kind, id),
  chooseSpeaker: (id) => {
    memory.setItem("expo.speaker", id);
    set({ speaker: id });
  },
  play: () => void play(),
  heard: (yes) => result("speakers", yes ? "pass" : "fail"),
  network: () => void measure(),
};

function set(news: Partial<views.CheckState>): void {
  state = { ...state, ...news };
  keepVerdict(state.results);
  render(views.verdict(state, page.next, t, actions), need("#verdict"));
  render(views.camera(state, t, actions), need("#camera .slot"));
  render(views.microphone(state, t, actions), need("#microphone .slot"));
  render(views.speakers(state, t, actions), need("#speakers .slot"));
  render(views.network(state, t, actions), need("#network .slot"));
}

function result(test: Test, found: Result): void {
  set({ results: { ...state.results, [test]: found } });
}

async function begin(): Promise<void> {
  void measure();
  await devices.open();
  void meter.resume();
}

function followDevices(): void {
  const before = state.devices;
  const after = devices.state;
  const open = after.phase === "open";
  const heardBefore = state.results.microphone === "pass" && before.microphone === after.microphone;
  set({
    devices: after,
    results: {
      ...state.results,
      camera: after.camera !== null ? "pass" : open ? "fail" : "wait",
      microphone: heardBefore ? "pass" : after.microphone !== null ? "run" : open ? "fail" : "wait",
    },
  });
  document.body.toggleAttribute("data-camera", after.camera !== null);
  if (before.camera !== after.camera)
    preview.srcObject = after.camera === null ? null : new MediaStream([after.camera]);
  if (before.microphone === after.microphone) return;
  if (after.microphone === null) meter.stop();
  else meter.start(after.microphone);
}

async function play(): Promise<void> {
  set({ playing: true });
  try {
    await playTone(state.speaker === "" ? null : state.speaker);
  } catch {
    result("speakers", "fail");
  }
  set({ playing: false, played: true });
}

/** Join a showcase for a few seconds, as a buyer would, and look at the path; what it shows is of no interest. */
async function measure(): Promise<void> {
  if (measuring) return;
  if (page.probe === null) {
    set({ results: { ...state.results, network: "skip" }, networkWord: "nothing_on_air" });
    return;
  }
  measuring = true;
  set({ results: { ...state.results, network: "run" }, networkWord: "ok" });
  const { whepUrl: url, whepToken: token } = page.probe;
  const viewer = new Viewer({ url, token, lanes: ["picture", "floor"] });
  viewer.start();
  const until = performance.now() + MEASURE_MS;
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const stats = viewer.stats();
    if (stats.rttMs !== null) set({ stats, quality: assess(stats, viewer.state.phase === "live") });
    if (viewer.state.phase === "failed" || viewer.state.phase === "refused") break;
  }
  const { phase } = viewer.state;
  viewer.stop();
  measuring = false;
  const measured = networkResult(state.stats);
  if (measured !== "run" && (phase === "live" || phase === "waiting")) {
    set({ results: { ...state.results, network: measured }, networkWord: "ok" });
  } else if (phase === "refused") {
    set({ results: { ...state.results, network: "skip" }, networkWord: "nothing_on_air" });
  } else {
    set({ results: { ...state.results, network: "fail" }, networkWord: phase === "failed" ? "blocked" : "away" });
  }
}

for (const slot of document.querySelectorAll(".test .slot, #verdict")) slot.replaceChildren();
closeMenusKindly();
devices.subscribe(followDevices);
if (!leavesForAnotherBrowser()) {
  set({});
  void devices.allowed().then((yes) => (yes ? begin() : undefined));
}
