/** Who is on, who is next, and the few big decisions. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewerState } from "../../media/viewer";
import type { Segment, State } from "../../wire.gen";
import { icon } from "../icons";
import { isolated } from "../isolated";
import { recorded } from "../recorded";
import type { holding } from "../studio-hold";
import { clockText } from "../studio-state";
import type { Backstage, Look } from "./backstage";
import {
  awaySince,
  beganMs,
  nextSegment,
  type Span,
  seatsOf,
  secondsLeft,
  segmentOf,
  someoneReady,
  standing,
  worstCheck,
} from "./model";
import { clockTime, companyName, minutes, type RunWords } from "./words";

type Part = TemplateResult | typeof nothing;

export interface CardActions {
  readonly open: () => void;
  readonly goLive: () => void;
  readonly next: () => void;
  readonly cancel: () => void;
  readonly undo: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly unpin: () => void;
  /** The part that is on lasts so many minutes longer. */
  readonly stretch: (minutes: 1 | -1) => void;
  readonly end: ReturnType<typeof holding>;
}

/** Beside the title: the phase, and since when the show is on. */
export function phase(state: State, nowMs: number, { t }: RunWords): TemplateResult {
  const since = beganMs(state);
  const clock =
    since === null || state.phase === "ended" ? nothing : html` <span role="timer">${clockText(nowMs - since)}</span>`;
  const kind = state.phase === "live" ? "air" : state.phase === "paused" ? "need" : "";
  return html`<span class="badge ${kind}">${state.phase === "live" ? html`<span class="dot"></span>` : nothing}${t(`run.phase.${state.phase}`)}${clock}</span>`;
}

/** What lies over the monitor while no picture moves. */
export function monitorCover(state: State, viewer: ViewerState, moving: boolean, words: RunWords): Part {
  const { t } = words;
  if (state.phase === "draft" || state.phase === "waiting" || state.phase === "ended")
    return html`<div class="cover">${icon("radio")}<p>${t(`run.monitor_${state.phase}`)}</p></div>`;
  if (viewer.phase === "live" && moving) return nothing;
  if (viewer.phase === "refused" || viewer.phase === "failed")
    return html`<div class="cover">${icon("triangle-alert")}<p>${t("run.monitor_refused")}</p></div>`;
  const key = viewer.phase === "waiting" ? "run.monitor_no_picture" : "run.monitor_connecting";
  return html`<div class="cover late">${icon("video-off")}<p>${t(key)}</p></div>`;
}

export function on(state: State, { t }: RunWords): Part {
  if (state.current === null || (state.phase !== "live" && state.phase !== "paused")) return nothing;
  return html`<span class="badge ${state.phase === "live" ? "air" : "need"}">${t(state.phase === "live" ? "run.now" : "run.phase.paused")}</span>`;
}

/** The company on air, and whose picture that is. */
export function who(state: State, words: RunWords): Part {
  const current = segmentOf(state, state.current);
  const pictured = state.picture === null ? undefined : state.seats[state.picture.seat];
  if (current === null && pictured === undefined) return nothing;
  const names = [
    current === null ? null : companyName(current.exhibitor, words),
    pictured === undefined ? null : pictured.name,
  ].filter((name) => name !== null);
  return html`<span class="badge glass cut">${isolated(names, " · ")}</span>`;
}

export function crowd(state: State, questions: number, { t, language }: RunWords): Part {
  if (state.phase === "draft") return nothing;
  const number = new Intl.NumberFormat(language);
  const viewers = t(state.viewers === 1 ? "run.one_viewer" : "run.viewers", { count: number.format(state.viewers) });
  return html`<span class="badge glass" id="viewers" title=${viewers}>${icon("eye")}<span aria-hidden="true">${number.format(state.viewers)}</span><span class="sr">${viewers}</span></span>
    ${state.phase === "live" ? recorded(state.recording, t, "glass") : nothing}
    ${questions === 0 ? nothing : html`<span class="badge glass" title=${t("run.questions_open", { count: questions })}>${icon("message-circle-question-mark")}<span aria-hidden="true">${questions}</span><span class="sr">${t("run.questions_open", { count: questions })}</span></span>`}`;
}

