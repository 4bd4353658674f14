/** Names and words that every view of the run of show needs. */

import { type Clock, time } from "../clocks";
import type { Translate } from "../i18n";
import type { Company, Goods } from "./model";

export interface RunWords {
  readonly t: Translate;
  readonly language: string;
  readonly clocks: readonly Clock[];
  readonly companies: Readonly<Record<string, Company>>;
  readonly products: Readonly<Record<string, Goods>>;
}

/** A part may be given to a company after the page was opened. */
export function companyName(exhibitor: string | null, { companies, t }: RunWords): string {
  if (exhibitor === null) return t("run.crew");
  return companies[exhibitor]?.name ?? t("run.new_company");
}

/** The time of day where the expo's host is. */
export function clockTime(atMs: number, { clocks }: RunWords): string {
  return time(atMs, clocks[0]?.zone ?? "UTC");
}

/** Whole minutes of a plan, as a person says them. */
export function minutes(seconds: number, { t }: RunWords): string {
  return t("run.minutes", { count: Math.max(1, Math.round(seconds / 60)) });
}

/** "just now", "6 min ago". */
export function ago(sinceMs: number, nowMs: number, { t }: RunWords): string {
  const count = Math.floor((nowMs - sinceMs) / 60_000);
  return count < 1 ? t("run.just_now") : t("run.minutes_ago", { count });
}
