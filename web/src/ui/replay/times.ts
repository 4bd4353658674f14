/** Moments of a recording as text: for eyes, for ears, for addresses. Pure; seconds since its start. */

import type { Translate } from "../i18n";

/** `42:12`, or `0:42:12` where the whole has hours: all times of one recording are equally long. */
export function clockText(seconds: number, lengthS = seconds): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return lengthS >= 3600 ? `${hours}:${two(minutes)}:${two(rest)}` : `${Math.floor(whole / 60)}:${two(rest)}`;
}

/** `1 h 2 min 5 s` in the reader's words. */
export function spoken(seconds: number, t: Translate): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [string, number][] = [
    ["replay.hours", Math.floor(whole / 3600)],
    ["replay.minutes", Math.floor(whole / 60) % 60],
    ["replay.seconds", whole % 60],
  ];
  const said = parts.filter(([, count]) => count > 0).map(([key, count]) => t(key, { count }));
  return said.join(" ") || t("replay.seconds", { count: 0 });
}

/** `12m30s`, as it stands in `?t=`. */
export function momentText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${hours > 0 ? `${hours}h` : ""}${hours + minutes > 0 ? `${minutes}m` : ""}${rest}s`;
}

/** What `?t=` says: `1h2m3s`, `12m`, `750`, `12:30`. Null for anything else. */
export function readMoment(text: string | null): number | null {
  const letters = /^(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s?)?$/.exec(text ?? "");
  const colons = /^(?:(\d{1,3}):)?(\d{1,4}):(\d{2})$/.exec(text ?? "");
  const found = letters ?? colons;
  if (found === null || found[0] === "") return null;
  const [hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  return hours * 3600 + minutes * 60 + seconds;
}
