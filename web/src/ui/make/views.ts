/** What the script draws of a plan: the run of show as rows of fields, its total, the companies to add, the list of checks. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { type Clock, time } from "../clocks";
import type { Translate } from "../i18n";
import { icon } from "../icons";
import { moves, movesByKey } from "../run/order";
import { beginnings, type Check, type Company, minutesOf, order, type Part, total } from "./model";
import type { Standing } from "./saver";

export interface Words {
  readonly t: Translate;
  readonly clocks: readonly Clock[];
  readonly companies: ReadonlyMap<string, Company>;
}

export interface Actions {
  readonly move: (company: string, by: number) => void;
  readonly remove: (company: string) => void;
  readonly add: (company: string) => void;
  readonly minutes: (company: string, minutes: number) => void;
  readonly shows: (company: string, product: string, yes: boolean) => void;
}

type View = TemplateResult | typeof nothing;

export function rows(parts: readonly Part[], startsAtMs: number, words: Words, actions: Actions): View {
  if (parts.length === 0) return html`<p class="empty">${words.t("make.no_parts")}</p>`;
  const ids = order(parts);
  const at = beginnings(parts, startsAtMs);
  const onKey = (event: KeyboardEvent) => {
    // In a field of numbers Enter would save the form; here it only says: taken.
    if (event.key === "Enter" && (event.target as HTMLElement).matches("input")) event.preventDefault();
    movesByKey(event, ids, actions.move);
  };
  return html`<ol class="rows lines" @keydown=${onKey}>
    ${repeat(
      parts,
      (part) => part.company,
      (part) => row(part, at.get(part.company) ?? startsAtMs, ids, words, actions),
    )}
  </ol>`;
}

function row(part: Part, atMs: number, ids: readonly string[], words: Words, actions: Actions): TemplateResult {
  const { t, clocks, companies } = words;
  const id = part.company;
  const company = companies.get(id);
  const name = company?.name ?? id;
  const goods = company?.products ?? [];
  const remove = t("make.remove", { name });
  const typed = (event: Event, settle: boolean) => {
    const field = event.target as HTMLInputElement;
    if (settle) field.value = String(minutesOf(field.value));
    if (field.value !== "") actions.minutes(id, minutesOf(field.value));
  };
  return html`<li class="line" data-segment=${id} ?data-movable=${ids.length > 1}>
    <span class="at">${time(atMs, clocks[0]?.zone ?? "UTC")}</span>
    <b>${name}</b>
    <input type="hidden" name="company" value=${id}>
    <div class="part-facts">
      <label class="minutes"><input class="input" type="number" name="length" min="1" max="240" required inputmode="numeric" .value=${String(part.minutes)} data-focus="${id}:minutes" aria-label=${t("make.minutes_of", { name })} @input=${(event: Event) => typed(event, false)} @change=${(event: Event) => typed(event, true)}><span>${t("make.minutes_unit")}</span></label>
      ${goods.length === 0 ? html`<span class="dim small">${t("make.no_products")}</span>` : products(part, goods, t, actions)}
    </div>
    ${moves(id, name, ids, t, actions.move, html`<button class="btn quiet icon" type="button" data-focus="${id}:remove" aria-label=${remove} title=${remove} @click=${() => actions.remove(id)}>${icon("x")}</button>`)}
  </li>`;
}

function products(part: Part, goods: Company["products"], t: Translate, actions: Actions): TemplateResult {
  const away = goods.filter((product) => part.leftOut.includes(product.id)).length;
  return html`<details>
    <summary>${t("make.shows", { count: goods.length - away, total: goods.length })}</summary>
    <ul>
      ${goods.map(
        (product) =>
          html`<li><label class="check"><input type="checkbox" name="shown:${part.company}" value=${product.id} .checked=${!part.leftOut.includes(product.id)} @change=${(event: Event) => actions.shows(part.company, product.id, (event.target as HTMLInputElement).checked)}><span>${product.name}</span></label><input type="hidden" name="known:${part.company}" value=${product.id}></li>`,
      )}
    </ul>
  </details>`;
}

export function sum(parts: readonly Part[], planned: number, { t }: Words): TemplateResult {
  const all = total(parts);
  const count = parts.length;
  const companies = t(count === 1 ? "common.company_one" : "common.company_many", { count });
  const over =
    all > planned ? html` · <span class="late">${t("make.total_over", { count: all - planned })}</span>` : nothing;
  return html`${companies} · ${t("make.total", { total: all, planned })}${over}`;
}

export function adder(parts: readonly Part[], words: Words, actions: Actions): View {
  const { t, companies } = words;
  const here = new Set(order(parts));
  const others = [...companies.values()].filter((company) => !here.has(company.id));
  if (others.length === 0) return nothing;
  const add = (event: Event) => {
    const select = (event.currentTarget as HTMLElement).parentElement?.querySelector("select");
    if (select?.value) actions.add(select.value);
  };
  return html`<div class="joined">
    <label class="sr" for="add-company">${t("make.add_label")}</label>
    <select class="input" id="add-company" data-focus="add">${repeat(
      others,
      (company) => company.id,
      (company) => html`<option value=${company.id}>${company.name}</option>`,
    )}</select>
    <button class="btn" type="button" data-focus="add-button" @click=${add}>${icon("plus")}${t("make.add")}</button>
  </div>`;
}

const LAMPS: Readonly<Record<Check["standing"], string>> = { done: "on", hint: "", missing: "need" };

export function checks(found: readonly Check[], { t }: Words): TemplateResult {
  return html`${found.map(
    (check) =>
      html`<li><span class="lamp ${LAMPS[check.standing]}">${t(`make.check.${check.code}.${check.standing}`, { count: check.count })}</span></li>`,
  )}`;
}

/** How the saving stands, in the reader's own time. */
export function saved(standing: Standing, own: string, { t }: Words): string {
  switch (standing.kind) {
    case "kept":
      return standing.atMs === null ? "" : t("make.saved_at", { time: time(standing.atMs, own) });
    case "unsaved":
      return t("make.unsaved");
    case "saving":
      return t("make.saving");
    case "away":
      return t("make.failed");
    default:
      return t("make.unsaved");
  }
}

export function strip(standing: Standing, { t }: Words, mine: () => void, theirs: string): View {
  if (standing.kind === "refused")
    return html`<p class="strip" role="alert">${icon("circle-alert")}<span>${standing.words}</span></p>`;
  if (standing.kind !== "conflict") return nothing;
  return html`<div class="strip" role="alert">${icon("circle-alert")}<span>${standing.words}</span>
    <button class="btn" type="button" id="mine" @click=${mine}>${t("make.conflict.mine")}</button>
    <a class="btn" href=${theirs} id="theirs">${t("make.conflict.theirs")}</a></div>`;
}

export function toast(words: string | null, undo: (() => void) | null, t: Translate): View {
  if (words === null) return nothing;
  return html`<div class="toast"><span>${words}</span>${undo === null ? nothing : html`<button class="btn" type="button" id="undo" @click=${undo}>${t("make.undo")}</button>`}</div>`;
}
