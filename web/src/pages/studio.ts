/** The studio page: wires devices, publisher and room state to its views. */

import { render } from "lit-html";
import { PollingSource } from "../live/source";
import { Devices } from "../media/devices";
import { assess } from "../media/quality";
import { NO_STATS } from "../media/stats";
import { type Clock, ownZone } from "../ui/clocks";
import { leavesForAnotherBrowser } from "../ui/elsewhere";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import type { RunWords } from "../ui/run/words";
import { StudioRoom } from "../ui/studio/live";
import { EncoderSheet } from "../ui/studio/more";
import { OFF_AIR, OnAir } from "../ui/studio/on-air";
import { OwnPicture, type Switches } from "../ui/studio/own-picture";
import { LivePanel } from "../ui/studio/panel";
import { canShare, ScreenShare } from "../ui/studio/screen";
import { Awake } from "../ui/studio-awake";
import { askConsent } from "../ui/studio-consent";
import { holding } from "../ui/studio-hold";
import { safeStorage } from "../ui/studio-memory";
import { canGoOnAir, keyFramesTooRare, mode, type StudioState, standing } from "../ui/studio-state";
import * as views from "../ui/studio-view";
import { LIMITS } from "../wire.gen";

interface StudioPage {
  readonly showcaseId: string;
  readonly title: string;
  readonly whipUrl: string;
  /** May also take over what this person publishes elsewhere. */
  readonly pageToken: string;
  /** May wait backstage until the room shows it. */
  readonly backstageToken: string;
  /** May publish, seen where nobody else is. */
  readonly publishToken: string;
  /** For OBS and the like. */
  readonly encoderToken: string;
  readonly stateUrl: string;
  readonly watchUrl: string;
  readonly programme: Pick<RunWords, "companies" | "products">;
  readonly clocks: readonly Clock[];
  /** The show has ended already. */
  readonly over: boolean;
  readonly after: views.Afterwards;
}

const TICK_MS = 500;
const HINT_MS = 3_000;
/** As long as the change of companies may be undone; then nobody stays on air behind their part. */
const OVER_MS = LIMITS.undoMs;
/** A room that says one of these will not have this person back. */
const SENT_AWAY = ["rooms.removed", "token.revoked"];

const page = pageData<StudioPage>();
const t = translator(page.messages);
const words: views.StudioWords = {
  t,
  language: page.language,
  title: page.title,
  clocks: page.clocks,
  zone: ownZone(),
  problem: (code) =>
    page.messages[`error.${code}`] ?? page.messages[`studio.problem.${code}`] ?? t("studio.refused.other", { code }),
  watchUrl: page.watchUrl,
  after: page.after,
};

const screenPreview = need<HTMLVideoElement>("#screen-preview");
const camera = need<HTMLElement>("#camera");
const slots = {
  top: need<HTMLElement>("#top"),
  cover: need<HTMLElement>("#cover"),
  under: need<HTMLElement>("#under"),
  settings: need<HTMLElement>("#settings"),
  dock: need<HTMLElement>("#dock"),
};
const say = need<HTMLElement>("#say");
const askDialog = need<HTMLDialogElement>("#ask");

const devices = new Devices({
  devices: navigator.mediaDevices,
  secure: isSecureContext,
  memory: safeStorage("localStorage"),
});
const awake = new Awake();
let released = false;
let lastAnnounced = "";

let state: StudioState = {
  room: null,
  devices: devices.state,
  publisher: OFF_AIR,
  screen: { phase: "off", track: null, refusal: null },
  seen: false,
  elsewhere: false,
  over: page.over,
  occupied: false,
  picture: null,
  sentAway: null,
  stats: NO_STATS,
  quality: assess(NO_STATS),
  level: "silent",
  micOn: true,
  cameraOn: true,
  onAirSince: null,
  now: Date.now(),
  clockOffsetMs: 0,
  hintHold: false,
};

const meter = () => slots.under.querySelector<HTMLElement>("#meter");
const own = new OwnPicture(need<HTMLVideoElement>("#preview"), meter, (level) => {
  if (level.word === state.level) return;
  set({ level: level.word });
  meter()?.setAttribute("aria-valuenow", String(Math.round(level.value * 100)));
});

