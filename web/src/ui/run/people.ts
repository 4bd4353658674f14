/** People backstage, and what the crowd writes: one row each, its verbs beside it. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Message, Seat, State } from "../../wire.gen";
import { icon } from "../icons";
import { isolated } from "../isolated";
import { clockTime, companyName, type RunWords } from "./words";

const LAMPS = { away: "off", on: "air", ready: "on", here: "" } as const;

export interface PeopleActions {
  readonly show: (seat: string, source: "camera" | "screen") => void;
  readonly mute: (seat: string, muted: boolean) => void;
  readonly remove: (person: string, name: string) => void;
  readonly hide: (message: number, hidden: boolean) => void;
  readonly answered: (message: number) => void;
}

/** The moving picture of a seat, where there is one. */
export type Face = (seat: string) => MediaStream | null;

/** Seats in the order of the run of show; crew last. */
export function people(state: State, words: RunWords, actions: PeopleActions, face: Face = () => null): TemplateResult {
  const { t } = words;
  const place = (seat: Seat) => {
    const at = state.segments.findIndex((one) => one.exhibitor === seat.exhibitor);
    return at < 0 ? state.segments.length : at;
  };
  const seats = Object.entries(state.seats).sort(
    ([one, a], [other, b]) => place(a) - place(b) || a.name.localeCompare(b.name) || one.localeCompare(other),
  );
  if (seats.length === 0) return html`<p class="empty dim">${t("run.people.empty")}</p>`;
  return html`<ul class="rows seats-list">${repeat(
    seats,
    ([id]) => id,
    ([id, seat]) => person(id, seat, face(id), state, words, actions),
  )}</ul>`;
}

function person(
  id: string,
  seat: Seat,
  face: MediaStream | null,
  state: State,
  words: RunWords,
  actions: PeopleActions,
): TemplateResult {
  const { t } = words;
  const shown = state.shown ?? state.picture;
  const pictured = shown?.seat === id ? shown.source : null;
  const company = seat.exhibitor === null ? t(`run.role.${seat.role}`) : companyName(seat.exhibitor, words);
  const found = !seat.here ? "away" : seat.onAir ? "on" : seat.ready ? "ready" : "here";
  const lamp = found !== "away" && found !== "on" && seat.check?.verdict === "fail" ? "need" : LAMPS[found];
  const word =
    found === "away" ? t("run.away_since", { time: clockTime(seat.hereMs, words) }) : t(`run.standing.${found}`);
  const facts = [
    seat.onAir && !seat.here ? t("run.standing.on") : null,
    seat.check === null ? null : t(`run.check.${seat.check.verdict}`),
    seat.muted ? t("run.muted") : null,
    pictured === null ? null : t(`run.pictured.${pictured}`),
  ].filter((fact) => fact !== null);
  const open = state.phase !== "ended";
  const point = (source: "camera" | "screen") =>
    pictured === source || !open
      ? nothing
      : html`<button class="btn quiet" type="button" data-focus="${id}:${source}" aria-label=${t(`run.show_person.${source}`, { name: seat.name })} @click=${() => actions.show(id, source)}>${t(`run.show.${source}`)}</button>`;
  const moving = html`<video muted .muted=${true} .srcObject=${face} autoplay playsinline aria-label=${t("run.face", { name: seat.name })}></video>`;
  return html`<li class="person">
    <div class="picture face" data-seat=${id}>${icon("user-round")}${face === null ? nothing : moving}</div>
    <p class="who"><b class="cut"><bdi>${seat.name}</bdi></b><span class="small dim cut"><bdi>${company}</bdi></span></p>
    <span class="lamp small ${lamp}">${word}</span>
    <p class="small dim facts-of">${facts.join(" · ")}</p>
    <div class="verbs">
      ${seat.camera ? point("camera") : nothing}${seat.screen ? point("screen") : nothing}
      <button class="btn quiet" type="button" data-focus="${id}:mute" aria-label=${t(seat.muted ? "run.unmute_person" : "run.mute_person", { name: seat.name })} @click=${() => actions.mute(id, !seat.muted)}>${t(seat.muted ? "run.unmute" : "run.mute")}</button>
      <button class="btn quiet" type="button" data-focus="${id}:remove" aria-label=${t("run.remove_person", { name: seat.name })} @click=${() => actions.remove(id, seat.name)}>${t("run.remove")}</button>
    </div>
  </li>`;
}

/** Oldest first: what is new stands below and moves nothing. */
export function messages(
  shown: readonly Message[],
  empty: "questions" | "chat",
  words: RunWords,
  actions: PeopleActions,
): TemplateResult {
  if (shown.length === 0) return html`<p class="empty dim">${words.t(`run.${empty}.empty`)}</p>`;
  return html`<ul class="rows words-list">${repeat(
    shown,
    (one) => one.id,
    (one) => message(one, words, actions),
  )}</ul>`;
}

function message(one: Message, words: RunWords, actions: PeopleActions): TemplateResult {
  const { t } = words;
  const said = one.withdrawn ? html`<em class="dim">${t("run.withdrawn")}</em>` : html`<bdi>${one.text}</bdi>`;
  const goods = one.product === null ? undefined : words.products[one.product];
  const states = [
    one.hidden ? t("run.hidden") : null,
    one.kind === "question" && one.answered ? t("run.is_answered") : null,
  ].filter((word) => word !== null);
  return html`<li class="message ${one.hidden ? "is-hidden" : ""}">
    <p class="text">${said}</p>
    <p class="small dim by">${clockTime(one.atMs, words)} · ${isolated([one.name, one.company], ", ")}${goods === undefined ? nothing : html` · ${goods.name}`}${states.length === 0 ? nothing : html` · <strong>${states.join(" · ")}</strong>`}</p>
    <div class="verbs">
      ${one.kind === "question" && !one.answered && !one.withdrawn ? html`<button class="btn quiet" type="button" data-focus="m${one.id}:answered" @click=${() => actions.answered(one.id)}>${t("run.answered")}</button>` : nothing}
      ${one.withdrawn ? nothing : html`<button class="btn quiet" type="button" data-focus="m${one.id}:hide" @click=${() => actions.hide(one.id, !one.hidden)}>${one.hidden ? icon("eye") : icon("eye-off")}${t(one.hidden ? "run.show_again" : "run.hide")}</button>`}
      <button class="btn quiet" type="button" data-focus="m${one.id}:remove" aria-label=${t("run.remove_person", { name: one.name })} @click=${() => actions.remove(one.by, one.name)}>${t("run.remove")}</button>
    </div>
  </li>`;
}
