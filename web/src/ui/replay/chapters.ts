/** Where in a show one is: its parts, and the products at their moments. Pure; seconds since the replay's start. */

export interface Cue {
  readonly product: string;
  readonly atS: number;
}

export interface Chapter {
  readonly id: string;
  /** Counts the parts of the show from 1; a number is missing where a part is not shown again. */
  readonly number: number;
  readonly company: string;
  readonly startsS: number;
  readonly endsS: number;
  readonly cues: readonly Cue[];
}

/** Back to the start of a part, or to the one before it when the start was a moment ago. */
const START_S = 3;
/** Seeking lands on a frame, which may lie just before what was asked for. */
const FRAME_S = 0.05;

/** The part at this moment; between two it is the one before. Null before the first. */
export function chapterAt(chapters: readonly Chapter[], seconds: number): Chapter | null {
  return last(chapters.filter(({ startsS }) => startsS <= seconds + FRAME_S));
}

/** The product shown last in the part that is on. */
export function cueAt(chapters: readonly Chapter[], seconds: number): Cue | null {
  return last((chapterAt(chapters, seconds)?.cues ?? []).filter(({ atS }) => atS <= seconds + FRAME_S));
}

/** The start of the part that is on, or of the one before it soon after. */
export function lastStart(chapters: readonly Chapter[], seconds: number): number {
  return last(chapters.filter(({ startsS }) => startsS < seconds - START_S))?.startsS ?? 0;
}

/** The start of the next part; null in the last one. */
export function nextStart(chapters: readonly Chapter[], seconds: number): number | null {
  return chapters.find(({ startsS }) => startsS > seconds + FRAME_S)?.startsS ?? null;
}

/** Whether parts that stood between these two in the show are not shown again. */
export function leavesOut(from: Chapter | null, to: Chapter | null): boolean {
  return from !== null && to !== null && to.number > from.number + 1;
}

export interface Stretch {
  readonly chapter: Chapter;
  /** Share of the whole length. */
  readonly width: number;
  /** Of this part, how much has been passed: 0 to 1. */
  readonly seen: number;
}

/** The scrubber's pieces: each part until the next one begins, so that together they are the whole. */
export function stretches(chapters: readonly Chapter[], seconds: number, lengthS: number): Stretch[] {
  return chapters.map((chapter, index) => {
    const from = index === 0 ? 0 : chapter.startsS;
    const to = Math.max(from, chapters[index + 1]?.startsS ?? lengthS);
    const length = Math.max(to - from, 0.001);
    return {
      chapter,
      width: length / Math.max(lengthS, 0.001),
      seen: Math.min(1, Math.max(0, (seconds - from) / length)),
    };
  });
}

function last<T>(list: readonly T[]): T | null {
  return list[list.length - 1] ?? null;
}
