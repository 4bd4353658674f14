/** The More panel: WHIP address and bearer token for OBS, FFmpeg and GStreamer. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Translate } from "./i18n";
import { icon } from "./icons";

export interface EncoderAccess {
  readonly url: string;
  readonly token: string;
}

export interface EncoderPanel {
  readonly access: EncoderAccess;
  readonly revealed: boolean;
  /** Which piece was copied last. */
  readonly copied: string | null;
  readonly keyFrameMs: number | null;
  reveal(): void;
  copy(piece: string, text: string): void;
  close(): void;
}

const MASK = "••••••••••••";

/** A command line for FFmpeg 8, the first with WHIP: baseline, no B frames, a key frame each second. Pure. */
export function ffmpegLine({ url, token }: EncoderAccess): string {
  return [
    "ffmpeg -re -i show.mp4",
    "-c:v libx264 -profile:v baseline -pix_fmt yuv420p -preset veryfast -tune zerolatency",
    "-r 30 -g 30 -bf 0 -b:v 2500k -maxrate 2500k -bufsize 2500k",
    "-c:a libopus -ar 48000 -ac 2 -b:a 96k",
    `-f whip -authorization "${token}" "${url}"`,
  ].join(" \\\n  ");
}

/** A pipeline for GStreamer 1.24 with the Rust plugins. Pure. */
export function gstreamerLine({ url, token }: EncoderAccess): string {
  return [
    "gst-launch-1.0 whipclientsink name=out",
    `signaller::whip-endpoint="${url}" signaller::auth-token="${token}"`,
    'video-caps="video/x-h264,profile=constrained-baseline" audio-caps="audio/x-opus"',
    "autovideosrc ! videoconvert ! queue ! out.",
    "autoaudiosrc ! audioconvert ! audioresample ! queue ! out.",
  ].join(" \\\n  ");
}

export function encoderPanel(panel: EncoderPanel, t: Translate): TemplateResult {
  const { access, revealed } = panel;
  const shown = revealed ? access : { ...access, token: MASK };
  const line = (piece: string, name: string, of: (access: EncoderAccess) => string) => html`<details class="ready-line">
    <summary>${name}${icon("chevron-down")}</summary>
    <div>
      <pre tabindex="0" role="region" aria-label=${name}><code>${of(shown)}</code></pre>
      ${copyButton(t, panel, piece, of(access))}
    </div>
  </details>`;
  return html`
    <header class="bar">
      <h2 class="grow" id="more-title">${t("studio.more.title")}</h2>
      <button class="btn quiet icon" aria-label=${t("studio.close")} title="${t("studio.close")} (Esc)" @click=${panel.close}>${icon("x")}</button>
    </header>
    <p class="dim small">${t("studio.more.intro")}</p>
    ${
      panel.keyFrameMs === null
        ? nothing
        : html`<p class="note-need small">${icon("triangle-alert")}<span>${t("studio.key_frames", { seconds: (panel.keyFrameMs / 1_000).toFixed(1) })}</span></p>`
    }
    <div class="field">
      <label for="whip-url">${t("studio.more.url")}</label>
      <div class="with-copy">
        <input class="input" id="whip-url" readonly .value=${access.url} />
        ${copyButton(t, panel, "url", access.url)}
      </div>
    </div>
    <div class="field">
      <label for="whip-token">${t("studio.more.token")}</label>
      <div class="with-copy">
        <input class="input" id="whip-token" readonly .value=${shown.token} aria-describedby="token-hint" />
        <button class="btn" aria-pressed=${revealed ? "true" : "false"} @click=${panel.reveal}>
          ${revealed ? icon("eye-off") : icon("eye")}${revealed ? t("studio.more.hide") : t("studio.more.show")}
        </button>
        ${copyButton(t, panel, "token", access.token)}
      </div>
      <span class="hint" id="token-hint">${t("studio.more.secret")}</span>
    </div>
    <div>
      <h3>${t("studio.more.lines")}</h3>
      <details class="ready-line">
        <summary>OBS Studio 30+${icon("chevron-down")}</summary>
        <ol class="steps small">
          <li>${t("studio.more.obs_1")}</li>
          <li>${t("studio.more.obs_2")}</li>
          <li>${t("studio.more.obs_3")}</li>
        </ol>
      </details>
      ${line("ffmpeg", "FFmpeg 8+", ffmpegLine)} ${line("gstreamer", "GStreamer 1.24+", gstreamerLine)}
    </div>
  `;
}

function copyButton(t: Translate, panel: EncoderPanel, piece: string, text: string): TemplateResult {
  const done = panel.copied === piece;
  return html`<button class="btn" @click=${() => panel.copy(piece, text)}>
    ${done ? icon("check") : icon("copy")}${done ? t("studio.copied") : t("studio.copy")}
  </button>`;
}
