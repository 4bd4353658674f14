/** Views of the device check: one slot per test and the verdict on top. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { DevicesState, Kind } from "../media/devices";
import type { LevelWord } from "../media/level";
import type { Quality } from "../media/quality";
import type { MediaStats } from "../media/stats";
import { badge, type Results, subject, type Test } from "./check-state";
import type { Translate } from "./i18n";
import { icon } from "./icons";
import { deviceHelp, deviceSelect, figures, signalBars } from "./studio-parts";

export interface CheckState {
  readonly results: Results;
  readonly devices: DevicesState;
  readonly level: LevelWord;
  /** 0..1 of a spoken sentence. */
  readonly spoken: number;
  readonly speaker: string;
  readonly playing: boolean;
  readonly played: boolean;
  readonly quality: Quality;
  readonly stats: MediaStats;
  /** Why the network test ended without figures. */
  readonly networkWord: "ok" | "blocked" | "away" | "nothing_on_air";
}

export interface CheckActions {
  readonly begin: () => void;
  readonly choose: (kind: Kind, id: string) => void;
  readonly chooseSpeaker: (id: string) => void;
  readonly play: () => void;
  readonly heard: (yes: boolean) => void;
  readonly network: () => void;
}

type Part = TemplateResult | typeof nothing;

/** One badge, one sentence, and the way on. */
export function verdict(state: CheckState, next: string | null, t: Translate, actions: CheckActions): TemplateResult {
  const found = badge(state.results);
  const about = subject(state.results);
  const symbol =
    found === "pass" ? icon("circle-check") : found === "open" ? icon("list-checks") : icon("triangle-alert");
  const begun = state.devices.phase !== "closed";
  const sentence = !begun
    ? t("check.sentence.start")
    : about === null
      ? t("check.sentence.pass")
      : t(`check.sentence.${state.results[about] === "run" ? "wait" : state.results[about]}.${about}`);
  const tone = found === "pass" ? "jade" : found === "open" ? "" : "need";
  const done = begun && found !== "open";
  return html`
    <span class="badge ${tone}" id="badge" data-badge=${found}>${symbol}${t(`check.badge.${found}`)}</span>
    <p class="lead" id="sentence">${sentence}</p>
    ${begun ? nothing : html`<button class="btn primary tall" id="begin" @click=${actions.begin}>${t("check.begin")}</button>`}
    ${next === null ? nothing : html`<a class="btn ${done ? "primary" : ""}" id="next" href=${next}>${done && found === "pass" ? t("check.continue") : t("check.continue_anyway")}</a>`}
  `;
}

/** The head of a test: how it stands, as a shape and a word. */
export function lamp(test: Test, state: CheckState, t: Translate): TemplateResult {
  const result = state.results[test];
  const shape =
    result === "pass" ? "on" : result === "fail" || result === "fair" ? "need" : result === "skip" ? "off" : "";
  return html`<span class="lamp small ${shape}">${t(`check.result.${result}`)}</span>`;
}

export function camera(state: CheckState, t: Translate, actions: CheckActions): Part {
  const { devices } = state;
  const size = devices.camera?.getSettings();
  return html`${lamp("camera", state, t)}
    ${devices.phase === "open" && (devices.problems.camera ?? devices.problems.microphone) !== null ? deviceHelp(devices, actions.begin, t) : nothing}
    ${devices.camera === null ? nothing : html`${deviceSelect("camera", devices, actions.choose, t)}<p class="small dim">${size?.width ?? "–"} × ${size?.height ?? "–"}</p>`}`;
}

export function microphone(state: CheckState, t: Translate, actions: CheckActions): Part {
  const { devices } = state;
  if (devices.microphone === null) return lamp("microphone", state, t);
  return html`${lamp("microphone", state, t)}
    <p class="say">${t("check.say")}</p>
    <div class="bar">
      ${icon("mic")}<span class="meter tall grow" id="meter" role="meter" aria-label=${t("studio.mic_level")} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(state.spoken * 100)}></span>
      <span class="small dim level-word">${t(`media.level.${state.level}`)}</span>
    </div>
    <div class="progress" aria-hidden="true"><i id="spoken"></i></div>
    ${deviceSelect("microphone", devices, actions.choose, t)}`;
}

export function speakers(state: CheckState, t: Translate, actions: CheckActions): Part {
  const { speakers: present } = state.devices;
  return html`${lamp("speakers", state, t)}
    ${
      present.length < 2
        ? nothing
        : html`<div class="field"><label for="choose-speaker">${t("check.output")}</label>
          <select class="input" id="choose-speaker" @change=${(event: Event) => actions.chooseSpeaker((event.target as HTMLSelectElement).value)}>
            ${present.map((one, index) => html`<option value=${one.id} ?selected=${one.id === state.speaker}>${one.label === "" ? t("check.output_number", { n: index + 1 }) : one.label}</option>`)}
          </select></div>`
    }
    <div class="wrap"><button class="btn" id="play" ?disabled=${state.playing} @click=${actions.play}>${icon("volume-2")}${state.playing ? t("check.playing") : t("check.play")}</button></div>
    ${
      state.played
        ? html`<p>${t("check.did_you_hear")}</p>
          <div class="wrap"><button class="btn" id="heard" @click=${() => actions.heard(true)}>${t("check.yes")}</button><button class="btn" @click=${() => actions.heard(false)}>${t("check.no")}</button></div>`
        : nothing
    }`;
}

export function network(state: CheckState, t: Translate, actions: CheckActions): Part {
  const result = state.results.network;
  const measured = result === "pass" || result === "fair" || (result === "fail" && state.networkWord === "ok");
  return html`${lamp("network", state, t)}
    ${measured ? html`<p class="bar small">${signalBars(state.quality)}${t(`media.quality.${state.quality.word}`)}</p><p class="small dim">${figures(state.stats, t)}</p>` : nothing}
    ${state.networkWord === "ok" ? nothing : html`<p>${t(`check.network_word.${state.networkWord}`)}</p>`}
    ${result === "wait" ? nothing : html`<div class="wrap"><button class="btn" id="again" ?disabled=${result === "run"} @click=${actions.network}>${icon("rotate-ccw")}${t("check.measure_again")}</button></div>`}`;
}
