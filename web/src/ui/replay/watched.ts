/** Which minutes of which parts were watched: each is told once a view, without who watched. Pure. */

import type { Chapter } from "./chapters";

export interface WatchedMinute {
  readonly chapter: string;
  /** From 0 at the part's start. */
  readonly minute: number;
  /** The first of this part in this view. */
  readonly starts: boolean;
}

/** So much of a minute is watching it; passing by is not. */
const ENOUGH_S = 10;
/** A longer step is a jump. */
export const MOST_STEP_S = 3;

export class Watched {
  private readonly told = new Set<string>();
  private readonly begun = new Set<string>();
  private minute = "";
  private spentS = 0;
  private lastS = 0;

  /** Playing has come to this moment: the minute to tell of, if one is. */
  at(chapter: Chapter | null, seconds: number): WatchedMinute | null {
    const stepS = seconds - this.lastS;
    this.lastS = seconds;
    if (chapter === null || stepS <= 0 || stepS > MOST_STEP_S) return null;
    const number = Math.floor(Math.max(0, seconds - chapter.startsS) / 60);
    const minute = `${chapter.id}:${number}`;
    this.spentS = minute === this.minute ? this.spentS + stepS : stepS;
    this.minute = minute;
    if (this.spentS < ENOUGH_S || this.told.has(minute)) return null;
    const starts = !this.begun.has(chapter.id);
    this.told.add(minute);
    this.begun.add(chapter.id);
    return { chapter: chapter.id, minute: number, starts };
  }
}
