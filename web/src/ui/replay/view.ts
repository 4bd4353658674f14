/** What the replay draws: controls, cover, strip, health. Functions of facts. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { ReplayFacts, ReplayStats } from "../../media/replay";
import { bars } from "../bars";
import type { Translate } from "../i18n";
import { icon } from "../icons";
import { type Chapter, chapterAt } from "./chapters";
import type { Health } from "./health";
import { SPEEDS } from "./memory";
import { clockText, spoken } from "./times";

export type Part = TemplateResult | typeof nothing;

export interface Scene {
  readonly player: ReplayFacts;
  readonly chapters: readonly Chapter[];
  readonly online: boolean;
  readonly speed: number;
  readonly volume: number;
  readonly muted: boolean;
  readonly volumeSettable: boolean;
  /** Where one left off, before the first play. */
  readonly resumeS: number | null;
  /** A browser that plays neither way. */
  readonly unable: boolean;
  readonly health: Health;
  readonly healthOpen: boolean;
  readonly live: boolean;
  readonly stageUrl: string;
}

export interface Actions {
  readonly toggle: () => void;
  readonly begin: () => void;
  readonly seek: (seconds: number) => void;
  readonly skip: (seconds: number) => void;
  readonly next: () => void;
  readonly previous: () => void;
  readonly setSpeed: (speed: number) => void;
  readonly setVolume: (volume: number) => void;
  readonly mute: () => void;
  readonly retry: () => void;
  readonly fullScreen: () => void;
  readonly toggleHealth: () => void;
}

const EDGE_S = 1.5;

/** `1.25×` as the reader writes numbers. */
export function speedText(speed: number, language: string): string {
  return `${new Intl.NumberFormat(language).format(speed)}×`;
}

export function playing({ phase }: ReplayFacts): boolean {
  return phase === "playing" || phase === "waiting" || phase === "loading";
}

export function strip({ player, online }: Scene, t: Translate): Part {
  const key = stripKey(player, online);
  return key === null ? nothing : html`<p class="strip">${icon("rotate-ccw")}${t(key)}</p>`;
}

function stripKey({ phase, trouble }: ReplayFacts, online: boolean): string | null {
  if (phase === "idle" || phase === "ended" || phase === "failed") return null;
  if (!online) return "replay.offline";
  return trouble ? "replay.trouble" : null;
}

export function cover(scene: Scene, t: Translate, actions: Actions): Part {
  const { player, resumeS, unable } = scene;
  const big = (name: string, act: () => void) =>
    html`<button class="btn play" type="button" aria-label=${name} title="${name} (Space)" @click=${act}>${icon("play")}</button>`;
  const said = (name: string, more: Part) =>
    html`<div class="cover"><h2>${t(`replay.${name}.title`)}</h2><p>${t(`replay.${name}.text`)}</p>${more}</div>`;
  if (unable) return said("unable", nothing);
  switch (player.phase) {
    case "idle":
      if (resumeS === null) return html`<div class="cover clear">${big(t("replay.play"), actions.toggle)}</div>`;
      return html`<div class="cover">
        ${big(t("replay.resume", { time: clockText(resumeS, player.lengthS) }), actions.toggle)}
        <p class="strong" aria-hidden="true">${t("replay.resume", { time: clockText(resumeS, player.lengthS) })}</p>
        <button class="btn" type="button" @click=${actions.begin}>${t("replay.from_start")}</button>
      </div>`;
    case "paused":
      return html`<div class="cover clear">${big(t("replay.play"), actions.toggle)}</div>`;
    case "ended":
      return over(scene, t, actions);
    case "failed":
      return said(
        "failed",
        html`<button class="btn" type="button" @click=${actions.retry}>${icon("rotate-ccw")}${t("replay.retry")}</button>`,
      );
    case "loading":
    case "waiting":
      // A show that is on has no end yet: playing waits there for what comes.
      if (scene.live && player.lengthS - player.seconds < EDGE_S) return over(scene, t, actions);
      return html`<div class="cover clear late"><p class="badge glass">${t("replay.loading")}</p></div>`;
    case "playing":
      return nothing;
  }
}

