/** The organiser's page: the clocks of both sides; what moves on it follows the room. */

import { type Clock, times } from "../ui/clocks";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import { tabs } from "../ui/tabs";

const TICK_MS = 1_000;

const page = pageData<{ readonly clocks: readonly Clock[] }>();
const t = translator(page.messages);

function tick(): void {
  need("#clocks").textContent = times(Date.now(), page.clocks, page.clocks[0]?.zone ?? "UTC", t).join(" · ");
}

closeMenusKindly();
tabs(need("#tabs"));
setInterval(tick, TICK_MS);
tick();
