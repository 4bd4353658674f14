/** Times as people on both sides read them: 24 hours, own zone first, then the expo's cities. Pure. */

import type { Translate } from "./i18n";

export interface Clock {
  /** IANA zone. */
  readonly zone: string;
  /** The city's name for the reader. */
  readonly city: string;
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function time(atMs: number, zone: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(atMs);
}

export function day(atMs: number, zone: string, language: string): string {
  return new Intl.DateTimeFormat(language, {
    timeZone: zone,
    weekday: "long",
    day: "numeric",
    month: "long",
  }).format(atMs);
}

/**
 * `14:30 Hanoi`, `16:30 Seoul`: one text per clock. A reader who is in neither place sees the own time first; a clock whose
 * date differs from the first one's, or from that in the zone `dayOf`, says by how many days.
 */
export function times(atMs: number, clocks: readonly Clock[], own: string, t: Translate, dayOf?: string): string[] {
  const here = clocks.find(
    (clock) => time(atMs, clock.zone) === time(atMs, own) && dayNumber(atMs, clock.zone) === dayNumber(atMs, own),
  );
  const mine = here ?? { zone: own, city: t("common.your_time") };
  const shown = [mine, ...clocks.filter((clock) => clock !== here)];
  return shown.map(({ zone, city }) => {
    const days = dayNumber(atMs, zone) - dayNumber(atMs, dayOf ?? mine.zone);
    const shift = days === 0 ? "" : ` (${days > 0 ? "+" : "−"}${Math.abs(days)})`;
    return `${time(atMs, zone)} ${city}${shift}`;
  });
}

function dayNumber(atMs: number, zone: string): number {
  const text = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  return Date.parse(`${text.format(atMs)}T00:00:00Z`) / 86_400_000;
}