function over({ live, stageUrl }: Scene, t: Translate, actions: Actions): Part {
  return html`<div class="cover"><h2>${t(live ? "replay.caught_up" : "replay.ended")}</h2>
    <div class="wrap"><button class="btn" type="button" @click=${actions.begin}>${icon("rotate-ccw")}${t("replay.again")}</button>
    <a class="btn" href=${stageUrl}>${t(live ? "replay.to_live" : "replay.to_stage")}</a></div></div>`;
}

export function signal({ health, healthOpen, player }: Scene, t: Translate, actions: Actions): Part {
  if (healthOpen || player.phase === "idle" || player.phase === "failed") return nothing;
  const label = t("replay.health.open", { word: t(`replay.health.${health.word}`) });
  return html`<button class="btn glass icon" type="button" aria-expanded="false" aria-label=${label} title="${label} (Q)" @click=${actions.toggleHealth}>${bars(health)}</button>`;
}

export function healthPanel(scene: Scene, stats: ReplayStats, language: string, t: Translate, actions: Actions): Part {
  const { health, healthOpen, player } = scene;
  if (!healthOpen) return nothing;
  const number = (value: number, digits = 0) =>
    new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  const rate = (bps: number | null) => (bps === null ? "–" : `${number(bps / 1_000_000, 2)} Mb/s`);
  const row = (key: string, value: string) => html`<dt>${t(`replay.health.${key}`)}</dt><dd>${value}</dd>`;
  return html`<section class="quality" aria-labelledby="quality-title">
    <header><h2 id="quality-title">${bars(health)} ${t(`replay.health.${health.word}`)}</h2>
      <button class="btn quiet icon" type="button" aria-label=${t("common.close")} title="${t("common.close")} (Q)" @click=${actions.toggleHealth}>${icon("x")}</button></header>
    <p>${t(`replay.health.${health.word}_text`)}</p>
    <dl>
      ${row("ahead", t("replay.seconds", { count: number(player.aheadS) }))}
      ${row("network", rate(stats.bandwidthBps))}
      ${row("needed", rate(stats.bitrateBps))}
      ${row("size", stats.width === 0 ? "–" : `${stats.width} × ${stats.height}`)}
      ${row("dropped", number(stats.dropped))}
    </dl>
  </section>`;
}

/** The scrubber with its parts and moments, and the row of keys under it. */
export function controls(scene: Scene, language: string, t: Translate, actions: Actions): Part {
  const { player, chapters } = scene;
  const { seconds, lengthS } = player;
  const here = chapterAt(chapters, seconds);
  const said = t("replay.at", { time: spoken(seconds, t), company: here?.company ?? "" });
  const key = (name: string, hint: string, sign: TemplateResult, act: () => void, more = "") =>
    html`<button class="btn quiet icon ${more}" type="button" aria-label=${name} title="${name} (${hint})" @click=${act}>${sign}</button>`;
  return html`
    <div class="track">
      <div class="stretches" aria-hidden="true">${chapters.map(() => html`<i></i>`)}</div>
      <div class="marks desk" aria-hidden="true">${chapters.flatMap(({ cues }) => cues).map(() => html`<i></i>`)}</div>
      <span class="knob" aria-hidden="true"></span>
      <input type="range" min="0" max=${Math.floor(lengthS)} step="1" .value=${live(String(Math.floor(seconds)))} aria-label=${t("replay.position")} aria-valuetext=${said}
        @input=${(event: Event) => actions.seek(Number((event.target as HTMLInputElement).value))}>
      <span class="bubble badge glass" aria-hidden="true" hidden></span>
    </div>
    <div class="bar keys-row">
      ${playing(player) ? key(t("replay.pause"), t("replay.keys.space"), icon("pause"), actions.toggle) : key(t("replay.play"), t("replay.keys.space"), icon("play"), actions.toggle)}
      ${key(t("replay.back_ten"), "←", icon("rotate-ccw"), () => actions.skip(-10))}
      ${key(t("replay.on_ten"), "→", icon("rotate-cw"), () => actions.skip(10), "desk")}
      ${key(t("replay.previous"), "[", icon("skip-back"), actions.previous, "desk")}
      ${key(t("replay.next"), "]", icon("skip-forward"), actions.next)}
      <span class="small time"><span>${clockText(seconds, lengthS)}</span> <span class="dim">/ ${clockText(lengthS, lengthS)}</span></span>
      <span class="grow"></span>
      ${volume(scene, t, actions)}
      <details class="menu up" id="speed">
        <summary class="btn quiet" aria-label="${t("replay.speed")}: ${speedText(scene.speed, language)}" title="${t("replay.speed")} (< >)">${speedText(scene.speed, language)}</summary>
        <ul>${SPEEDS.map(
          (speed) =>
            html`<li><button type="button" aria-pressed=${speed === scene.speed} @click=${(event: Event) => {
              (event.currentTarget as Element).closest("details")?.removeAttribute("open");
              actions.setSpeed(speed);
            }}>${speedText(speed, language)}${speed === scene.speed ? icon("check") : nothing}</button></li>`,
        )}</ul>
      </details>
      ${key(t("replay.full_screen"), "F", icon("maximize"), actions.fullScreen)}
    </div>`;
}

