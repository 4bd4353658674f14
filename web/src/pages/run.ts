/** The organiser's page: wires the room, the monitor and the views of the run of show. */

import { render } from "lit-html";
import { Room, RoomError } from "../live/room";
import { dialer } from "../live/socket";
import { Viewer } from "../media/viewer";
import { type Clock, times } from "../ui/clocks";
import { copyText } from "../ui/copy";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import { asked } from "../ui/run/ask";
import { Backstage } from "../ui/run/backstage";
import * as cards from "../ui/run/cards";
import { dragging } from "../ui/run/drag";
import { PartLength } from "../ui/run/length";
import * as model from "../ui/run/model";
import { NeedsList, needsOf } from "../ui/run/needs";
import * as needsView from "../ui/run/needs-view";
import * as notices from "../ui/run/notices";
import * as people from "../ui/run/people";
import * as timeline from "../ui/run/timeline";
import { companyName, minutes, type RunWords } from "../ui/run/words";
import { shortcuts } from "../ui/shortcuts";
import { holding } from "../ui/studio-hold";
import { tabs } from "../ui/tabs";
import type { Command, State } from "../wire.gen";

interface RunPage {
  readonly showcaseId: string;
  readonly title: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly whepUrl: string;
  readonly whepToken: string | null;
  /** Looks backstage. */
  readonly previewToken: string;
  readonly programme: Pick<RunWords, "companies" | "products">;
  readonly clocks: readonly Clock[];
}

const TICK_MS = 250;
const TOAST_MS = 6_000;
const PATIENCE_MS = 2_000;

const page = pageData<RunPage>();
const t = translator(page.messages);
const words: RunWords = { t, language: page.language, clocks: page.clocks, ...page.programme };
const [startsAtMs, endsAtMs] = [Date.parse(page.startsAt), Date.parse(page.endsAt)];
const slots = Object.fromEntries(
  [
    ...["phase", "strip", "cover", "on", "who", "crowd", "time", "next", "controls", "undo"],
    ...["coming-cover", "coming-badge", "coming-sound"],
    ...["needs-count", "needs", "plan", "lines", "people", "questions", "chat", "toast"],
  ].map((id) => {
    const element = need<HTMLElement>(`#${id}`);
    element.replaceChildren();
    return [id, element];
  }),
);
const slot = (id: string) => slots[id] as HTMLElement;
const video = need<HTMLVideoElement>("#monitor video");
const dialog = need<HTMLDialogElement>("#ask");
const say = need<HTMLElement>("#say");

const room = new Room(dialer(page.showcaseId, null));
const viewer = new Viewer({ url: page.whepUrl, token: page.whepToken, lanes: ["picture"] });
const source = { url: page.whepUrl, token: page.previewToken };
const backstage = new Backstage(source, need("#coming video"), () => draw());
const list = new NeedsList();
const noted = new Set<string>();
let watching = false;
let toast: { readonly text: string; readonly untilMs: number; readonly undo: (() => void) | null } | null = null;
let lastSaid = "";
let wanted: readonly string[] | null = null;
const length = new PartLength((part, plannedS, undo) => {
  const said = t("run.length_set", { name: companyName(part.exhibitor, words), length: minutes(plannedS, words) });
  return send({ type: "set_length", segment: part.id, plannedS }, said, undo);
});
/** Long enough for any first connection; until then the page needs no words for it. */
const openedMs = Date.now();

/** Sends and, when the room refuses, says why in words. */
async function send(command: Command, said?: string, undo: (() => void) | null = null): Promise<void> {
  // A press that waits for the line could come true when nobody thinks of it any more.
  if (room.store.facts.link !== "open") return tell(t("run.not_connected"));
  try {
    await room.send(command);
    if (said !== undefined) tell(said, undo);
  } catch (problem) {
    if (!(problem instanceof RoomError)) throw problem;
    if (problem.code === "rooms.next_not_ready") return void askAnyway();
    tell(problem.title || t("run.failed"));
  }
}

function tell(text: string, undo: (() => void) | null = null): void {
  toast = { text, untilMs: Date.now() + TOAST_MS, undo };
  say.textContent = text;
  draw();
}

async function pressNext(): Promise<void> {
  const { state } = room;
  if (state === null || state.phase !== "live" || state.armed !== null || dialog.open) return;
  const next = model.nextSegment(state);
  if (next === null) return tell(t("run.no_next"));
  if (!model.someoneReady(state, next)) return askAnyway();
  await send({ type: "arm_next", segment: next.id });
}

