/** The buyer's page: picture at once and muted, sound after one tap, a strip that heals by itself. Wires store, media and views. */

import { render } from "lit-html";
import { type ShowcaseState, withRoom } from "../live/showcase";
import { PollingSource } from "../live/source";
import { type Scene, StageStore, scene, type ViewerFacts, wantsMedia } from "../live/stage";
import { houseFirst } from "../media/codecs";
import { assess } from "../media/quality";
import { type MediaStats, NO_STATS } from "../media/stats";
import { Viewer } from "../media/viewer";
import { type Clock, ownZone, time } from "../ui/clocks";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { ownTimes } from "../ui/own-times";
import { need, pageData } from "../ui/page";
import { Picture } from "../ui/picture";
import { productLinks } from "../ui/products";
import { share } from "../ui/share";
import { shortcuts } from "../ui/shortcuts";
import { Sound } from "../ui/sound";
import * as view from "../ui/stage";
import { tabs } from "../ui/tabs";
import type { State } from "../wire.gen";

interface StageData {
  readonly showcaseId: string;
  readonly showcase: ShowcaseState;
  readonly whepUrl: string;
  readonly whepToken: string | null;
  readonly stateUrl: string;
  readonly languages: readonly view.LanguageLink[];
  readonly clocks: readonly Clock[];
}

const METER_EVERY_MS = 80;
const TICK_MS = 1_000;
const PASS_TIME_MS = 5_000;
const SETTLED_AFTER_MS = 8_000;
/** The room comes with the picture, or without one after this long: whatever loads first, the picture does. */
const ROOM_AFTER_MS = 1_500;
const ROOM_AGAIN_MS = 5_000;
const IDLE: ViewerFacts = { phase: "stopped", refusal: null, retryAfterS: null };

const data = pageData<StageData>();
const t = translator(data.messages);
const words: view.StageWords = {
  t,
  language: data.language,
  languages: data.languages,
  clocks: data.clocks,
  zone: ownZone(),
};

const frame = need<HTMLElement>("#picture");
const video = need<HTMLVideoElement>("#picture video");
const slots = Object.fromEntries(
  ["air", "strip", "cover", "viewers", "signal", "quality", "full-screen", "sound"].map((id) => {
    const element = need<HTMLElement>(`#${id}`);
    element.replaceChildren();
    return [id, element];
  }),
) as Record<"air" | "strip" | "cover" | "viewers" | "signal" | "quality" | "full-screen" | "sound", HTMLElement>;
const status = need<HTMLElement>("#status");

