/** The studio page: wires devices, publisher and room state to its views. */

import { render } from "lit-html";
import { PollingSource } from "../live/source";
import { Devices } from "../media/devices";
import { OnAirIntent } from "../media/intent";
import { LevelMeter } from "../media/level";
import { Publisher } from "../media/publisher";
import { assess } from "../media/quality";
import { NO_STATS } from "../media/stats";
import type { Resource } from "../media/whip";
import { type Clock, ownZone } from "../ui/clocks";
import { leavesForAnotherBrowser } from "../ui/elsewhere";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import type { RunWords } from "../ui/run/words";
import { StudioRoom } from "../ui/studio/live";
import { EncoderSheet } from "../ui/studio/more";
import { LivePanel } from "../ui/studio/panel";
import { canShare, ScreenShare } from "../ui/studio/screen";
import { Awake } from "../ui/studio-awake";
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
/** While on air the intent is written again this often, so that only a fresh one survives. */
const KEEP_MS = 5_000;
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

const preview = need<HTMLVideoElement>("#preview");
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
const intent = new OnAirIntent(safeStorage("sessionStorage"), page.showcaseId);
let publisher: Publisher | null = null;
let held: Resource | null = null;
let backstage = false;
let keptMs = 0;
let released = false;
let lastAnnounced = "";

