/** Texts of people side by side: none can turn the direction of another. */

import { html, type TemplateResult } from "lit-html";

/** A person's text within a message of ours: FSI and PDI (Unicode UAX 9) do what `<bdi>` does in markup. */
export function isolatedText(text: string): string {
  return `\u2068${text}\u2069`;
}

/** Those that are not empty, each in a `<bdi>` of its own. */
export function isolated(texts: readonly string[], between: string): TemplateResult {
  const told = texts.filter((text) => text !== "");
  return html`${told.map((text, index) => html`${index === 0 ? "" : between}<bdi>${text}</bdi>`)}`;
}
