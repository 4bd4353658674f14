/** The status page: asks for itself again every few seconds and shows the newer figures; what changes for the worse or better is said. */

import { closeMenusKindly } from "../ui/menus";
import { need } from "../ui/page";

/** The first figures of speed span the time since somebody last looked; soon there are current ones. */
const FIRST_MS = 2_000;
const EVERY_MS = 5_000;
const PATIENCE_MS = 10_000;

closeMenusKindly();
setTimeout(() => void freshen(), FIRST_MS);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void ask();
});

async function freshen(): Promise<void> {
  if (document.visibilityState === "visible") await ask();
  setTimeout(() => void freshen(), EVERY_MS);
}

async function ask(): Promise<void> {
  const strip = need<HTMLElement>("#strip");
  try {
    const answer = await fetch(location.pathname, {
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.status >= 500) throw new Error("away");
    if (!answer.ok) return location.reload();
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    strip.replaceChildren();
  } catch {
    if (strip.childElementCount > 0) return;
    const words = document.createElement("p");
    words.className = "strip";
    words.textContent = strip.dataset.away ?? "";
    strip.append(words);
    need("#say").textContent = words.textContent;
  }
}

/** Who has tabbed to a link stays there. */
function show(page: Document): void {
  const fresh = page.querySelector("#fresh");
  if (fresh === null) return;
  const before = need("#verdict").textContent;
  const focused = document.activeElement?.closest<HTMLAnchorElement>("#fresh a")?.getAttribute("href");
  need("#fresh").replaceChildren(...fresh.childNodes);
  if (focused)
    document.querySelector<HTMLElement>(`#fresh a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  const verdict = need("#verdict").textContent;
  if (verdict !== before) need("#say").textContent = verdict;
}