let state: StudioState = {
  room: null,
  devices: devices.state,
  publisher: { phase: "stopped", refusal: null, retryAfterS: null },
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

const meter = new LevelMeter((level) => {
  const element = slots.under.querySelector<HTMLElement>("#meter");
  element?.style.setProperty("--v", level.value.toFixed(3));
  if (level.word === state.level) return;
  set({ level: level.word });
  element?.setAttribute("aria-valuenow", String(Math.round(level.value * 100)));
});

const source = new PollingSource(page.stateUrl, {
  state: (room) => set({ room, clockOffsetMs: Date.parse(room.serverTime) - Date.now() }),
  reachable: () => undefined,
});

const share = new ScreenShare({ url: `${page.whipUrl}?source=screen`, token: page.backstageToken }, (screen) => {
  screenPreview.srcObject = screen.track === null ? null : new MediaStream([screen.track]);
  screenPreview.hidden = screen.track === null;
  set({ screen });
});

const actions: views.StudioActions = {
  open: () => void openDevices(),
  goOnAir: () => goOnAir(page.publishToken, null),
  goBackstage: () => goOnAir(page.backstageToken, null),
  comeForward: () => goOnAir(page.pageToken, held),
  toggleScreen: canShare(navigator.mediaDevices) ? toggleScreen : null,
  show: (source) => live.point(source),
  takeOver: holding({ held: takeOver, pressed: askToTakeOver, early: hint }),
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
    if (canGoOnAir(state) && (phase === "stopped" || phase === "taken")) goOnAir(page.pageToken, null);
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
  render(views.dock(state, words, actions, panel.draw(publisher !== null, canGoOnAir(state))), slots.dock);
  more.draw();
  if (now === lastAnnounced) return;
  if (lastAnnounced !== "") say.textContent = views.announcement(state, words);
  lastAnnounced = now;
}

/** Nobody presents in a show that has ended: no light at the camera, and no other try, which would be refused. */
function release(): void {
  if (released) return;
  released = true; // what follows draws again
  if (publisher !== null || share.state.track !== null) leave(true);
  devices.close();
}

/** An organiser's mute wins over the own switch. */
function muted(): boolean {
  return live.seat?.muted === true;
}

function followRoom(): void {
  const { link, refusal } = live.room.store.facts;
  if (link === "refused" && refusal !== null && SENT_AWAY.includes(refusal.code) && state.sentAway === null) {
    leave();
    devices.close(); // no camera light where nobody may present
    set({ sentAway: refusal.code });
    return;
  }
  const { microphone } = devices.state;
  if (microphone !== null) microphone.enabled = state.micOn && !muted();
  draw();
}

async function openDevices(): Promise<void> {
  await devices.open();
  if (state.sentAway !== null || state.over) devices.close(); // told while the browser was still asking
  void meter.resume();
}

function toggleScreen(): void {
  if (share.state.track === null) void share.start();
  else share.stop();
}

/** Who is ready waits backstage with camera and sound running, and is on the stage at once when the turn comes. */
function setReady(ready: boolean): void {
  live.setReady(ready);
  if (ready && state.publisher.phase === "stopped" && canGoOnAir(state)) goOnAir(page.backstageToken, null);
  if (!ready && mode(state) === "backstage") leave();
}

function goOnAir(token: string, leftBehind: Resource | null): void {
  if (publisher !== null) publisher.stop();
  backstage = token === page.backstageToken;
  publisher = new Publisher({
    url: page.whipUrl,
    token,
    tracks: { video: devices.state.camera, audio: devices.state.microphone },
    leftBehind,
    holding: (resource) => {
      held = resource;
      if (resource !== null) intent.keep(resource, backstage);
    },
  });
  const mine = publisher;
  mine.subscribe((news) => {
    if (mine !== publisher) return;
    const interrupted = news.phase === "taken" || news.phase === "reconnecting";
    // The next company's turn has come; nobody has pushed anybody aside.
    if (interrupted && live.overForMs > 0) return leave();
    // The page may hear of it in its room only afterwards.
    if (news.refusal === "rooms.ended") return set({ over: true });
    // Who took over once does not do so again and again against somebody else.
    if (news.phase === "reconnecting" && token === page.pageToken) return goOnAir(page.publishToken, held);
    if (news.phase === "taken" || (news.phase === "refused" && news.retryAfterS === null)) intent.drop();
    set({ publisher: news });
    source.nudge();
  });
  set({ publisher: mine.state, onAirSince: null });
  mine.start();
}

function takeOver(): void {
  goOnAir(page.pageToken, null);
}

function finish(): void {
  live.finish();
  leave();
}

function leave(over = false): void {
  intent.drop();
  share.stop(over);
  publisher?.stop(over);
  publisher = null;
  set({ publisher: { phase: "stopped", refusal: null, retryAfterS: null }, onAirSince: null, stats: NO_STATS });
  source.nudge();
}

function askToFinish(): void {
  ask("finish_ask", "studio.finish_ask.text", "finish", finish);
}

function askToTakeOver(): void {
  ask("take_ask", "studio.taken.text", "take", takeOver);
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
  const track = devices.state[kind];
  if (track === null) return;
  const on = !state[flag];
  track.enabled = on;
  set({ [flag]: on });
}

function followDevices(): void {
  const before = state.devices;
  const after = devices.state;
  set({ devices: after });
  if (before.camera !== after.camera) {
    preview.srcObject = after.camera === null ? null : new MediaStream([after.camera]);
    if (after.camera !== null) after.camera.enabled = state.cameraOn;
  }
  if (before.microphone !== after.microphone) {
    if (after.microphone === null) {
      meter.stop();
      slots.under.querySelector<HTMLElement>("#meter")?.style.setProperty("--v", "0");
    } else {
      after.microphone.enabled = state.micOn && !muted();
      meter.start(after.microphone);
    }
  }
  if (before.camera !== after.camera || before.microphone !== after.microphone) {
    void publisher?.replace({ video: after.camera, audio: after.microphone });
  }
}

function tick(): void {
  if (publisher !== null && live.overForMs > OVER_MS && live.part?.place === "over") leave();
  const sending = publisher !== null && state.publisher.phase === "live";
  void awake.keep(publisher !== null && document.visibilityState === "visible");
  const stats = sending && publisher !== null ? publisher.stats() : NO_STATS;
  if (sending && held !== null && Date.now() - keptMs > KEEP_MS) {
    keptMs = Date.now();
    intent.keep(held, backstage);
  }
  set({ now: Date.now(), stats, quality: assess(stats, state.cameraOn && state.devices.camera !== null) });
}

function onKey(event: KeyboardEvent): void {
  const inField = event.target instanceof Element && event.target.closest("input, select, textarea, dialog") !== null;
  if (inField || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.code === "KeyM") actions.toggleMic();
  if (event.code === "KeyV") actions.toggleCamera();
}

async function begin(): Promise<void> {
  if (state.over) return intent.drop();
  const pending = intent.pending();
  if (pending === null && !(await devices.allowed())) return;
  await openDevices();
  if (pending !== null && canGoOnAir(state))
    goOnAir(pending.backstage ? page.backstageToken : page.publishToken, pending.resource);
}

for (const slot of Object.values(slots)) slot.replaceChildren();
closeMenusKindly();
devices.subscribe(followDevices);
document.addEventListener("keydown", onKey);
need("#more-phone").addEventListener("click", () => more.open());
document.addEventListener("pointerdown", () => void meter.resume());
// A page that leaves notes once more that it was on air: the next one of this tab goes on.
globalThis.addEventListener("pagehide", () => {
  if (publisher !== null && ["connecting", "live", "reconnecting"].includes(state.publisher.phase))
    intent.keep(held, backstage);
});
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
