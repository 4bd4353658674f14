/** Views of what a room adds to the stage: pin, interest, countdown, programme, and how the way to the room is. */

import { html, nothing, type TemplateResult } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import { around, nextUp, type Part, secondsLeft } from "../live/panel";
import type { RoomFacts } from "../live/store";
import type { State } from "../wire.gen";
import { time, times } from "./clocks";
import { icon } from "./icons";
import type { StageWords } from "./stage";
import type { Catalogue, Goods } from "./stage-goods";

type View = TemplateResult | typeof nothing;

/** Parts of the programme that the strip has room for. */
const STRIP = 8;

export interface Interests {
  readonly noted: ReadonlySet<string>;
  readonly sending: ReadonlySet<string>;
  readonly press: (product: string) => void;
  readonly choose: () => void;
}

/** The reserved slot: the product on show, else who comes next, else the company itself. */
export function pin(state: State, parts: readonly Part[], shown: string, facts: Catalogue, words: StageWords): View {
  const { t } = words;
  const goods = state.pin === null ? undefined : facts.goods.get(state.pin);
  if (goods !== undefined) return keyed(goods.id, pinned(goods, words)) as View;
  const coming = parts.find(({ segment }) => segment === nextUp(state));
  const next = coming === undefined ? undefined : facts.slots.get(coming.segment.id);
  if (state.phase !== "ended" && coming !== undefined && next !== undefined)
    return card(coming.segment.id, next.image, t("stage.next_company", { company: next.name }), when(coming, words));
  const own = facts.slotOf(shown);
  return own === undefined ? nothing : card(shown, own.image, own.name, own.title);
}

function pinned(goods: Goods, { t }: StageWords): TemplateResult {
  const more = [goods.lead, goods.papers].filter((text) => text !== "").join(" · ");
  return html`<a class="pin fresh" href=${goods.link} data-pin=${goods.id}>
    <span class="thumb"><img class="art" src=${goods.image} alt=""></span>
    <span class="grow"><b class="cut">${goods.name}</b><span class="dim small cut">${goods.offer}</span>${more === "" ? nothing : html`<span class="dim small cut desk">${more}</span>`}<span class="lamp on small desk">${t("stage.on_show")}</span></span>
    ${icon("chevron-right")}
  </a>`;
}

function card(key: string, image: string, title: string, text: string): View {
  return keyed(
    key,
    html`<div class="pin">
    ${image === "" ? nothing : html`<span class="thumb"><img class="art" src=${image} alt=""></span>`}
    <span class="grow"><b class="cut">${title}</b><span class="dim small">${text}</span></span>
  </div>`,
  ) as View;
}

function when({ fromMs }: Part, { clocks, zone, t }: StageWords): string {
  const whole = times(fromMs, clocks, zone, t).map((text) => text.replaceAll(" ", "\u00a0")); // lines break between them
  return whole.join(" · ");
}

/** One tap for the product on show; without one it leads to the list. */
export function act(state: State, facts: Catalogue, interests: Interests, words: StageWords): View {
  const { t } = words;
  const goods = state.pin === null ? undefined : facts.goods.get(state.pin);
  if (goods === undefined)
    return html`<button class="btn tall" type="button" @click=${interests.choose}>${icon("bookmark")}<span>${t("stage.interested")}<small>${t("stage.choose_product")}</small></span></button>`;
  const noted = interests.noted.has(goods.id);
  return html`<button class="btn tall ${noted ? "" : "primary"}" type="button" id="interested" aria-pressed=${noted} aria-busy=${interests.sending.has(goods.id)} @click=${() => interests.press(goods.id)}>${noted ? icon("bookmark-check") : icon("bookmark")}<span>${t(noted ? "stage.noted" : "stage.interested")}<small class="cut">${goods.name}</small></span></button>`;
}

/** The same for every product of the list. */
export function mark(goods: Goods, interests: Interests, { t }: StageWords): View {
  const noted = interests.noted.has(goods.id);
  const name = t(noted ? "stage.noted_for" : "stage.interested_in", { product: goods.name });
  return html`<button class="btn quiet icon" type="button" aria-pressed=${noted} aria-busy=${interests.sending.has(goods.id)} aria-label=${name} title=${name} @click=${() => interests.press(goods.id)}>${noted ? icon("bookmark-check") : icon("bookmark")}</button>`;
}

/** Where the next company's products will stand in a moment. */
export function goodsComing({ t }: StageWords): View {
  const row = html`<div class="row" aria-hidden="true"><span class="thumb"></span><span class="grow"><span class="skel"></span></span></div>`;
  return html`<p class="sr">${t("stage.products_coming")}</p>${row}${row}`;
}

