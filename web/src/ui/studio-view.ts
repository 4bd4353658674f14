/** Views of the studio: functions of its state into the slots that the template reserves. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Kind } from "../media/devices";
import { type Clock, times } from "./clocks";
import type { Translate } from "./i18n";
import { icon } from "./icons";
import type { holding } from "./studio-hold";
import { deviceHelp, deviceSelect, figures, signalBars } from "./studio-parts";
import { canGoOnAir, clockText, keyFramesTooRare, mode, type StudioState, troubled } from "./studio-state";

export interface StudioWords {
  readonly t: Translate;
  readonly language: string;
  readonly title: string;
  readonly clocks: readonly Clock[];
  readonly zone: string;
  /** The message for a problem code; a general one for codes without words. */
  readonly problem: (code: string) => string;
  readonly watchUrl: string;
  readonly after: Afterwards;
}

/** Where a show that is over leads on to; empty for who may not read it. */
export interface Afterwards {
  readonly results: string;
  readonly recording: string;
  readonly consent: string;
}

export interface StudioActions {
  readonly open: () => void;
  readonly goOnAir: () => void;
  readonly goBackstage: () => void;
  /** From backstage to the stage, where nobody is on it. */
  readonly comeForward: () => void;
  /** Null where the browser cannot share a screen. */
  readonly toggleScreen: (() => void) | null;
  readonly show: (source: "camera" | "screen") => void;
  readonly takeOver: ReturnType<typeof holding>;
  readonly finish: ReturnType<typeof holding>;
  readonly leave: () => void;
  readonly toggleMic: () => void;
  readonly toggleCamera: () => void;
  readonly more: () => void;
  readonly choose: (kind: Kind, id: string) => void;
}

type Part = TemplateResult | typeof nothing;

/** The bar on top: red while on air, amber while it heals. */
export function topBar(state: StudioState, words: StudioWords): TemplateResult {
  const { t } = words;
  const now = mode(state);
  const clocks = times(state.now + state.clockOffsetMs, words.clocks, words.zone, t).join(" · ");
  return html`
    <h1 class="bar">${now === "air" ? html`<span class="dot"></span>` : nothing}<strong>${t(`studio.mode.${now}`)}</strong></h1>
    ${clock(state, words)}
    <span class="grow cut programme">${words.title}</span>
    <span class="two-clocks small desk">${clocks}</span>
  `;
}

function clock(state: StudioState, { t }: StudioWords): Part {
  if (state.onAirSince !== null && (mode(state) === "air" || mode(state) === "healing")) {
    return html`<span class="clock" role="timer" aria-label=${t("studio.on_air_for")}>${clockText(state.now - state.onAirSince)}</span>`;
  }
  const starts = state.room?.startsAt ?? null;
  if (starts === null || state.room?.state === "ended") return nothing;
  const left = Date.parse(starts) - (state.now + state.clockOffsetMs);
  if (left <= 0 || left >= 86_400_000) return nothing;
  return html`<span class="clock" role="timer">${t("studio.starts_in", { time: clockText(left) })}</span>`;
}

/** What lies over the preview: a strip, a question, or help instead of a picture. */
export function cover(state: StudioState, words: StudioWords, actions: StudioActions): Part {
  const { t } = words;
  const { devices } = state;
  const now = mode(state);
  if (now === "taken") return taken(words, actions);
  if (now === "refused") return refused(state, words, actions);
  if (state.sentAway !== null) return sentAway(state.sentAway, words);
  if (now === "over") return over(words);
  if (devices.phase === "closed") {
    return html`<div class="cover">
      ${icon("video")}
      <h2>${t("studio.ask.title")}</h2>
      <p>${t("studio.ask.text")}</p>
      <button class="btn primary tall" @click=${actions.open}>${t("studio.ask.button")}</button>
    </div>`;
  }
  if (devices.phase === "asking") {
    return html`<div class="cover late">${icon("video")}<h2>${t("studio.asking.title")}</h2><p>${t("studio.asking.text")}</p></div>`;
  }
  const strip = now === "healing" ? html`<p class="strip">${icon("wifi-off")}${t("studio.healing")}</p>` : nothing;
  if (devices.camera === null && devices.microphone === null)
    return html`${strip}${deviceHelp(devices, actions.open, t)}`;
  if (devices.camera === null)
    return html`${strip}<div class="cover">${icon("video-off")}<h2>${t("studio.sound_only")}</h2></div>`;
  if (!state.cameraOn)
    return html`${strip}<div class="cover">${icon("video-off")}<h2>${t("studio.camera_off")}</h2></div>`;
  return strip;
}

