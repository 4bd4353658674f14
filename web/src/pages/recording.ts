/** A recording's page and the consent's: whole without script; here menus close, times are own, a film's progress moves. */

import type { Clock } from "../ui/clocks";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { ownTimes } from "../ui/own-times";
import { pageData } from "../ui/page";

const ASK_EVERY_MS = 1_000;

const data = pageData<{ clocks: readonly Clock[] }>();
closeMenusKindly();
ownTimes(data.clocks, translator(data.messages));

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
