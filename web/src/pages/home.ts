/** The front page, and pages that need no live state: menus close kindly; a front page left behind comes back fresh. */

import { closeMenusKindly } from "../ui/menus";

const STALE_AFTER_MS = 60_000;

closeMenusKindly();

let hiddenAtMs: number | null = null;
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    hiddenAtMs = Date.now();
    return;
  }
  const stale = hiddenAtMs !== null && Date.now() - hiddenAtMs > STALE_AFTER_MS;
  if (stale && document.getElementById("live") !== null) location.reload();
});