/** Help replaces the picture instead of lying over it. */
export function showsHelp(state: StudioState): boolean {
  const { devices } = state;
  if (["taken", "refused", "away", "over"].includes(mode(state)) || devices.phase !== "open") return false;
  return devices.camera === null && devices.microphone === null;
}

function taken({ t }: StudioWords, actions: StudioActions): TemplateResult {
  const { takeOver } = actions;
  return html`<div class="cover solid">
    ${icon("users")}
    <h2>${t("studio.taken.title")}</h2>
    <p>${t("studio.taken.text")}</p>
    <div class="wrap">
      <button class="btn" @click=${actions.leave}>${t("studio.taken.leave")}</button>
      <button
        class="btn hold air"
        title=${t("studio.taken.hold")}
        @pointerdown=${takeOver.pointerdown}
        @pointerup=${takeOver.pointerup}
        @pointerleave=${takeOver.pointerleave}
        @pointercancel=${takeOver.pointercancel}
        @contextmenu=${takeOver.contextmenu}
        @click=${takeOver.click}
      >${t("studio.taken.take_over")}</button>
    </div>
    <p class="small">${t("studio.taken.hold")}</p>
  </div>`;
}

function refused({ publisher }: StudioState, { t, problem }: StudioWords, actions: StudioActions): TemplateResult {
  return html`<div class="cover solid">
    ${icon("triangle-alert")}
    <h2>${t("studio.refused.title")}</h2>
    <p>${problem(publisher.refusal ?? "")}</p>
    ${
      publisher.retryAfterS === null && publisher.phase !== "failed"
        ? html`<button class="btn" @click=${actions.goOnAir}>${t("studio.refused.again")}</button>`
        : html`<p>${t("studio.refused.by_itself")}</p>`
    }
    <button class="btn quiet" @click=${actions.leave}>${t("studio.taken.leave")}</button>
  </div>`;
}

function sentAway(code: string, { t, problem, watchUrl }: StudioWords): TemplateResult {
  return html`<div class="cover solid">
    ${icon("log-out")}
    <h2>${t("studio.away.title")}</h2>
    <p>${problem(code)}</p>
    <a class="btn" href=${watchUrl}>${t("studio.away.watch")}</a>
  </div>`;
}

function over({ t, after, watchUrl }: StudioWords): TemplateResult {
  const link = (href: string, sign: TemplateResult, text: string) =>
    href === "" ? nothing : html`<a class="btn" href=${href}>${sign}${t(text)}</a>`;
  return html`<div class="cover solid">
    ${icon("circle-check")}
    <h2>${t("studio.over.title")}</h2>
    <p>${t("studio.over.text")}</p>
    <div class="wrap">
      ${link(after.recording, icon("clapperboard"), "studio.over.recording")}
      ${link(after.consent, icon("shield-check"), "studio.over.consent")}
      ${after.results === "" ? link(watchUrl, icon("external-link"), "studio.see_stage") : nothing}
    </div>
  </div>`;
}

/** Under the preview: microphone, network, viewers, and what needs attention. */
export function under(state: StudioState, words: StudioWords, actions: StudioActions): TemplateResult {
  const { t } = words;
  const heard = state.devices.microphone !== null;
  const level = !heard
    ? t("studio.no_microphone")
    : state.micOn
      ? t(`media.level.${state.level}`)
      : t("studio.mic_off");
  const on = state.publisher.phase === "live";
  return html`
    <div class="bar mic-line">
      <span class="bar small strong label">${state.micOn && heard ? icon("mic") : icon("mic-off")}${t("studio.microphone")}</span>
      <span class="meter tall grow" id="meter" role="meter" aria-label=${t("studio.mic_level")} aria-valuemin="0" aria-valuemax="100" aria-valuenow="0" aria-valuetext=${level}></span>
      <span class="small dim level-word">${level}</span>
    </div>
    <p class="bar small network" title=${on ? figures(state.stats, t) : ""}>
      ${on ? html`${signalBars(state.quality)}${t(`media.quality.${state.quality.word}`)}` : html`<span class="dim">${t("studio.network_later")}</span>`}
    </p>
    <div class="last"><div class="wrap facts-line">${audience(state, words)}</div>${state.screen.phase === "off" ? attention(state, words, actions) : sharing(state, words, actions)}</div>
  `;
}

