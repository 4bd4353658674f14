/** The run of show as a list: one company a row, and ways to put those in another order that have not begun. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Segment, State } from "../../wire.gen";
import { clockText } from "../studio-state";
import { endsAt, movable, type Span, type Standing, seatsOf, secondsLeft, standing, worstCheck } from "./model";
import { type Move, moves, movesByKey } from "./order";
import { clockTime, companyName, minutes, type RunWords } from "./words";

export interface LineActions {
  /** Move a segment by so many places among those to come. */
  readonly move: Move;
}

const LAMPS: Readonly<Record<Standing, string>> = {
  done: "off",
  skipped: "off",
  on: "air",
  armed: "need",
  ready: "on",
  check: "need",
  here: "",
  away: "off",
};
const LATE_MS = 60_000;

/** How many there are and when it all ends, against the plan. */
export function plan(
  state: State,
  found: ReadonlyMap<string, Span>,
  plannedEndMs: number,
  words: RunWords,
): TemplateResult {
  const { t } = words;
  const count = state.segments.length;
  const companies = t(count === 1 ? "common.company_one" : "common.company_many", { count });
  const end = endsAt(state, found);
  if (end === null) return html`${companies}`;
  const late = Math.round((end - plannedEndMs) / 60_000);
  const against =
    state.phase === "ended" || Math.abs(end - plannedEndMs) < LATE_MS
      ? nothing
      : html` · <span class=${late > 0 ? "late" : ""}>${t(late > 0 ? "run.late" : "run.early", { count: Math.abs(late) })}</span>`;
  const key = state.phase === "ended" ? "run.ended_at" : "run.ends_at";
  return html`${companies} · ${t(key, { time: clockTime(end, words) })}${against}`;
}

export function lines(
  state: State,
  found: ReadonlyMap<string, Span>,
  nowMs: number,
  words: RunWords,
  actions: LineActions,
): TemplateResult {
  const order = movable(state).map((one) => one.id);
  return html`<ol class="rows lines" @keydown=${(event: KeyboardEvent) => movesByKey(event, order, actions.move)}>
    ${repeat(
      state.segments,
      (segment) => segment.id,
      (segment) => line(state, segment, found.get(segment.id), nowMs, order, words, actions),
    )}
  </ol>`;
}

function line(
  state: State,
  segment: Segment,
  span: Span | undefined,
  nowMs: number,
  order: readonly string[],
  words: RunWords,
  actions: LineActions,
): TemplateResult {
  const how = standing(state, segment);
  const name = companyName(segment.exhibitor, words);
  const canMove = order.includes(segment.id) && ["waiting", "live", "paused"].includes(state.phase) && order.length > 1;
  return html`<li class="line is-${how}" data-segment=${segment.id} ?data-movable=${canMove} aria-current=${how === "on" ? "step" : nothing}>
    <span class="at">${span === undefined ? nothing : clockTime(span.fromMs, words)}</span>
    <b class="cut" title=${name}>${name}</b>
    <span class="standing small"><span class="lamp ${how === "on" && state.phase !== "live" ? "need" : LAMPS[how]}">${label(state, how, nowMs, words)}</span><span class="dim">${note(state, segment, how, nowMs, words)}</span></span>
    ${canMove ? moves(segment.id, name, order, words.t, actions.move) : nothing}
  </li>`;
}

function label(state: State, how: Standing, nowMs: number, { t }: RunWords): string {
  if (how === "on" && state.phase !== "live") return t("run.standing.paused");
  if (how === "armed") return t("run.standing.armed", { count: secondsLeft(state.armed?.dueMs ?? nowMs, nowMs) });
  return t(`run.standing.${how}`);
}

function note(state: State, segment: Segment, how: Standing, nowMs: number, words: RunWords): string {
  const { t } = words;
  const planned = minutes(segment.plannedS, words);
  if (how === "done")
    return t("run.took", { time: clockText((segment.endedMs ?? nowMs) - (segment.startedMs ?? nowMs)) });
  if (how === "on") {
    const gone = clockText(nowMs - (segment.startedMs ?? nowMs));
    return t("run.gone_of", { time: gone, planned: clockText(segment.plannedS * 1_000) });
  }
  if (how === "skipped" || seatsOf(state, segment.exhibitor).length === 0) return planned;
  const verdict = worstCheck(state, segment);
  return `${planned} · ${t(verdict === null ? "run.check.none" : `run.check.${verdict}`)}`;
}
