/** What the room adds to the studio: the waiting room, products to show, questions, and words at the camera's edge. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Seat, State } from "../../wire.gen";
import { times } from "../clocks";
import { icon } from "../icons";
import { isolated } from "../isolated";
import { recorded } from "../recorded";
import { secondsLeft, segmentOf } from "../run/model";
import { companyName, minutes, type RunWords } from "../run/words";
import { clockText } from "../studio-state";
import { following, mayPin, type Part, questionsFor } from "./part";

type View = TemplateResult | typeof nothing;

export interface LiveView {
  readonly state: State;
  readonly seat: Seat | null;
  readonly part: Part;
  readonly exhibitor: string | null;
  readonly nowMs: number;
  readonly pinnedMs: number;
  readonly canUndo: boolean;
  readonly publishing: boolean;
  /** Why the room did not do what was asked last, in words. */
  readonly refused: string | null;
  /** The reader's own zone. */
  readonly zone: string;
}

export interface LiveActions {
  readonly show: (product: string) => void;
  readonly hide: () => void;
  readonly undo: () => void;
  readonly answered: (message: number) => void;
  readonly setReady: (ready: boolean) => void;
}

/** Under the webcam, in words that are read from two metres away. */
export function signal({ state, seat, part, publishing, refused, nowMs }: LiveView, words: RunWords): View {
  const { t } = words;
  const said = (text: string, symbol: TemplateResult) => html`<p class="signal">${symbol}<span>${text}</span></p>`;
  if (state.armed !== null) {
    const count = secondsLeft(state.armed.dueMs, nowMs);
    if (part.place === "armed") return said(t("studio.on_air_in", { count }), icon("radio"));
    if (part.place !== "on") return nothing;
    const name = companyName(segmentOf(state, state.armed.segment)?.exhibitor ?? null, words);
    return said(t("studio.next_in", { name, count }), icon("clock"));
  }
  if (refused !== null) return said(refused, icon("triangle-alert"));
  if (seat?.muted === true) return said(t("studio.muted_by_crew"), icon("mic-off"));
  if (state.phase === "paused" && part.place === "on") return said(t("studio.paused"), icon("pause"));
  const sends = publishing || seat?.camera === true; // from here, or from another device or an encoder
  if (part.place === "on" && state.phase === "live" && !sends) return said(t("studio.your_turn"), icon("radio"));
  return nothing;
}

/** Whether viewers see and hear what is kept. */
export function recording({ state }: LiveView, { t }: RunWords): View {
  return state.phase === "live" ? recorded(state.recording, t) : nothing;
}

/** The waiting room: when it is this company's turn, and who is on before. */
export function part(view: LiveView, words: RunWords): TemplateResult {
  const { t } = words;
  const { state, part: mine, nowMs, exhibitor } = view;
  const on = segmentOf(state, state.current);
  const next = following(state, exhibitor);
  const lines: View[] = [];
  if (mine.place === "on" && mine.segment !== null) {
    const leftMs = mine.segment.plannedS * 1_000 - (nowMs - (mine.segment.startedMs ?? nowMs));
    const key = leftMs >= 0 ? "studio.part_left" : "studio.part_over_time";
    lines.push(
      html`<p class="bar"><span class="lamp air strong">${t("studio.part_on")}</span><b class="lead">${t(key, { time: clockText(Math.abs(leftMs)) })}</b></p>`,
    );
  } else if (mine.place === "before" || mine.place === "armed") {
    const turn = mine.ahead === 0 ? t("studio.turn_next") : t("studio.turn_after", { count: mine.ahead });
    const inMs = (mine.atMs ?? nowMs) - nowMs;
    lines.push(html`<p><b class="lead">${turn}</b></p>`);
    if (mine.atMs !== null && inMs > 30_000) {
      const at = times(mine.atMs, words.clocks, view.zone, t).join(" · ");
      lines.push(html`<p class="dim small">${t("studio.turn_at", { in: minutes(inMs / 1_000, words) })} · ${at}</p>`);
    }
  } else if (mine.place === "over") lines.push(html`<p class="strong">${t("studio.part_done")}</p>`);
  if (on !== null && mine.place !== "on")
    lines.push(html`<p class="dim small">${t("studio.on_now", { name: companyName(on.exhibitor, words) })}</p>`);
  if (next !== null && (mine.place === "on" || mine.place === "none" || mine.ahead > 0))
    lines.push(html`<p class="dim small">${t("studio.next_part", { name: companyName(next.exhibitor, words) })}</p>`);
  if (lines.length === 0) lines.push(html`<p class="dim">${t("studio.no_part")}</p>`);
  return html`<header><h2 class="lead" id="part-title">${t("studio.your_part")}</h2>${recording(view, words)}</header>${lines}`;
}