/** In the same line, the screen that is shared: what viewers see of it, and the one tap to change that. */
function sharing(state: StudioState, { t, problem }: StudioWords, actions: StudioActions): Part {
  const { phase, refusal } = state.screen;
  if (phase === "refused")
    return html`<p class="note-need small" id="sharing">${icon("triangle-alert")}<span>${problem(refusal ?? "")}</span></p>`;
  const shown = state.seen && state.picture === "screen";
  const key =
    phase === "starting"
      ? "starting"
      : phase === "healing"
        ? "healing"
        : shown
          ? "seen"
          : state.seen
            ? "unseen"
            : "waits";
  const other = shown ? "camera" : "screen";
  const turn =
    phase === "live" && state.seen
      ? html`<button class="btn" type="button" id="show-other" @click=${() => actions.show(other)}>${t(`studio.screen.show_${other}`)}</button>`
      : nothing;
  return html`<div class="bar small" id="sharing" data-screen=${phase}>${icon("monitor-up")}<span class="grow">${t(`studio.screen.${key}`)}</span>${turn}</div>`;
}

function audience(state: StudioState, { t, language }: StudioWords): Part {
  const { room } = state;
  if (room === null) return nothing;
  // The room's own news is seconds old just after going on air.
  const seen = (room.onAir || mode(state) === "air") && room.state !== "ended";
  const count = new Intl.NumberFormat(language).format(room.viewers);
  return html`<strong class="lead" id="viewers">${room.viewers === 1 ? t("studio.one_viewer") : t("studio.viewers", { count })}</strong>
    ${state.interest ? html`<strong class="small" id="interest">${t("studio.interest", { count: state.interest })}</strong>` : nothing}
    <span class="dim small">${mode(state) === "backstage" ? t("studio.backstage.text") : t(`studio.room.${seen ? "on_air" : room.state}`)}</span>`;
}

/** One reserved line: the most pressing thing, or nothing. */
function attention(state: StudioState, { t }: StudioWords, actions: StudioActions): TemplateResult {
  const rare = keyFramesTooRare(state.room);
  const kinds = troubled(state.devices);
  const kind = kinds.length === 1 ? kinds[0] : undefined;
  const problem = kind === undefined ? null : state.devices.problems[kind];
  const said =
    rare !== null
      ? t("studio.key_frames", { seconds: (rare / 1_000).toFixed(1) })
      : kind !== undefined && problem !== null && state.devices.phase === "open"
        ? `${t(`studio.help.${kind}`)}. ${t(`media.problem.${problem}`)}`
        : null;
  const again =
    rare !== null || problem === null || problem === "insecure" || problem === "unsupported"
      ? nothing
      : html`<button class="btn quiet" @click=${actions.open}>${t("studio.help.again")}</button>`;
  return html`<div class="attention">${said === null ? nothing : html`<p class="note-need small">${icon("triangle-alert")}<span>${said}</span>${again}</p>`}</div>`;
}

/** Right side: what one sets before the show; quiet while on air. */
export function settings(state: StudioState, { t }: StudioWords, actions: StudioActions): TemplateResult {
  return html`<header><h2 class="lead" id="devices-title">${t("studio.devices")}</h2></header>
    <div class="choices">
      ${deviceSelect("camera", state.devices, actions.choose, t)} ${deviceSelect("microphone", state.devices, actions.choose, t)}
    </div>`;
}

/** The bottom bar: microphone, camera, more, and the one big decision; `ready` comes first while the turn is to come. */
export function dock(state: StudioState, words: StudioWords, actions: StudioActions, ready: Part): TemplateResult {
  const { t, after } = words;
  const { devices } = state;
  if (mode(state) === "over")
    return html`${
      after.results === ""
        ? nothing
        : html`<a class="btn primary decide push" id="results" href=${after.results}>${icon("clipboard-list")}${t("studio.over.results")}</a>`
    }`;
  const toggle = (on: boolean, there: boolean, key: string, name: string, symbol: TemplateResult, press: () => void) =>
    html`<button class="btn toggle" aria-pressed=${on && there ? "true" : "false"} ?disabled=${!there} title="${name} (${key})" @click=${press}>${symbol}<span>${name}</span></button>`;
  return html`
    ${toggle(state.micOn, devices.microphone !== null, "M", t("studio.microphone"), state.micOn ? icon("mic") : icon("mic-off"), actions.toggleMic)}
    ${toggle(state.cameraOn, devices.camera !== null, "V", t("studio.camera"), state.cameraOn ? icon("video") : icon("video-off"), actions.toggleCamera)}
    ${screenButton(state, words, actions)}
    <button class="btn quiet more" id="more-button" aria-haspopup="dialog" @click=${actions.more}>${icon("sliders-horizontal")}<span>${t("studio.more.button")}</span></button>
    ${decision(state, words, actions, ready)}
  `;
}

