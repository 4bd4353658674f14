/** Icons of the sprite that the build puts into every page; it collects the names given as plain strings. */

import { html, svg, type TemplateResult } from "lit-html";

export function icon(name: string): TemplateResult {
  return html`<svg class="i" aria-hidden="true">${svg`<use href=${`#i-${name}`}></use>`}</svg>`;
}
