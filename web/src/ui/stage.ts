/** Views of the stage: functions of the store's facts into the slots that the template reserves. */

import { html, nothing, type TemplateResult } from "lit-html";
import { countdown, megabytesPerMinute, type Scene, type StageFacts } from "../live/stage";
import type { Quality } from "../media/quality";
import type { MediaStats } from "../media/stats";
import { bars } from "./bars";
import { type Clock, day, times } from "./clocks";
import type { Translate } from "./i18n";
import { icon } from "./icons";
import { recorded } from "./recorded";

export interface LanguageLink {
  readonly code: string;
  readonly name: string;
  readonly url: string;
}

export interface StageWords {
  readonly t: Translate;
  readonly language: string;
  readonly languages: readonly LanguageLink[];
  readonly clocks: readonly Clock[];
  readonly zone: string;
}

export interface StageActions {
  readonly listen: () => void;
  readonly toggleMute: () => void;
  readonly setVolume: (volume: number) => void;
  readonly toggleListenOnly: () => void;
  readonly resume: () => void;
  readonly retry: () => void;
  readonly toggleQuality: () => void;
  readonly fullScreen: () => void;
}

type Part = TemplateResult | typeof nothing;

/** A calendar reminds ten minutes before; who comes later than that stays on the page. */
const REMINDED_MS = 600_000;

/** What the picture's frame shows under its words: data-picture. */
export function pictureMode(scene: Scene, facts: StageFacts): "moving" | "frozen" | "poster" | "poster-dim" {
  switch (scene.kind) {
    case "live":
    case "paused":
      if (facts.listenOnly || !facts.picture) return "poster-dim";
      return "moving";
    case "reconnecting":
    case "away":
      return facts.begun && !facts.listenOnly ? "frozen" : "poster-dim";
    case "ended":
      return facts.begun && !facts.listenOnly ? "frozen" : "poster-dim";
    case "loading":
      return "poster";
    default:
      return "poster-dim";
  }
}

/** The thin strip that heals by itself; its text, or null. */
export function stripText(scene: Scene, { onBreak }: StageFacts, t: Translate): string | null {
  if (scene.kind === "reconnecting") return t("stage.reconnecting");
  if (onBreak && scene.kind !== "ended") return t("stage.show_break");
  if (scene.kind === "away") return t("stage.away");
  return null;
}

export function strip(scene: Scene, facts: StageFacts, t: Translate): Part {
  const text = stripText(scene, facts, t);
  if (text === null) return nothing;
  return html`<p class="strip">${scene.kind === "reconnecting" ? icon("wifi-off") : icon("clock")}${text}</p>`;
}

/** Words stand where the picture would be: nothing else should compete with them there. */
export function covered(scene: Scene): boolean {
  return !playable(scene);
}

/** What is said to screen readers when the scene changes. */
export function announcement(scene: Scene, facts: StageFacts, t: Translate): string {
  switch (scene.kind) {
    case "live":
      return t("stage.say.live");
    case "loading":
      return t("stage.loading");
    case "scheduled":
      return t("stage.scheduled.title");
    case "paused":
      return t("stage.paused");
    case "reconnecting":
    case "away":
      return stripText(scene, facts, t) ?? "";
    default:
      return `${t(`stage.${scene.kind}.title`)} ${t(`stage.${scene.kind}.text`)}`;
  }
}

export function cover(scene: Scene, facts: StageFacts, words: StageWords, actions: StageActions): Part {
  const { t } = words;
  const retry = html`<button class="btn" type="button" @click=${actions.retry}>${icon("rotate-ccw")}${t("stage.retry")}</button>`;
  const listen = html`<button class="btn" type="button" @click=${actions.toggleListenOnly}>${icon("headphones")}${t("stage.listen_only_long")}</button>`;
  const said = (name: string, more: Part = nothing) =>
    html`<div class="cover"><h2>${t(`stage.${name}.title`)}</h2><p>${t(`stage.${name}.text`)}</p>${more}</div>`;
  switch (scene.kind) {
    case "live":
      if (facts.listenOnly)
        return html`<div class="cover">${icon("headphones")}<p>${t("stage.listening_only")}</p></div>`;
      if (!facts.picture && facts.begun)
        return html`<div class="cover">${icon("video-off")}<p>${t("stage.sound_only")}</p></div>`;
      return nothing;
    case "paused":
      return html`<div class="cover clear"><button class="btn play" type="button" aria-label=${t("stage.play")} title="${t("stage.play")} (Space)" @click=${actions.resume}>${icon("play")}</button></div>`;
    case "reconnecting":
    case "away":
      return nothing;
    case "loading":
      return html`<div class="cover late"><p>${t("stage.loading")}</p></div>`;
    case "scheduled":
      return scheduled(scene, words);
    case "full":
      return said("full", html`<p>${t("stage.full.again", { seconds: scene.retryInS })}</p>${retry}`);
    case "failed":
      return said("failed", html`${retry}<p class="code">${scene.code}</p>`);
    case "codec":
      return said("codec", listen);
    case "ended":
      return said(
        "ended",
        facts.showcase.replay === true
          ? html`<a class="btn primary" href="${location.pathname}/replay">${icon("clapperboard")}${t("stage.replay")}</a>`
          : nothing,
      );
    case "draft":
    case "starting":
    case "invited":
    case "offline":
      return said(scene.kind);
  }
}