/** Time left of the part that is on, as words and a bar; and what is on show. */
export function time(state: State, nowMs: number, words: RunWords, actions: CardActions): Part {
  const { t } = words;
  const current = segmentOf(state, state.current);
  if (current === null || current.startedMs === null || state.phase === "ended") {
    const key = state.phase === "live" || state.phase === "paused" ? "run.nobody_on" : `run.before.${state.phase}`;
    return html`<p class="bar dim">${t(key)}</p>`;
  }
  const gone = nowMs - current.startedMs;
  const leftMs = current.plannedS * 1_000 - gone;
  const share = Math.min(1, Math.max(0, gone / (current.plannedS * 1_000)));
  const said = leftMs >= 0 ? t("run.left", { time: clockText(leftMs) }) : t("run.over", { time: clockText(-leftMs) });
  const goods = state.pin === null ? undefined : words.products[state.pin];
  const shown = goods?.name ?? (state.pin === null ? null : t("run.a_product"));
  return html`<div class="bar">
      <strong class="lead time-left ${leftMs < 0 ? "over" : ""}" role="timer">${said}</strong>
      <div class="progress grow" role="progressbar" aria-label=${t("run.time_used", { name: companyName(current.exhibitor, words) })} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)}><i data-share=${share.toFixed(4)}></i></div>
      ${stretch(current, words, actions)}
    </div>
    <p class="bar small on-show">${shown === null ? html`<span class="dim">${t("run.nothing_shown")}</span>` : html`${icon("package")}<span class="grow cut">${t("run.shown", { name: shown })}</span><button class="btn quiet" type="button" @click=${actions.unpin}>${t("run.unpin")}</button>`}</p>`;
}

function stretch(part: Segment, words: RunWords, actions: CardActions): TemplateResult {
  const { t } = words;
  const name = companyName(part.exhibitor, words);
  const button = (by: 1 | -1, text: string, said: string, sign: string) =>
    html`<button class="btn" type="button" aria-label=${said} title="${said} (${sign})" @click=${() => actions.stretch(by)}>${text}</button>`;
  const shorter = button(-1, t("run.shorter"), t("run.shorter_for", { name }), "−");
  return html`<span class="stretch">${shorter}${button(1, t("run.longer"), t("run.longer_for", { name }), "+")}</span>`;
}

/** What lies on the small monitor, by the place it has there: a cover, whose turn it is and when, a key to hear them. */
export function coming(
  state: State,
  { look, listening, listen }: Pick<Backstage, "look" | "listening" | "listen">,
  found: ReadonlyMap<string, Span>,
  words: RunWords,
): Readonly<Record<"coming-cover" | "coming-badge" | "coming-sound", Part>> {
  const { t } = words;
  const segment = nextSegment(state);
  if (segment === null) return { "coming-cover": nothing, "coming-badge": nothing, "coming-sound": nothing };
  const span = found.get(segment.id);
  return {
    "coming-cover": comingCover(state, segment, look, t),
    "coming-badge": html`<span class="badge glass">${t("run.next")}${span === undefined ? nothing : html` · ${clockTime(span.fromMs, words)}`}</span>`,
    "coming-sound":
      look !== "live"
        ? nothing
        : html`<button class="btn glass" type="button" id="listen" aria-pressed=${listening ? "true" : "false"} aria-label=${t("run.listen")} title="${t("run.listen")} (L)" @click=${() => listen(!listening)}>${listening ? icon("volume-2") : icon("volume-x")}<span class="key desk" aria-hidden="true">L</span></button>`,
  };
}

function comingCover(state: State, segment: Segment, look: Look, t: RunWords["t"]): Part {
  if (look === "live") return nothing;
  if (look === "connecting")
    return html`<div class="cover late">${icon("video-off")}<p>${t("run.monitor_connecting")}</p></div>`;
  if (look === "refused")
    return html`<div class="cover">${icon("triangle-alert")}<p>${t("run.coming.refused")}</p></div>`;
  const away = seatsOf(state, segment.exhibitor).every((seat) => !seat.here);
  return html`<div class="cover">${away ? icon("user-round") : icon("video-off")}<p>${t(away ? "run.coming.away" : "run.coming.none")}</p></div>`;
}