async function askAnyway(): Promise<void> {
  const next = room.state === null ? null : model.nextSegment(room.state);
  if (next === null) return;
  const agreed = await asked(dialog, {
    title: t("run.anyway.title"),
    text: t("run.anyway.text", { name: companyName(next.exhibitor, words) }),
    stay: t("run.anyway.stay"),
    agree: t("run.anyway.agree"),
    danger: false,
  });
  if (agreed) await send({ type: "arm_next", segment: next.id, anyway: true });
}

async function askToEnd(): Promise<void> {
  const question = { title: t("run.end_ask.title"), text: t("run.end_ask.text"), danger: true };
  if (await asked(dialog, { ...question, stay: t("run.end_ask.stay"), agree: t("run.end_ask.agree") }))
    await send({ type: "end" });
}

async function askToRemove(person: string, name: string): Promise<void> {
  const question = { title: t("run.remove_ask.title", { name }), text: t("run.remove_ask.text"), danger: true };
  if (await asked(dialog, { ...question, stay: t("run.remove_ask.stay"), agree: t("run.remove") }))
    await send({ type: "remove_seat", seat: person }, t("run.removed", { name }));
}

/** What is to come, in the order that this desk asked for last: a quick second press builds on the first. */
function coming(): readonly string[] {
  return wanted ?? (room.state === null ? [] : model.movable(room.state).map((one) => one.id));
}

async function reorder(segment: string, order: readonly string[], again = false): Promise<void> {
  const { state } = room;
  const before = coming();
  if (state === null || before.join() === order.join()) return;
  const name = companyName(model.segmentOf(state, segment)?.exhibitor ?? null, words);
  wanted = order;
  /** What has begun meanwhile stays where it is. */
  const back = () =>
    void reorder(
      segment,
      before.filter((id) => coming().includes(id)),
      true,
    );
  const said = t("run.moved", { name, place: order.indexOf(segment) + 1 });
  await send({ type: "reorder", segments: order }, said, again ? null : back);
  if (wanted === order) wanted = null;
}

function move(segment: string, by: number): void {
  void reorder(segment, model.moved(coming(), segment, by));
}

async function copyStudioLink(): Promise<void> {
  const link = new URL(`/studio/${page.showcaseId}`, location.href).href;
  tell((await copyText(link)) ? t("common.link_copied") : t("common.link_failed"));
}

const bigOnes: cards.CardActions = {
  open: () => void send({ type: "open_waiting_room" }),
  goLive: () => void send({ type: "go_live" }),
  next: () => void pressNext(),
  cancel: () => void send({ type: "cancel_next" }),
  undo: () => void send({ type: "undo_next" }),
  pause: () => void send({ type: "pause" }),
  resume: () => void send({ type: "resume" }),
  unpin: () => void send({ type: "unpin" }),
  stretch: (by) => void length.change(room.state, by),
  end: holding({
    held: () => void send({ type: "end" }),
    pressed: () => void askToEnd(),
    early: () => tell(t("run.end_hint")),
  }),
};

const smallOnes: people.PeopleActions & needsView.NeedActions = {
  show: (seat, source) => void send({ type: "point_picture", seat, source }),
  mute: (seat, muted) => void send({ type: "mute_seat", seat, muted }),
  unmute: (seat) => void send({ type: "mute_seat", seat, muted: false }),
  remove: (person, name) => void askToRemove(person, name),
  hide: (message, hidden) => void send({ type: "hide_message", message, hidden }),
  answered: (message) => void send({ type: "answer_question", message }),
  later: (segment) => move(segment, 1),
  link: () => void copyStudioLink(),
  note: (key) => {
    noted.add(key);
    draw();
  },
};

