/** Puts a row elsewhere by keyboard: two buttons a row, or Alt with an arrow anywhere in it. `drag.ts` does it by hand. */

import { html, type TemplateResult } from "lit-html";
import type { Translate } from "../i18n";
import { icon } from "../icons";

/** Move a row by so many places among those that can move. */
export type Move = (id: string, by: number) => void;

/** Disabled ends stay focusable, so that a key pressed once more loses nobody's place. */
export function moves(
  id: string,
  name: string,
  order: readonly string[],
  t: Translate,
  move: Move,
  more?: TemplateResult,
): TemplateResult {
  const at = order.indexOf(id);
  const button = (by: -1 | 1, end: boolean, symbol: TemplateResult) => {
    const words = t(by < 0 ? "run.move_up" : "run.move_down", { name });
    return html`<button class="btn quiet icon" type="button" data-focus="${id}:${by}" aria-label=${words} title="${words} (Alt ${by < 0 ? "↑" : "↓"})" aria-disabled=${end ? "true" : "false"} @click=${() => end || move(id, by)}>${symbol}</button>`;
  };
  return html`<span class="moves">
    ${button(-1, at === 0, icon("chevron-up"))}${button(1, at === order.length - 1, icon("chevron-down"))}${more}
    <span class="grip" title=${t("run.drag")} aria-hidden="true">${icon("grip-vertical")}</span>
  </span>`;
}

export function movesByKey(event: KeyboardEvent, order: readonly string[], move: Move): void {
  const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
  const id = (event.target as Element).closest<HTMLElement>("[data-segment]")?.dataset.segment;
  if (by === 0 || !event.altKey || id === undefined || !order.includes(id)) return;
  event.preventDefault();
  move(id, by);
}
