/** What the server wrote into the page for its script; read once. */

export interface PageData {
  readonly language: string;
  readonly messages: Readonly<Record<string, string>>;
}

/** Parse `<script type="application/json" id="page-data">`. The server renders it from a typed struct, so its shape is trusted. */
export function pageData<T = unknown>(): T & PageData {
  const element = document.getElementById("page-data");
  if (element === null) throw new Error("the page carries no page-data");
  return JSON.parse(element.textContent ?? "") as T & PageData;
}

/** The element that a template promises to this script. */
export function need<T extends Element>(selector: string): T {
  const element = document.querySelector<T>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}