const saving = (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
const codecs = "RTCRtpReceiver" in window ? (RTCRtpReceiver.getCapabilities("video")?.codecs ?? []) : [];

const store = new StageStore({
  showcase: data.showcase,
  clockOffsetMs: Date.parse(data.showcase.serverTime) - Date.now(),
  viewer: IDLE,
  refusedAtMs: 0,
  online: navigator.onLine,
  begun: false,
  picture: false,
  decodes: houseFirst("video", codecs).length > 0,
  paused: false,
  listenOnly: saving,
  sound: false,
  muted: false,
  volume: 1,
  onBreak: false,
  recording: null,
  nowMs: Date.now(),
});

const sound = new Sound(video);
const picture = new Picture(frame, video, need<HTMLCanvasElement>("#picture canvas"), {
  frames: (yes) => store.apply(yes ? { picture: true, begun: true } : { picture: false }),
  paused: (yes) => store.apply({ paused: yes }),
});

let viewer: Viewer | null = null;
let stats: MediaStats = NO_STATS;
let qualityOpen = false;
let volumeSettable = true;
let lastKind: Scene["kind"] | null = null;
let settling: ReturnType<typeof setTimeout> | undefined;

function join(): void {
  const lanes = store.facts.listenOnly ? ["floor"] : ["picture", "floor"];
  const next = new Viewer({ url: data.whepUrl, token: data.whepToken, lanes });
  viewer = next;
  next.subscribe(({ phase, refusal, retryAfterS, stream }) => {
    if (viewer !== next) return;
    const asked = store.facts.viewer;
    const refusedAtMs = phase === "refused" && asked.phase !== "refused" ? Date.now() : store.facts.refusedAtMs;
    const begun = store.facts.begun || phase === "live";
    store.apply({ viewer: { phase, refusal, retryAfterS }, refusedAtMs, begun });
    // Off the air the old stream's last frame is on the canvas already; an empty element costs nothing.
    void picture.show(stream).then(() => sound.listen());
    if (phase === "waiting" || phase === "refused") source.nudge();
  });
  next.start();
}

function leave(): void {
  const last = viewer;
  viewer = null;
  last?.stop(store.facts.showcase.state === "ended");
  void picture.show(null);
  store.apply({ viewer: IDLE, paused: false });
}

/** The show begins, ends, or the reader chose sound only: be there or not. */
function follow(): void {
  const wanted = wantsMedia(store.facts);
  if (wanted && viewer === null) join();
  if (!wanted && viewer !== null) leave();
}

let polled = data.showcase;
let room: Pick<State, "phase" | "viewers" | "recording"> | null = null;

function told(): void {
  store.apply({
    showcase: withRoom(polled, room),
    onBreak: room?.phase === "paused",
    recording: room?.phase === "live" ? room.recording : null,
  });
}

const source = new PollingSource(data.stateUrl, {
  state: (showcase) => {
    const news = String(showcase.again) !== String(polled.again);
    polled = showcase;
    if (news) panel?.draw();
    store.apply({ clockOffsetMs: Date.parse(showcase.serverTime) - Date.now() });
    told();
  },
  reachable: (yes) => store.apply({ online: yes || navigator.onLine }),
});

const actions: view.StageActions = {
  listen: () => {
    const tapped = focusIn("#sound");
    store.apply({ sound: true, muted: false });
    void sound.unlock().then((heard) => {
      if (!heard) store.apply({ sound: false });
    });
    if (tapped) focusSoon("#sound .volume button");
  },
  toggleMute: () => {
    if (!store.facts.sound) return actions.listen();
    const muted = !store.facts.muted;
    sound.muted = muted;
    store.apply({ muted });
  },
  setVolume: (volume) => {
    sound.volume = volume;
    sound.muted = false;
    store.apply({ volume, muted: false });
  },
  toggleListenOnly: () => {
    const tapped = focusIn("#cover");
    store.apply({ listenOnly: !store.facts.listenOnly, picture: false, begun: false });
    leave();
    follow();
    if (tapped) focusSoon("#sound button");
  },
  resume: () => {
    store.apply({ paused: false });
    void picture.play();
  },
  retry: () => {
    leave();
    follow();
  },
  toggleQuality: () => {
    const tapped = focusIn("#picture");
    qualityOpen = !qualityOpen;
    draw();
    if (tapped) focusSoon(qualityOpen ? "#quality button" : "#signal button");
  },
  fullScreen: () => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else void frame.requestFullscreen?.().catch(() => undefined);
  },
};

/** A control that goes away hands the focus on; a key pressed elsewhere moves nothing. */
function focusIn(selector: string): boolean {
  return document.activeElement?.closest(selector) != null;
}

function focusSoon(selector: string): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true }));
}

function draw(): void {
  const { facts } = store;
  const now = scene(facts);
  const quality = assess(stats, !facts.listenOnly);
  frame.dataset.picture = view.pictureMode(now, facts);
  frame.toggleAttribute("data-detail", qualityOpen);
  frame.toggleAttribute("data-covered", view.covered(now) || facts.listenOnly);
  frame.toggleAttribute("data-strip", view.stripText(now, facts, t) !== null);
  render(view.airBadge(now, facts, t), slots.air);
  render(view.strip(now, facts, t), slots.strip);
  render(view.cover(now, facts, words, actions), slots.cover);
  render([view.viewers(facts, words), view.recording(facts, words)], slots.viewers);
  render(view.signalButton(now, quality, qualityOpen, t, actions), slots.signal);
  render(qualityOpen ? view.qualityPanel(quality, stats, words, actions) : null, slots.quality);
  render("requestFullscreen" in frame ? view.fullScreenButton(t, actions) : null, slots["full-screen"]);
  render(view.soundRow(now, facts, volumeSettable, stats, words, actions), slots.sound);
  document.documentElement.dataset.scene = now.kind;
  // Who speaks is a caption of the first seconds; later it would hide a corner of the picture.
  if (now.kind !== "live") frame.removeAttribute("data-settled");
  if (now.kind !== lastKind) {
    clearTimeout(settling);
    if (now.kind === "live") settling = setTimeout(() => frame.toggleAttribute("data-settled", true), SETTLED_AFTER_MS);
    if (lastKind !== null || now.kind !== "loading") status.textContent = view.announcement(now, facts, t);
    lastKind = now.kind;
  }
}