/** The company to come; while it is counted down to, the seconds in its place. */
export function next(state: State, nowMs: number, words: RunWords): TemplateResult {
  const { t } = words;
  const segment = state.phase === "ended" ? null : nextSegment(state);
  if (segment === null)
    return html`<p class="label small dim">${t("run.next")}</p><p class="strong">${t(state.phase === "ended" ? "run.all_over" : "run.no_next")}</p>`;
  const name = companyName(segment.exhibitor, words);
  if (state.armed !== null) {
    const count = secondsLeft(state.armed.dueMs, nowMs);
    return html`<div class="counting" id="counting"><b aria-hidden="true">${count}</b><p>${t("run.counting", { name, count })}</p></div>`;
  }
  const people = seatsOf(state, segment.exhibitor).map((seat) => seat.name);
  const how = standing(state, segment);
  const ready = someoneReady(state, segment);
  const verdict = worstCheck(state, segment);
  const sinceMs = awaySince(state, segment);
  const word = ready ? "run.is_ready" : how === "away" ? "run.is_away" : "run.is_here";
  return html`<h2 class="cut" title=${name}>${name}</h2>
    <p class="lamp small ${ready ? "on" : how === "away" ? "off" : "need"}">${sinceMs === null ? t(word) : t("run.away_since", { time: clockTime(sinceMs, words) })}</p>
    <p class="small dim cut">${minutes(segment.plannedS, words)}${people.length === 0 ? nothing : html` · ${isolated(people, ", ")}`}</p>
    ${verdict === null ? nothing : html`<p class="small ${verdict === "pass" ? "dim" : "amber"}">${t(`run.check_long.${verdict}`)}</p>`}`;
}

/** One big button for what comes next, and the two that stop. */
export function controls(
  state: State,
  nowMs: number,
  words: RunWords,
  actions: CardActions,
  recordingUrl: string,
): TemplateResult {
  const { t } = words;
  const big = (id: string, label: string | TemplateResult, act: () => void, off = false) =>
    html`<button class="btn primary tall" type="button" id=${id} aria-disabled=${off ? "true" : "false"} @click=${act}>${label}</button>`;
  switch (state.phase) {
    case "draft":
      return big("open", t("run.open"), actions.open);
    case "waiting":
      return big("go-live", html`${icon("radio")}${t("run.go_live")}`, actions.goLive);
    case "paused":
      return html`${big("resume", html`${icon("play")}${t("run.resume")}`, actions.resume)}<div class="pair">${end(t, actions)}</div>`;
    case "ended":
      return html`<p class="dim">${t("run.over_words")}</p>${recordingUrl === "" ? nothing : html`<a class="btn primary tall" href=${recordingUrl}>${icon("clapperboard")}${t("run.to_recording")}</a>`}`;
  }
  const segment = nextSegment(state);
  if (state.armed !== null) {
    const count = secondsLeft(state.armed.dueMs, nowMs);
    return html`${big("next-company", t("run.in_seconds", { count }), () => undefined, true)}
      <div class="pair"><button class="btn" type="button" id="cancel" @click=${actions.cancel}>${t("run.cancel")} <span class="key">Esc</span></button></div>`;
  }
  return html`${big("next-company", html`${t("run.next_company")} <span class="key desk">N</span>`, actions.next, segment === null)}
    <div class="pair"><button class="btn" type="button" id="pause" @click=${actions.pause}>${t("run.pause")}</button>${end(t, actions)}</div>`;
}

function end(t: RunWords["t"], { end: hold }: CardActions): TemplateResult {
  return html`<button
    class="btn hold air"
    type="button"
    id="end"
    title=${t("run.end_hint")}
    @pointerdown=${hold.pointerdown}
    @pointerup=${hold.pointerup}
    @pointerleave=${hold.pointerleave}
    @pointercancel=${hold.pointercancel}
    @contextmenu=${hold.contextmenu}
    @click=${hold.click}
  >${t("run.end")}</button>`;
}

/** For ten seconds after the change there is a way back. */
export function undo(state: State, nowMs: number, words: RunWords, actions: CardActions): Part {
  const { t } = words;
  const began = segmentOf(state, state.undo?.began ?? null);
  if (state.undo === null || began === null || nowMs > state.undo.untilMs || state.phase === "ended") return nothing;
  const count = secondsLeft(state.undo.untilMs, nowMs);
  return html`<div class="toast"><span>${t("run.began", { name: companyName(began.exhibitor, words) })}</span><button class="btn" type="button" id="undo-next" @click=${actions.undo}>${t("run.undo", { count })}</button></div>`;
}
