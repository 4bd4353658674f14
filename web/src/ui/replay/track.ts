/** The scrubber's pieces where they belong, and what lies under the pointer. */

import { chapterAt, stretches } from "./chapters";
import { clockText } from "./times";
import type { Scene } from "./view";

/** Of the whole length: so near to a product's mark its name is said. */
const NEAR = 0.006;

/** Put the scrubber's pieces where they belong: by CSSOM, so that a strict style-src holds. */
export function place(track: HTMLElement, { player, chapters }: Scene): void {
  const { seconds, lengthS } = player;
  const share = (at: number) => Math.min(1, at / Math.max(lengthS, 0.001)).toFixed(5);
  const pieces = track.querySelectorAll<HTMLElement>(".stretches > i");
  for (const [index, { width, seen }] of stretches(chapters, seconds, lengthS).entries()) {
    pieces[index]?.style.setProperty("--w", width.toFixed(5));
    pieces[index]?.style.setProperty("--p", seen.toFixed(4));
  }
  const marks = track.querySelectorAll<HTMLElement>(".marks > i");
  for (const [index, { atS }] of chapters.flatMap(({ cues }) => cues).entries())
    marks[index]?.style.setProperty("--at", share(atS));
  track.querySelector<HTMLElement>(".knob")?.style.setProperty("--at", share(seconds));
}

/** What lies under the pointer on the scrubber: time, part, and the product if it is near one. */
function bubble(
  track: HTMLElement,
  at: number | null,
  { player, chapters }: Scene,
  name: (product: string) => string,
): void {
  const label = track.querySelector<HTMLElement>(".bubble");
  if (label === null) return;
  label.hidden = at === null || player.lengthS === 0;
  if (at === null) return;
  const seconds = at * player.lengthS;
  const chapter = chapterAt(chapters, seconds);
  const near = chapter?.cues.find(({ atS }) => Math.abs(atS - seconds) < player.lengthS * NEAR);
  label.style.setProperty("--at", at.toFixed(4));
  label.textContent = [clockText(seconds, player.lengthS), near ? name(near.product) : chapter?.company]
    .filter(Boolean)
    .join(" · ");
}

/** Follow the pointer over the scrubber; `scene` is what it shows now. */
export function underPointer(keys: HTMLElement, scene: () => Scene, name: (product: string) => string): void {
  keys.addEventListener("pointermove", (event) => {
    const track = keys.querySelector<HTMLElement>(".track");
    if (track === null || !track.contains(event.target as Node)) return bubble(keys, null, scene(), name);
    const { left, width } = track.getBoundingClientRect();
    bubble(keys, Math.min(1, Math.max(0, (event.clientX - left) / width)), scene(), name);
  });
  keys.addEventListener("pointerleave", () => bubble(keys, null, scene(), name));
}