function scheduled(scene: Extract<Scene, { kind: "scheduled" }>, words: StageWords): Part {
  const { t, zone, clocks, language } = words;
  const { startsAtMs, inMs } = scene;
  if (startsAtMs === null || inMs === null) {
    return html`<div class="cover"><h2>${t("stage.scheduled.title")}</h2><p>${t("stage.scheduled.text")}</p></div>`;
  }
  const left = inMs > 0 ? countdown(inMs) : null;
  return html`<div class="cover">
    <h2>${inMs > 0 ? t("stage.scheduled.title") : t("stage.starting.title")}</h2>
    ${left === null ? nothing : html`<p class="countdown">${left}</p>`}
    <p class="times"><span>${day(startsAtMs, zone, language)}</span>${times(startsAtMs, clocks, zone, t).map((text) => html`<span>${text}</span>`)}</p>
    <p>${t("stage.scheduled.text")}</p>
    ${inMs > REMINDED_MS ? html`<a class="btn" href="${location.pathname}/calendar.ics" download>${icon("calendar-plus")}${t("common.calendar")}</a>` : nothing}
  </div>`;
}

/** Red only for on air; otherwise the state in a quiet badge. */
export function airBadge(scene: Scene, facts: StageFacts, t: Translate): Part {
  if (facts.onBreak && facts.showcase.state === "live") return html`<span class="badge">${t("stage.break")}</span>`;
  if (facts.showcase.state === "live" && (facts.showcase.onAir || scene.kind === "live" || scene.kind === "paused")) {
    return html`<span class="badge air"><span class="dot"></span>${t("common.live")}</span>`;
  }
  const interrupted = facts.showcase.state === "live" && facts.begun;
  const key = facts.showcase.state === "ended" ? "common.ended" : interrupted ? "stage.break" : "common.waiting";
  return html`<span class="badge">${t(key)}</span>`;
}

/** Everybody may know that they watch what is kept. */
export function recording(facts: StageFacts, { t }: StageWords): Part {
  return facts.recording === null ? nothing : recorded(facts.recording, t, "glass");
}

export function viewers(facts: StageFacts, words: StageWords): Part {
  if (facts.showcase.state !== "live" || facts.showcase.viewers === 0) return nothing;
  const count = new Intl.NumberFormat(words.language).format(facts.showcase.viewers);
  const said = words.t("common.viewers", { count });
  return html`<span class="badge glass" title=${said}>${icon("eye")}<span aria-hidden="true">${count}</span><span class="sr">${said}</span></span>`;
}

export function signalButton(scene: Scene, quality: Quality, open: boolean, t: Translate, actions: StageActions): Part {
  if (open || (scene.kind !== "live" && scene.kind !== "reconnecting")) return nothing;
  const word = t(`media.quality.${quality.word}`);
  const label = t("stage.quality.open", { word });
  return html`<button class="btn glass icon" type="button" aria-expanded="false" aria-label=${label} title="${label} (Q)" @click=${actions.toggleQuality}>${bars(quality)}</button>`;
}

