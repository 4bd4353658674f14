/** The front page, the programme, and pages that need no live state: menus close kindly, times are the reader's own. */

import type { Clock } from "../ui/clocks";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { ownTimes } from "../ui/own-times";
import { pageData } from "../ui/page";

const STALE_AFTER_MS = 60_000;

const data = pageData<{ clocks?: readonly Clock[] }>();
closeMenusKindly();
ownTimes(data.clocks ?? [], translator(data.messages));

// A front page left behind comes back fresh.
let hiddenAtMs: number | null = null;
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    hiddenAtMs = Date.now();
    return;
  }
  const stale = hiddenAtMs !== null && Date.now() - hiddenAtMs > STALE_AFTER_MS;
  if (stale && document.getElementById("live") !== null) location.reload();
});