/** One row a product; the one on show stays in its place and says for how long. */
export function goods(view: LiveView, words: RunWords, actions: LiveActions): TemplateResult {
  const { t } = words;
  const { state, part: mine } = view;
  const products = mine.segment?.products ?? [];
  const open = mayPin(state, mine);
  const undo = view.canUndo
    ? html`<button class="btn quiet" type="button" id="undo-pin" @click=${actions.undo}>${icon("undo-2")}${t("studio.undo")}</button>`
    : html`<span class="dim small">${t(open ? "studio.show_hint" : "studio.show_later")}</span>`;
  const rows = repeat(
    products,
    (id) => id,
    (id) => row(id, open, view, words, actions),
  );
  return html`<header class="goods-head"><h2 class="lead" id="goods-title">${t("studio.products_to_show")}</h2>${undo}</header>
    ${products.length === 0 ? html`<p class="dim">${t("studio.no_products")}</p>` : html`<ul class="rows">${rows}</ul>`}`;
}

function row(id: string, open: boolean, view: LiveView, words: RunWords, actions: LiveActions): TemplateResult {
  const { t } = words;
  const one = words.products[id];
  const name = one?.name ?? t("studio.new_product");
  const shown = view.state.pin === id;
  const wanted = view.state.interest[id]?.count ?? 0;
  const facts = one === undefined ? "" : [one.price, t("studio.minimum", { moq: one.moq })].filter(Boolean).join(" · ");
  const interest = wanted > 0 ? t("studio.interest", { count: wanted }) : "";
  const press = () => {
    if (!open) return;
    if (shown) actions.hide();
    else actions.show(id);
  };
  return html`<li class="row ${shown ? "is-shown" : ""}" data-product=${id}>
    <span class="thumb">${one === undefined ? nothing : html`<img class="art" src=${one.image} alt="" width="48" height="48" loading="lazy">`}</span>
    <span class="grow"><b class="cut">${name}</b>${
      shown
        ? html`<span class="lamp air small">${t("studio.showing", { time: clockText(view.nowMs - view.pinnedMs) })}</span>${interest === "" ? nothing : html`<span class="small"> · <b>${interest}</b></span>`}`
        : html`<span class="dim small cut">${[interest, facts].filter(Boolean).join(" · ")}</span>`
    }</span>
    <button class="btn" type="button" aria-disabled=${open ? "false" : "true"} aria-label=${t(shown ? "studio.hide_product" : "studio.show_product", { name })} @click=${press}>${t(shown ? "studio.hide" : "studio.show")}</button>
  </li>`;
}

/** Oldest first; an answered one keeps its place. */
export function questions(view: LiveView, words: RunWords, actions: LiveActions): TemplateResult {
  const { t } = words;
  const asked = questionsFor(view.state, view.exhibitor);
  const open = asked.filter((one) => !one.answered).length;
  const rows = repeat(
    asked,
    (one) => one.id,
    (one) => {
      const goods = one.product === null ? undefined : words.products[one.product];
      const by = isolated([one.name, one.company, goods?.name ?? ""], " · ");
      return html`<li class="row question ${one.answered ? "is-answered" : ""}">
        <span class="grow"><bdi>${one.text}</bdi><span class="dim small">${by}</span></span>
        ${one.answered ? html`<span class="small dim bar">${icon("check")}${t("studio.answered")}</span>` : html`<button class="btn quiet" type="button" @click=${() => actions.answered(one.id)}>${t("studio.mark_answered")}</button>`}
      </li>`;
    },
  );
  return html`<header><h2 class="lead" id="questions-title">${t("studio.questions")}${open > 0 ? html` <span class="badge need">${open}</span>` : nothing}</h2></header>
    ${asked.length === 0 ? html`<p class="dim">${t("studio.no_questions")}</p>` : html`<ul class="rows">${rows}</ul>`}`;
}

/** Whether the bottom bar offers to be ready: the own part is still to come. */
export function offersReady({ part: mine, seat, state }: LiveView): boolean {
  return seat !== null && (mine.place === "before" || mine.place === "armed") && state.phase !== "draft";
}

export function ready({ seat }: LiveView, canSend: boolean, { t }: RunWords, actions: LiveActions): TemplateResult {
  const on = seat?.ready === true;
  const press = () => {
    if (canSend || on) actions.setReady(!on);
  };
  return html`<button class="btn decide ${on ? "" : "primary"}" type="button" id="ready" aria-pressed=${on ? "true" : "false"} aria-disabled=${canSend || on ? "false" : "true"} title=${canSend || on ? "" : t("studio.ready_needs")} @click=${press}>${on ? icon("circle-check") : nothing}${t(on ? "studio.is_ready" : "studio.ready")}</button>`;
}
