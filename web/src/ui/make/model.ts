/** A showcase's plan while it is being made: what every change makes of it. Pure. */

import { moved, placed } from "../run/model";

export interface Part {
  readonly company: string;
  readonly minutes: number;
  readonly leftOut: readonly string[];
}

export interface Check {
  readonly code: string;
  readonly standing: "done" | "hint" | "missing";
  readonly count: number;
}

export interface Goods {
  readonly id: string;
  readonly name: string;
  readonly image: string;
}

export interface Company {
  readonly id: string;
  readonly name: string;
  readonly mark: string;
  readonly products: readonly Goods[];
}

/** As the server tells it; the form's fields are read when it is sent. */
export interface Plan {
  readonly id: string;
  readonly state: "draft" | "scheduled" | "live" | "ended";
  readonly version: string;
  readonly delegation: string;
  readonly titles: Readonly<Record<string, string>>;
  readonly starts: string;
  readonly startsAt: string;
  readonly minutes: number;
  readonly openToAll: boolean;
  readonly autoLive: boolean;
  readonly parts: readonly Part[];
  readonly checks: readonly Check[];
  readonly shared: boolean;
}

type Parts = readonly Part[];

export const USUAL_MINUTES = 10;

export function order(parts: Parts): readonly string[] {
  return parts.map((part) => part.company);
}

export function inOrder(parts: Parts, wanted: readonly string[]): Parts {
  const by = new Map(parts.map((part) => [part.company, part]));
  return wanted.flatMap((company) => by.get(company) ?? []);
}

export function move(parts: Parts, company: string, by: number): Parts {
  return inOrder(parts, moved(order(parts), company, by));
}

export function place(parts: Parts, company: string, to: number): Parts {
  return inOrder(parts, placed(order(parts), company, to));
}

export function without(parts: Parts, company: string): Parts {
  return parts.filter((part) => part.company !== company);
}

/** A removed part back where it was, as far as that place still is. */
export function back(parts: Parts, part: Part, at: number): Parts {
  if (order(parts).includes(part.company)) return parts;
  return [...parts.slice(0, at), part, ...parts.slice(at)];
}

export function changed(parts: Parts, company: string, what: Partial<Omit<Part, "company">>): Parts {
  return parts.map((part) => (part.company === company ? { ...part, ...what } : part));
}

export function shown(part: Part, product: string, yes: boolean): readonly string[] {
  const others = part.leftOut.filter((one) => one !== product);
  return yes ? others : [...others, product];
}

/** What one types while typing: nothing counts as one minute. */
export function minutesOf(text: string): number {
  const minutes = Math.round(Number(text));
  return Number.isFinite(minutes) ? Math.min(240, Math.max(1, minutes)) : 1;
}

export function total(parts: Parts): number {
  return parts.reduce((sum, part) => sum + part.minutes, 0);
}

/** Where each part begins, in ms, the first with the show. */
export function beginnings(parts: Parts, startsAtMs: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let cursor = startsAtMs;
  for (const part of parts) {
    found.set(part.company, cursor);
    cursor += part.minutes * 60_000;
  }
  return found;
}
