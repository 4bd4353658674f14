/** Signal bars; words stand beside them or in their button's name. */

import { html, type TemplateResult } from "lit-html";

export function bars({ bars }: { readonly bars: number }): TemplateResult {
  return html`<span class="bars" aria-hidden="true">${[1, 2, 3, 4].map((at) => html`<i class=${at <= bars ? "" : "no"}></i>`)}</span>`;
}