function volume({ volume, muted, volumeSettable }: Scene, t: Translate, actions: Actions): Part {
  const name = t(muted ? "replay.unmute" : "replay.mute");
  const percent = Math.round(volume * 100);
  return html`<span class="volume-slot desk">
    <button class="btn quiet icon" type="button" aria-label=${name} title="${name} (M)" @click=${actions.mute}>${muted ? icon("volume-x") : icon("volume-2")}</button>
    ${
      volumeSettable
        ? html`<input class="range" type="range" min="0" max="100" .value=${live(String(percent))} aria-label=${t("replay.volume")} aria-valuetext="${percent} %" @input=${(event: Event) => actions.setVolume(Number((event.target as HTMLInputElement).value) / 100)}>`
        : nothing
    }
  </span>`;
}

export function announcement(player: ReplayFacts, t: Translate): string | null {
  switch (player.phase) {
    case "ended":
      return t("replay.ended");
    case "failed":
      return `${t("replay.failed.title")} ${t("replay.failed.text")}`;
    default:
      return null;
  }
}

/** The product on show, and whether interest in it is known. */
export interface Noting {
  readonly product: string;
  readonly noted: boolean;
  readonly sending: boolean;
  readonly press: () => void;
}

function interested({ product, noted, sending, press }: Noting, t: Translate, main: boolean): TemplateResult {
  const sign = noted ? icon("bookmark-check") : icon("bookmark");
  return html`<button class="btn ${noted || !main ? "" : "primary"}" type="button" id="interested" aria-pressed=${noted} aria-busy=${sending} @click=${press}>${main ? sign : nothing}<span class="two">${t(noted ? "replay.noted" : "replay.interested")}<small class="cut">${product}</small></span></button>`;
}

/** What stands under the thumb. */
export function act(
  { live, stageUrl }: Scene,
  noting: Noting | null,
  stand: string | null,
  t: Translate,
  copy: () => void,
): Part {
  const words = t("replay.copy_moment");
  const link = html`<button class="btn" type="button" @click=${copy}>${icon("link")}<span>${words}</span></button>`;
  if (live) {
    const back = html`<a class="btn primary" href=${stageUrl}>${icon("radio")}<span>${t("replay.to_live")}</span></a>`;
    if (noting === null) return html`${link}${back}`;
    const small = html`<button class="btn icon" type="button" aria-label=${words} title=${words} @click=${copy}>${icon("link")}</button>`;
    return html`${small}${interested(noting, t, false)}${back}`;
  }
  if (noting !== null) return html`${link}${interested(noting, t, true)}`;
  if (stand === null) return link;
  return html`${link}<a class="btn primary" href=${stand}>${icon("store")}<span>${t("replay.stand_page")}</span></a>`;
}