function screenButton({ screen, publisher }: StudioState, { t }: StudioWords, actions: StudioActions): Part {
  const { toggleScreen } = actions;
  const on = screen.phase !== "off" && screen.phase !== "refused";
  if (toggleScreen === null || (!on && publisher.phase !== "live")) return nothing;
  return html`<button class="btn desk" type="button" id="screen" aria-pressed=${on ? "true" : "false"} @click=${toggleScreen}>${on ? icon("monitor-x") : icon("monitor-up")}<span>${t(on ? "studio.screen.stop" : "studio.screen.share")}</span></button>`;
}

function decision(state: StudioState, { t }: StudioWords, actions: StudioActions, first: Part): TemplateResult {
  const now = mode(state);
  if (now === "air" || now === "healing") {
    const { finish } = actions;
    return html`<span class="small push desk ${state.hintHold ? "strong" : "dim"}" id="hold-hint">${t("studio.hold_hint")}</span>
      <button
        class="btn hold air decide"
        id="finish"
        aria-describedby="hold-hint"
        @pointerdown=${finish.pointerdown}
        @pointerup=${finish.pointerup}
        @pointerleave=${finish.pointerleave}
        @pointercancel=${finish.pointercancel}
        @contextmenu=${finish.contextmenu}
        @click=${finish.click}
      >${state.hintHold ? html`<span class="phone">${t("studio.keep_holding")}</span><span class="desk">${t("studio.finish")}</span>` : t("studio.finish")}</button>`;
  }
  if (now === "backstage") {
    const forward = state.occupied
      ? nothing
      : html`<button class="btn ${first === nothing ? "primary decide" : "go"}" id="go" @click=${actions.comeForward}>${icon("radio")}${t("studio.go_on_air")}</button>`;
    return html`<span class="small dim push desk">${t("studio.backstage.text")}</span>
      <button class="btn" id="leave" @click=${actions.leave}>${t("studio.backstage.leave")}</button>${forward}${first}`;
  }
  const ready = canGoOnAir(state) && (now === "waiting" || now === "elsewhere");
  const label =
    now === "starting" ? "studio.mode.starting" : state.occupied ? "studio.backstage.go" : "studio.go_on_air";
  const act = state.occupied ? actions.goBackstage : actions.goOnAir;
  return html`<span class="small dim push desk">${ready && now !== "elsewhere" ? t("studio.nobody_sees") : nothing}</span>
    <button class="btn ${first === nothing ? "primary decide" : "go"}" id="go" ?disabled=${!ready} @click=${act}>${icon("radio")}${t(label)}</button>${first}`;
}

export type Question = "finish_ask" | "take_ask";

/** What is asked in words before somebody goes off air by keyboard. */
export function question(
  name: Question,
  verb: "finish" | "take",
  text: string,
  actions: { readonly stay: () => void; readonly agreed: () => void },
  t: Translate,
): TemplateResult {
  return html`<h2>${t(`studio.${name}.title`)}</h2>
    <p class="dim">${t(text)}</p>
    <div class="wrap ends">
      <button class="btn" autofocus @click=${actions.stay}>${t(`studio.${name}.stay`)}</button>
      <button class="btn air-edge" id="agree" @click=${actions.agreed}>${t(`studio.${name}.${verb}`)}</button>
    </div>`;
}

/** What a screen reader is told when the mode changes. */
export function announcement(state: StudioState, { t }: StudioWords): string {
  const now = mode(state);
  return now === "taken"
    ? t("studio.taken.title")
    : now === "refused"
      ? t("studio.refused.title")
      : now === "away"
        ? t("studio.away.title")
        : t(`studio.mode.${now}`);
}
