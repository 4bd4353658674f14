/** Small views that studio and device check share. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Device, DevicesState, Kind, Problem } from "../media/devices";
import type { Quality } from "../media/quality";
import type { MediaStats } from "../media/stats";
import { elsewhereUrl } from "./elsewhere";
import type { Translate } from "./i18n";
import { icon } from "./icons";

export function signalBars({ bars }: Quality): TemplateResult {
  return html`<span class="bars" aria-hidden="true">${[1, 2, 3, 4].map((n) => html`<i class=${n > bars ? "no" : ""}></i>`)}</span>`;
}

export function figures(stats: MediaStats, t: Translate): string {
  const figure = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));
  const rate = stats.bitrateBps === null ? null : stats.bitrateBps / 1_000_000;
  return t("media.quality.figures", {
    rtt: figure(stats.rttMs, 0),
    loss: figure(stats.lossPercent, 1),
    rate: figure(rate, 1),
  });
}

/** One select per kind; hidden choice lists of a single nameless device help nobody. */
export function deviceSelect(
  kind: Kind,
  devices: DevicesState,
  choose: (kind: Kind, id: string) => void,
  t: Translate,
): TemplateResult {
  const present = kind === "camera" ? devices.cameras : devices.microphones;
  const current = devices[kind]?.getSettings().deviceId ?? "";
  const name = (device: Device, index: number) =>
    device.label === "" ? t(`studio.${kind}_number`, { n: index + 1 }) : device.label;
  return html`<div class="field">
    <label for=${`choose-${kind}`}>${t(`studio.${kind}`)}</label>
    <select
      class="input"
      id=${`choose-${kind}`}
      ?disabled=${present.length === 0}
      @change=${(event: Event) => choose(kind, (event.target as HTMLSelectElement).value)}
    >
      ${present.length === 0 ? html`<option>${t("studio.no_device")}</option>` : nothing}
      ${present.map(
        (device, index) =>
          html`<option value=${device.id} ?selected=${device.id === current} .selected=${device.id === current}>${name(device, index)}</option>`,
      )}
    </select>
  </div>`;
}

/** The words of help for what went wrong with a device, most fundamental problem first. */
export function problemHelp(devices: DevicesState): Problem | null {
  const found = [devices.problems.camera, devices.problems.microphone];
  const order: readonly Problem[] = ["insecure", "unsupported", "blocked", "in_use", "none", "unknown"];
  return order.find((problem) => found.includes(problem)) ?? null;
}

export function helpTitle(devices: DevicesState, t: Translate): string {
  const { camera, microphone } = devices.problems;
  const which = camera !== null && microphone !== null ? "both" : camera !== null ? "camera" : "microphone";
  return t(`studio.help.${which}`);
}

/** Permission help: what happened, what to press, how each device stands. */
export function deviceHelp(devices: DevicesState, again: () => void, t: Translate): TemplateResult {
  const problem = problemHelp(devices);
  if (problem === null) return html``;
  const retry = problem !== "insecure" && problem !== "unsupported";
  const row = (kind: Kind) => {
    const word = devices.problems[kind];
    const off = word !== null;
    const symbol = kind === "camera" ? (off ? icon("video-off") : icon("video")) : off ? icon("mic-off") : icon("mic");
    return html`<li class="row">
      ${symbol}<span class="grow">${t(`studio.${kind}`)}</span>
      <span class="lamp small ${off ? "need" : "on"}">${t(`media.short.${word ?? "ok"}`)}</span>
    </li>`;
  };
  return html`<div class="device-help">
    ${problem === "blocked" ? addressBar() : nothing}
    <h2>${helpTitle(devices, t)}</h2>
    <p class="dim">${t(`media.problem.${problem}`)}</p>
    <ul class="rows">${row("camera")}${row("microphone")}</ul>
    ${
      retry
        ? html`<button class="btn ${devices.camera === null && devices.microphone === null ? "primary" : ""}" @click=${again}>
          ${problem === "blocked" ? t("studio.help.allowed") : t("studio.help.again")}
        </button>`
        : otherBrowser(problem, t)
    }
  </div>`;
}

/** A picture of what to press. */
function addressBar(): TemplateResult {
  return html`<p class="address" aria-hidden="true">
    <span class="badge need">${icon("sliders-horizontal")}</span><span class="cut">${location.host}</span>
  </p>`;
}

/** The page that says how; who came from there may look again. */
function otherBrowser(problem: Problem, t: Translate): TemplateResult {
  const url = elsewhereUrl(problem, location.pathname + location.search);
  return html`<a class="btn primary" href=${url}>${icon("external-link")}${t("studio.help.other_browser")}</a>`;
}