export function qualityPanel(quality: Quality, stats: MediaStats, words: StageWords, actions: StageActions): Part {
  const { t, language } = words;
  const number = (value: number | null, digits = 0) =>
    value === null ? null : new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  const row = (key: string, value: string | null, unit: string) =>
    html`<dt>${t(`stage.quality.${key}`)}</dt><dd>${value === null ? "–" : `${value}${unit}`}</dd>`;
  const size = stats.width === null || stats.height === null ? null : `${stats.width} × ${stats.height}`;
  const bitrate = stats.bitrateBps === null ? null : number(stats.bitrateBps / 1_000_000, 2);
  return html`<section class="quality" aria-labelledby="quality-title">
    <header><h2 id="quality-title">${bars(quality)} ${t(`media.quality.${quality.word}`)}</h2>
      <button class="btn quiet icon" type="button" aria-label=${t("common.close")} title="${t("common.close")} (Q)" @click=${actions.toggleQuality}>${icon("x")}</button></header>
    <dl>
      ${row("rtt", number(stats.rttMs), " ms")}
      ${row("loss", number(stats.lossPercent, 1), " %")}
      ${row("bitrate", bitrate, " Mb/s")}
      ${row("fps", number(stats.fps), "")}
      ${row("size", size, "")}
    </dl>
  </section>`;
}

/** The row under the picture: one jade button before the tap; language, volume and listen-only after it. */
export function soundRow(
  scene: Scene,
  facts: StageFacts,
  volumeSettable: boolean,
  stats: MediaStats,
  words: StageWords,
  actions: StageActions,
): Part {
  const { t } = words;
  const desk = matchMedia("(min-width: 900px)").matches;
  if (!playable(scene)) return html`${languageMenu(words)}<p class="say">${waitingLine(scene, facts, words)}</p>`;
  const listenOnly = html`<button class="btn quiet only" type="button" aria-pressed=${facts.listenOnly} title=${t("stage.listen_only_long")} @click=${actions.toggleListenOnly}>${icon("headphones")}<span>${t("stage.listen_only")}</span></button>`;
  if (!facts.sound) {
    const megabytes = megabytesPerMinute(stats.bitrateBps);
    const amount = megabytes === null ? null : new Intl.NumberFormat(words.language).format(megabytes);
    const tap = html`<button class="btn primary wide tall listen" type="button" title="${t("stage.tap_to_listen")} (M)" @click=${actions.listen}>${icon("volume-2")}<span>${t("stage.tap_to_listen")}${amount === null ? nothing : html`<small class="phone">${t("stage.megabytes", { amount })}</small>`}</span></button>`;
    return desk ? html`${languageMenu(words)}${tap}${listenOnly}` : tap;
  }
  const muteName = facts.muted ? t("stage.unmute") : t("stage.mute");
  const percent = Math.round(facts.volume * 100);
  const slider = volumeSettable
    ? html`<input class="range" type="range" min="0" max="100" .value=${String(percent)} aria-label=${t("stage.volume")} aria-valuetext="${percent} %" @input=${(event: Event) => actions.setVolume(Number((event.target as HTMLInputElement).value) / 100)}>`
    : nothing;
  return html`${languageMenu(words)}
    <div class="volume">
      <button class="btn quiet icon" type="button" aria-pressed=${facts.muted} aria-label=${muteName} title="${muteName} (M)" @click=${actions.toggleMute}>${facts.muted ? icon("volume-x") : icon("volume-2")}</button>
      <div class="both">${slider}<span class="meter" id="level" aria-hidden="true"></span></div>
    </div>
    ${listenOnly}`;
}

function playable(scene: Scene): boolean {
  return ["live", "paused", "loading", "reconnecting", "away"].includes(scene.kind);
}

function waitingLine(scene: Scene, facts: StageFacts, words: StageWords): string {
  const { t } = words;
  if (scene.kind === "scheduled" || scene.kind === "starting") return t("stage.waiting_line");
  if (facts.showcase.state === "ended") return t("stage.ended_line");
  return t("stage.products_line");
}

export function languageMenu(words: StageWords): TemplateResult {
  const { t, language, languages } = words;
  const own = languages.find(({ code }) => code === language);
  return html`<details class="menu start" id="language">
    <summary class="btn lang" aria-label="${language.toUpperCase()} ${own?.name ?? ""}, ${t("common.language")}" title="${t("common.language")} (L)">${language.toUpperCase()}<span class="desk">· ${own?.name ?? ""}</span>${icon("chevron-down")}</summary>
    <ul>${languages.map(
      ({ code, name, url }) =>
        html`<li><a href=${url} lang=${code} hreflang=${code} aria-current=${code === language ? "true" : nothing}><b>${code.toUpperCase()}</b>${name}${code === language ? icon("check") : nothing}</a></li>`,
    )}</ul>
  </details>`;
}

export function fullScreenButton(t: Translate, actions: StageActions): Part {
  return html`<button class="btn glass icon" type="button" aria-label=${t("stage.full_screen")} title="${t("stage.full_screen")} (F)" @click=${actions.fullScreen}>${icon("maximize")}</button>`;
}