function draw(): void {
  const { state } = room;
  need("#clocks").textContent = times(room.serverNow(), words.clocks, words.clocks[0]?.zone ?? "UTC", t).join(" · ");
  render(strip(), slot("strip"));
  render(toastView(), slot("toast"));
  if (state === null) return;
  const now = room.serverNow();
  const held = slot("needs").contains(document.activeElement);
  list.update(needsOf(state, noted), now, held);
  const found = model.spans(state, startsAtMs, now);
  const focus = (document.activeElement as HTMLElement | null)?.dataset.focus;
  const moving = video.videoWidth > 0 && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  const questions = state.messages.filter((one) => one.kind === "question");
  document.body.dataset.phase = state.phase;
  document.body.toggleAttribute("data-armed", state.armed !== null);
  render(cards.phase(state, now, words), slot("phase"));
  render(cards.monitorCover(state, viewer.state, moving, words), slot("cover"));
  render(cards.on(state, words), slot("on"));
  render(cards.who(state, words), slot("who"));
  render(cards.crowd(state, model.openQuestions(state).length, words), slot("crowd"));
  render(cards.time(state, now, words, bigOnes), slot("time"));
  backstage.follow(state, !slot("people").hidden);
  need<HTMLElement>("#coming").hidden = state.phase === "ended" || model.nextSegment(state) === null;
  for (const [id, part] of Object.entries(cards.coming(state, backstage, found, words))) render(part, slot(id));
  render(cards.next(state, now, words), slot("next"));
  render(
    cards.controls(state, now, words, bigOnes, need<HTMLElement>("#main").dataset.recording ?? ""),
    slot("controls"),
  );
  render(cards.undo(state, now, words, bigOnes), slot("undo"));
  render(needsView.count(list.items, words), slot("needs-count"));
  render(needsView.needs(list.items, now, words, smallOnes), slot("needs"));
  render(timeline.plan(state, found, endsAtMs, words), slot("plan"));
  render(timeline.lines(state, found, now, words, { move }), slot("lines"));
  const face = (seat: string) => (state.shown?.seat === seat ? viewer.state.stream : backstage.face(seat));
  render(people.people(state, words, smallOnes, face), slot("people"));
  render(people.messages(questions, "questions", words, smallOnes), slot("questions"));
  render(
    people.messages(
      state.messages.filter((one) => one.kind === "chat"),
      "chat",
      words,
      smallOnes,
    ),
    slot("chat"),
  );
  count("#tab-questions", model.openQuestions(state).length);
  // CSSOM, so that a strict style-src holds.
  for (const bar of document.querySelectorAll<HTMLElement>("[data-share]"))
    bar.style.setProperty("--v", bar.dataset.share ?? "0");
  // The browser pauses a muted picture that was moved, or out of sight when it began.
  for (const paused of document.querySelectorAll("video"))
    if (paused.paused && paused.srcObject !== null) void paused.play().catch(() => undefined);
  // A row that moves takes the focus along.
  if (focus !== undefined && (document.activeElement as HTMLElement | null)?.dataset.focus !== focus)
    document.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  announce(state);
  follow(state);
}

function count(tab: string, open: number): void {
  const element = need<HTMLElement>(tab);
  if (open === 0) delete element.dataset.count;
  else element.dataset.count = String(open);
}

function strip() {
  const { link, refusal } = room.store.facts;
  if (link === "refused" || (refusal !== null && link !== "open"))
    return notices.strip(refusal?.title || page.messages[`error.${refusal?.code}`] || t("run.failed"));
  return notices.strip(
    link === "lost" || (link === "connecting" && Date.now() - openedMs > PATIENCE_MS) ? t("run.reconnecting") : null,
  );
}

function toastView() {
  const close = () => {
    toast = null;
    draw();
  };
  const shown = toast === null || Date.now() > toast.untilMs ? null : toast;
  return notices.toast(shown?.text ?? null, shown?.undo ?? null, close, words);
}

function announce(state: State): void {
  const stand = notices.stand(state, words);
  if (stand !== lastSaid && lastSaid !== "") say.textContent = stand;
  lastSaid = stand;
}

/** The monitor watches as any buyer does, while there may be something to see. */
function follow(state: State): void {
  const wanted = state.phase === "live" || state.phase === "paused";
  if (wanted === watching) return;
  watching = wanted;
  if (wanted) viewer.start();
  else viewer.stop(state.phase === "ended");
}

viewer.subscribe(({ stream }) => {
  if (video.srcObject !== stream) video.srcObject = stream;
  draw();
});
for (const name of ["loadeddata", "resize", "emptied"]) video.addEventListener(name, draw);
room.store.subscribe(draw);
closeMenusKindly();
tabs(need("#tabs"));
dragging(slot("lines"), (segment, place) => {
  void reorder(segment, model.placed(coming(), segment, place));
});
slot("needs").addEventListener("focusout", () => requestAnimationFrame(draw));
need("#help").addEventListener("click", () => need<HTMLDialogElement>("#keys").showModal());
shortcuts({
  n: () => void pressNext(),
  Escape: () => {
    if (room.state?.armed != null) bigOnes.cancel();
  },
  l: () => backstage.listen(!backstage.listening),
  u: () => {
    if (room.state?.undo != null) bigOnes.undo();
  },
  p: () => {
    if (room.state?.phase === "live") bigOnes.pause();
    else if (room.state?.phase === "paused") bigOnes.resume();
  },
  "+": () => void length.change(room.state, 1),
  "-": () => void length.change(room.state, -1),
  "?": () => need<HTMLDialogElement>("#keys").showModal(),
});
globalThis.addEventListener("online", () => room.nudge());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && room.nudge());
setInterval(draw, TICK_MS);
draw();
room.open();