store.subscribe(() => {
  follow();
  draw();
});

closeMenusKindly();
ownTimes(data.clocks, t);
tabs(need("#tabs"));
productLinks();
need("#share").addEventListener("click", () => {
  void share(document.title, location.origin + location.pathname).then((how) => {
    if (how !== "sheet") status.textContent = t(how === "copied" ? "common.link_copied" : "common.link_failed");
    if (how === "copied") flash(t("common.link_copied"));
  });
});
shortcuts({
  " ": () => (video.paused ? actions.resume() : picture.pause()),
  m: () => actions.toggleMute(),
  f: () => actions.fullScreen(),
  q: () => actions.toggleQuality(),
  l: () => {
    const menu = need<HTMLDetailsElement>("#language");
    menu.open = !menu.open;
    menu.querySelector<HTMLElement>(menu.open ? "a" : "summary")?.focus();
  },
  "?": () => need<HTMLDialogElement>("#keys").showModal(),
  Escape: () => {
    if (qualityOpen) actions.toggleQuality();
  },
});
need("#help").addEventListener("click", () => need<HTMLDialogElement>("#keys").showModal());
need("#keys").addEventListener("click", (event) => {
  if ((event.target as Element).closest("button") !== null) need<HTMLDialogElement>("#keys").close();
});

function flash(text: string): void {
  const toast = need<HTMLElement>("#toast");
  toast.textContent = text;
  toast.hidden = false;
  setTimeout(() => {
    toast.hidden = true;
  }, 4_000);
}

for (const name of ["online", "offline"]) {
  window.addEventListener(name, () => {
    store.apply({ online: navigator.onLine });
    if (navigator.onLine) source.nudge();
  });
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") source.nudge();
});
matchMedia("(min-width: 900px)").addEventListener("change", draw);

/** The clocks of both sides, and how far the company on air is through its part. */
function passTime(): void {
  const nowMs = Date.now() + store.facts.clockOffsetMs;
  need("#clocks").textContent = data.clocks.map(({ zone, city }) => `${time(nowMs, zone)} ${city}`).join(" · ");
  const part = document.querySelector<HTMLElement>(".shows .now > div");
  const [from, to] = [part?.dataset.from, part?.dataset.to].map((text) => Date.parse(text ?? ""));
  if (part === null || from === undefined || to === undefined || !(to > from)) return;
  part.style.setProperty("--p", Math.min(1, Math.max(0.02, (nowMs - from) / (to - from))).toFixed(3));
}

setInterval(passTime, PASS_TIME_MS);
setInterval(() => {
  if (viewer !== null && store.facts.viewer.phase === "live") stats = viewer.stats();
  store.apply({ nowMs: Date.now() });
}, TICK_MS);
setInterval(() => {
  const meter = document.getElementById("level");
  // CSSOM, so that a strict style-src holds.
  meter?.style.setProperty("--v", sound.read().toFixed(3));
}, METER_EVERY_MS);

let asked = false;
let panel: { draw(): void } | null = null;

function joinRoom(): void {
  if (asked) return;
  asked = true;
  import("../ui/stage-room").then(
    ({ StageRoom }) => {
      panel = new StageRoom({
        showcase: data.showcaseId,
        token: data.whepToken,
        again: () => polled.again ?? [],
        startsAtMs: data.showcase.startsAt === null ? null : Date.parse(data.showcase.startsAt),
        words,
        told: (state) => {
          const { phase, viewers, recording } = state;
          if (room?.phase === phase && room.viewers === viewers && room.recording === recording) return;
          room = { phase, viewers, recording };
          told();
        },
        say: (text) => {
          status.textContent = text;
        },
        flash,
      });
    },
    () => {
      asked = false;
      setTimeout(joinRoom, ROOM_AGAIN_MS);
    },
  );
}

store.subscribe(({ begun }) => {
  if (begun) joinRoom();
});
setTimeout(joinRoom, ROOM_AFTER_MS);

volumeSettable = sound.volumeSettable;
draw();
passTime();
follow();
source.start();
