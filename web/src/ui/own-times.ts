/** Times that the server wrote for the expo's cities: the reader's own comes first (`when` and `both_times` in macros.html). */

import { type Clock, ownZone, time, times } from "./clocks";
import type { Translate } from "./i18n";

export function ownTimes(clocks: readonly Clock[], t: Translate, zone: string = ownZone()): void {
  const first = clocks[0];
  if (first === undefined) return;
  for (const place of document.querySelectorAll<HTMLTimeElement>("time[data-times]")) {
    // Days stand above or beside a time as the first city's, so that shifts count from there.
    const lines = times(Date.parse(place.dateTime), clocks, zone, t, first.zone);
    const kind = place.dataset.times ?? "";
    if (kind === "line") place.replaceChildren(...lines.flatMap(inLine));
    else if (kind === "column") place.replaceChildren(...lines.map(column));
    else place.textContent = within(kind, time(Date.parse(place.dateTime), zone), t);
  }
}

/** `<span class="keep">14:30 Hanoi ·</span> `: each whole on its line, and no line begins with the dot. */
function inLine(line: string, index: number, lines: readonly string[]): (Node | string)[] {
  const element = document.createElement("span");
  element.className = "keep";
  element.textContent = index < lines.length - 1 ? `${line} ·` : line;
  return index === 0 ? [element] : [" ", element];
}

/** The time alone, or in the words of a message with `{time}`. */
function within(key: string, text: string, t: Translate): string {
  return key === "short" ? text : t(key, { time: text });
}

/** `<b>14:30 <small>Hanoi</small></b>` for the first, `<span>16:30 Seoul</span>` for the others. */
function column(line: string, index: number): HTMLElement {
  const element = document.createElement(index === 0 ? "b" : "span");
  if (index > 0) {
    element.textContent = line;
    return element;
  }
  const city = document.createElement("small");
  city.textContent = line.slice(6);
  element.append(`${line.slice(0, 5)} `, city);
  return element;
}
