/** The device check's verdict on its way from its page to the room, within one tab. */

import { badge, type Results, subject } from "../check-state";
import { safeStorage } from "../studio-memory";

export interface Verdict {
  readonly verdict: "pass" | "warn" | "fail";
  /** The test that it is about: camera, microphone, speakers, network; or empty. */
  readonly note: string;
}

const KEY = "expo.check";
const VERDICTS = { pass: "pass", fair: "warn", fail: "fail" } as const;

/** Null while a test is still to do. */
export function verdictOf(results: Results): Verdict | null {
  const found = badge(results);
  return found === "open" ? null : { verdict: VERDICTS[found], note: subject(results) ?? "" };
}

export function keepVerdict(results: Results): void {
  const found = verdictOf(results);
  if (found !== null) safeStorage("sessionStorage").setItem(KEY, JSON.stringify(found));
}

/** What the check of this tab found last; null when there was none. */
export function keptVerdict(): Verdict | null {
  try {
    const kept: unknown = JSON.parse(safeStorage("sessionStorage").getItem(KEY) ?? "null");
    return isVerdict(kept) ? kept : null;
  } catch {
    return null;
  }
}

function isVerdict(kept: unknown): kept is Verdict {
  if (typeof kept !== "object" || kept === null || !("verdict" in kept) || !("note" in kept)) return false;
  return ["pass", "warn", "fail"].includes(String(kept.verdict)) && typeof kept.note === "string";
}
