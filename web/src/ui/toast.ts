/** Says once what has happened: on a page with `#toast` for the eye and `#status` for screen readers. */

import { need } from "./page";

const SAID_MS = 4_000;

let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  const toast = need<HTMLElement>("#toast");
  toast.textContent = need<HTMLElement>("#status").textContent = text;
  toast.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast.hidden = true;
  }, SAID_MS);
}