const source = new PollingSource(page.stateUrl, {
  state: (room) => set({ room, clockOffsetMs: Date.parse(room.serverTime) - Date.now() }),
  reachable: () => undefined,
});

const onAir = new OnAir(
  {
    showcase: page.showcaseId,
    url: page.whipUrl,
    publish: page.publishToken,
    backstage: page.backstageToken,
    takeOver: page.pageToken,
  },
  safeStorage("sessionStorage"),
  {
    tracks: () => ({ video: devices.state.camera, audio: devices.state.microphone }),
    changed: (publisher) => {
      set(publisher.phase === "stopped" ? { publisher, onAirSince: null, stats: NO_STATS } : { publisher });
      source.nudge();
    },
    gaveWay: () => {
      if (live.overForMs === 0) return false;
      leave();
      return true;
    },
    ended: () => set({ over: true }),
  },
);

const share = new ScreenShare({ url: `${page.whipUrl}?source=screen`, token: page.backstageToken }, (screen) => {
  screenPreview.srcObject = screen.track === null ? null : new MediaStream([screen.track]);
  screenPreview.hidden = screen.track === null;
  set({ screen });
});

const actions: views.StudioActions = {
  open: () => void openDevices(),
  goOnAir: () => onAir.start("publish"),
  goBackstage: () => onAir.start("backstage"),
  comeForward: () => onAir.comeForward(),
  toggleScreen: canShare(navigator.mediaDevices) ? toggleScreen : null,
  show: (source) => live.point(source),
  takeOver: holding({ held: () => onAir.start("takeOver"), pressed: askToTakeOver, early: hint }),
  finish: holding({ held: finish, pressed: askToFinish, early: hint }),
  leave: () => leave(),
  toggleMic: () => (muted() ? undefined : toggle("micOn", "microphone")),
  toggleCamera: () => toggle("cameraOn", "camera"),
  more: () => more.open(),
  choose: (kind, id) => void devices.choose(kind, id),
};

const live = new StudioRoom(page.showcaseId, () => Date.parse(state.room?.startsAt ?? "") || Date.now(), {
  changed: () => followRoom(),
  begin: () => {
    const { phase } = state.publisher;
    if (canGoOnAir(state) && (phase === "stopped" || phase === "taken")) onAir.start("takeOver");
  },
  refused: (title) => {
    if (title !== "") say.textContent = title;
  },
});

const panel = new LivePanel(
  live,
  { t, language: page.language, clocks: page.clocks, ...page.programme },
  words.zone,
  setReady,
);

const more = new EncoderSheet(
  need("#more"),
  { url: new URL(page.whipUrl, location.href).href, token: page.encoderToken },
  () => keyFramesTooRare(state.room),
  t,
);

function set(news: Partial<StudioState>): void {
  state = { ...state, ...news };
  draw();
}

function draw(): void {
  const seen = standing(live.state, live.room.store.facts.you?.participant ?? null, state.room);
  state = { ...state, ...seen, over: state.over || seen.over };
  if (state.over) release();
  const now = mode(state);
  if (now === "air" || now === "backstage")
    state = { ...state, onAirSince: now === "air" ? (state.onAirSince ?? Date.now()) : null };
  document.body.dataset.mode = now;
  camera.toggleAttribute("data-help", views.showsHelp(state));
  camera.toggleAttribute("data-tall", ["taken", "refused", "away"].includes(now) || state.devices.phase === "closed");
  render(views.topBar(state, words), slots.top);
  render(views.cover(state, words, actions), slots.cover);
  render(views.under(state, words, actions), slots.under);
  render(views.settings(state, words, actions), slots.settings);
  render(views.dock(state, words, actions, panel.draw(onAir.publishing, canGoOnAir(state))), slots.dock);
  more.draw();
  if (now === lastAnnounced) return;
  if (lastAnnounced !== "") say.textContent = views.announcement(state, words);
  lastAnnounced = now;
}

/** Nobody presents in a show that has ended: no light at the camera, and no other try, which would be refused. */
function release(): void {
  if (released) return;
  released = true; // what follows draws again
  if (onAir.publishing || share.state.track !== null) leave(true);
  devices.close();
}