/** Three, two, one, over the picture's foot. */
export function coming(state: State, facts: Catalogue, serverMs: number, { t }: StageWords): View {
  const seconds = secondsLeft(state, serverMs);
  const next = facts.slots.get(state.armed?.segment ?? "");
  if (seconds === null) return nothing;
  const company = next?.name ?? "";
  return html`<p class="coming"><span class="cut">${company === "" ? t("stage.starting.title") : t("stage.next_company", { company })}</span><b aria-hidden="true">${seconds}</b></p>`;
}

/** A thin strip that heals by itself; it lies on the panel and never on the picture. */
export function link({ link, state, refusal }: RoomFacts, { t }: StageWords): View {
  if (link === "lost") return html`<p class="strip">${icon("wifi-off")}${t("stage.room.lost")}</p>`;
  if (link === "connecting" && state === null && refusal === null)
    return html`<p class="strip calm late">${t("stage.room.connecting")}</p>`;
  if ((link === "refused" || state === null) && refusal !== null)
    return html`<p class="strip calm">${icon("info")}${refusal.title || t(refusal.code === "rooms.removed" ? "stage.room.removed" : "stage.room.over")}</p>`;
  return nothing;
}

/** The companies of the delegation; the running part is the progress bar too. */
export function shows(
  parts: readonly Part[],
  live: boolean,
  facts: Catalogue,
  again: readonly string[],
  words: StageWords,
): View {
  const { t, zone } = words;
  const known = around(parts, STRIP).filter(({ segment }) => facts.slots.has(segment.id));
  const said = ({ standing, fromMs, toMs }: Part) => {
    if (standing === "done") return t("stage.part_done");
    return standing === "now" && live ? t("stage.until", { time: time(toMs, zone) }) : time(fromMs, zone);
  };
  return html`${known.map((part) => {
    const slot = facts.slots.get(part.segment.id);
    const now = part.standing === "now";
    const what = html`<span class="thumb"><img class="art" src=${slot?.image ?? ""} alt="" loading="lazy"></span><b>${slot?.name ?? ""}</b>`;
    if (part.standing === "done" && again.includes(part.segment.id))
      return html`<li class="done"><a href=${replayOf(part)}>${what}<span class="again">${icon("rotate-ccw")}${t("common.watch_again")}</span></a></li>`;
    return html`<li class=${now && !live ? "next" : part.standing}><div aria-current=${now ? "true" : nothing} data-from=${now ? new Date(part.fromMs).toISOString() : nothing} data-to=${now ? new Date(part.toMs).toISOString() : nothing}>${what}${said(part)}</div></li>`;
  })}`;
}

/** The same as a list with all times, for phones and for readers who want to plan. */
export function programme(
  parts: readonly Part[],
  live: boolean,
  facts: Catalogue,
  again: readonly string[],
  words: StageWords,
): View {
  const { t, clocks, zone } = words;
  const known = parts.filter(({ segment }) => facts.slots.has(segment.id));
  return html`${known.map((part) => {
    const { segment, standing, fromMs } = part;
    const slot = facts.slots.get(segment.id);
    const [first = "", ...others] = times(fromMs, clocks, zone, t, clocks[0]?.zone);
    const lamp =
      standing === "now" && live
        ? html`<span class="lamp air small">${t("common.live")}</span>`
        : standing !== "done"
          ? nothing
          : again.includes(segment.id)
            ? html`<a class="btn quiet small" href=${replayOf(part)}>${icon("rotate-ccw")}<span>${t("common.watch_again")}<span class="sr">: ${slot?.name ?? ""}</span></span></a>`
            : html`<span class="dim small">${t("stage.part_done")}</span>`;
    return html`<li class="row" data-segment=${segment.id} data-exhibitor=${segment.exhibitor} data-name=${slot?.name ?? ""} data-title=${slot?.title ?? ""} data-image=${slot?.image ?? ""}>
      <span class="when"><time datetime=${new Date(fromMs).toISOString()}><b>${first.slice(0, 5)} <small>${first.slice(6)}</small></b>${others.map((other) => html`<span>${other}</span>`)}</time></span>
      <span class="grow"><a class="link" href="/stands/${segment.exhibitor}"><b>${slot?.name ?? ""}</b></a><br><span class="dim small">${slot?.title ?? ""}</span></span>${lamp}
    </li>`;
  })}`;
}

/** Where a part of the show plays again; this page is the show's. */
function replayOf({ segment }: Part): string {
  return `${location.pathname}/replay?part=${encodeURIComponent(segment.id)}`;
}
