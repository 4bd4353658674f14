/** Whether what is shown now is kept: everybody sees it, and nobody why. */

import { html, type TemplateResult } from "lit-html";
import type { Translate } from "./i18n";
import { icon } from "./icons";

/** `look` is the badge's own on a picture. */
export function recorded(yes: boolean, t: Translate, look = ""): TemplateResult {
  return yes
    ? html`<span class="badge ${look}" data-recording="on">${icon("disc")}${t("common.recording")}</span>`
    : html`<span class="badge ${look}" data-recording="off">${icon("circle-off")}${t("common.recording_off")}</span>`;
}
