/** Short words that come and go: the strip while the line is down, a toast, and what screen readers are told. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { State } from "../../wire.gen";
import { icon } from "../icons";
import { segmentOf } from "./model";
import { companyName, type RunWords } from "./words";

type Part = TemplateResult | typeof nothing;

export function strip(text: string | null): Part {
  return text === null ? nothing : html`<p class="strip">${icon("wifi-off")}${text}</p>`;
}

/** With a way back where what was done has one. */
export function toast(text: string | null, undo: (() => void) | null, close: () => void, { t }: RunWords): Part {
  if (text === null) return nothing;
  const back =
    undo === null
      ? nothing
      : html`<button class="btn" type="button" id="take-back" @click=${undo}>${t("run.take_back")}</button>`;
  return html`<div class="toast"><span>${text}</span>${back}<button class="btn" type="button" @click=${close}>${t("common.close")}</button></div>`;
}

/** The stage of the show in one sentence: said aloud whenever it becomes another one. */
export function stand(state: State, words: RunWords): string {
  const { t } = words;
  if (state.armed !== null) {
    const name = companyName(segmentOf(state, state.armed.segment)?.exhibitor ?? null, words);
    return t("run.said.armed", { name });
  }
  const current = segmentOf(state, state.current);
  if (state.phase === "live" && current !== null)
    return t("run.began", { name: companyName(current.exhibitor, words) });
  return t(`run.said.${state.phase}`);
}
