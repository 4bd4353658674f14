/** A recording's page and the consent's: whole without script; here menus close, times are own, figures and a film's progress move. */

import type { Clock } from "../ui/clocks";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { ownTimes } from "../ui/own-times";
import { pageData } from "../ui/page";

const ASK_EVERY_MS = 1_000;
const FRESH_EVERY_MS = 4_000;

const data = pageData<{ clocks: readonly Clock[] }>();
closeMenusKindly();
ownTimes(data.clocks, translator(data.messages));
if (isGrowing(document)) freshen();

const film = document.getElementById("film-state");
if (film?.dataset.stage === "waiting" || film?.dataset.stage === "making") follow(film.dataset.url ?? "");

/** Show how far the film is, and the page anew when that is decided. */
function follow(url: string): void {
  window.setTimeout(async () => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer === null || answer.status >= 500) return follow(url);
    const { stage, done } = answer.ok
      ? ((await answer.json()) as { stage: string; done: number })
      : { stage: "", done: 0 };
    if (stage !== "waiting" && stage !== "making") return location.reload();
    const percent = Math.floor(done * 100);
    document.getElementById("film-bar")?.setAttribute("value", String(percent));
    const told = document.getElementById("film-done");
    if (told !== null) told.textContent = `${percent} %`;
    follow(url);
  }, ASK_EVERY_MS);
}

function isGrowing(page: Document): boolean {
  return page.getElementById("recording-figures")?.dataset.growing !== undefined;
}

/** Show the figures of this moment while the recording grows; the whole page anew when it is over and nobody writes on it. */
function freshen(): void {
  window.setTimeout(async () => {
    if (document.hidden) return freshen();
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer === null || answer.status >= 500) return freshen();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.getElementById("recording-figures") === null) return;
    for (const id of ["recording-trouble", "recording-figures"]) {
      const old = document.getElementById(id);
      const fresh = page.getElementById(id);
      if (old !== null && fresh !== null && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    }
    const busy = document.activeElement instanceof HTMLInputElement || document.querySelector("details[open]") !== null;
    if (isGrowing(page) || busy) freshen();
    else location.reload();
  }, FRESH_EVERY_MS);
}