/** An organiser's mute wins over the own switch. */
function muted(): boolean {
  return live.seat?.muted === true;
}

function switches(): Switches {
  return { camera: state.cameraOn, microphone: state.micOn && !muted() };
}

function followRoom(): void {
  const { link, refusal } = live.room.store.facts;
  if (link === "refused" && refusal !== null && SENT_AWAY.includes(refusal.code) && state.sentAway === null) {
    leave();
    devices.close(); // no camera light where nobody may present
    set({ sentAway: refusal.code });
    return;
  }
  own.turn(switches());
  draw();
}

async function openDevices(): Promise<void> {
  await devices.open();
  if (state.sentAway !== null || state.over) devices.close(); // told while the browser was still asking
  own.wake();
}

function toggleScreen(): void {
  if (share.state.track === null) void share.start();
  else share.stop();
}

/** Who is ready waits backstage with camera and sound running, and is on the stage at once when the turn comes. */
function setReady(ready: boolean): void {
  live.setReady(ready);
  if (ready && state.publisher.phase === "stopped" && canGoOnAir(state)) onAir.start("backstage");
  if (!ready && mode(state) === "backstage") leave();
}

function finish(): void {
  live.finish();
  leave();
}

function leave(over = false): void {
  share.stop(over);
  onAir.stop(over);
}

function askToFinish(): void {
  ask("finish_ask", "studio.finish_ask.text", "finish", finish);
}

function askToTakeOver(): void {
  ask("take_ask", "studio.taken.text", "take", () => onAir.start("takeOver"));
}

/** By keyboard, what would be held is confirmed instead. */
function ask(name: views.Question, text: string, verb: "finish" | "take", act: () => void): void {
  const agreed = () => {
    askDialog.close();
    act();
  };
  const view = views.question(name, verb, text, { stay: () => askDialog.close(), agreed }, t);
  render(view, askDialog);
  askDialog.showModal();
}

function hint(): void {
  set({ hintHold: true });
  setTimeout(() => set({ hintHold: false }), HINT_MS);
}

function toggle(flag: "micOn" | "cameraOn", kind: "microphone" | "camera"): void {
  if (devices.state[kind] === null) return;
  set({ [flag]: !state[flag] });
  own.turn(switches());
}

function followDevices(): void {
  set({ devices: devices.state });
  if (!own.follow(devices.state, switches())) return;
  onAir.replace({ video: devices.state.camera, audio: devices.state.microphone });
}

function tick(): void {
  if (onAir.publishing && live.overForMs > OVER_MS && live.part?.place === "over") leave();
  void awake.keep(onAir.publishing && document.visibilityState === "visible");
  onAir.keep();
  const stats = onAir.stats();
  set({ now: Date.now(), stats, quality: assess(stats, state.cameraOn && state.devices.camera !== null) });
}

function onKey(event: KeyboardEvent): void {
  const inField = event.target instanceof Element && event.target.closest("input, select, textarea, dialog") !== null;
  if (inField || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.code === "KeyM") actions.toggleMic();
  if (event.code === "KeyV") actions.toggleCamera();
}

async function begin(): Promise<void> {
  if (state.over) return onAir.forget();
  const { pending } = onAir;
  if (pending === null && !(await devices.allowed())) return;
  await openDevices();
  if (pending !== null && canGoOnAir(state)) onAir.start(pending.backstage ? "backstage" : "publish", pending.resource);
}

for (const slot of Object.values(slots)) slot.replaceChildren();
closeMenusKindly();
devices.subscribe(followDevices);
document.addEventListener("keydown", onKey);
need("#more-phone").addEventListener("click", () => more.open());
askConsent((text) => {
  need("#say").textContent = text;
});
document.addEventListener("pointerdown", () => own.wake());
globalThis.addEventListener("pagehide", () => onAir.leavePage());
globalThis.addEventListener("online", () => {
  source.nudge();
  live.room.nudge();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && live.room.nudge());
if (!leavesForAnotherBrowser()) {
  source.start();
  live.open();
  setInterval(tick, TICK_MS);
  draw();
  void begin();
}
