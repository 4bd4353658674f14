/** What this browser remembers of replays: where one left off in each, how fast and how loud. */

import type { Chapter } from "./chapters";
import { chapterAt } from "./chapters";

type Keeper = Pick<Storage, "getItem" | "setItem">;

export const SPEEDS: readonly number[] = [0.75, 1, 1.25, 1.5, 2];

/** Parts move in the replay when another is withdrawn, so a place is a part and the way into it. */
interface Place {
  readonly recording: string;
  readonly chapter: string;
  readonly intoS: number;
}

const PLACES = "expo-replay-places";
const SPEED = "expo-replay-speed";
const VOLUME = "expo-replay-volume";
const MOST_PLACES = 50;
/** Who saw less than this, of a short show this share, begins anew; so does who was as near to the end. */
const WORTH_S = 15;
const WORTH = 0.05;

/** The browser's own, or one that forgets. */
export function keeper(): Keeper {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined };
  }
}

export class Memory {
  constructor(
    private readonly keeper: Keeper,
    private readonly recording: string,
  ) {}

  /** Where to go on, null when there is nothing to go on with. */
  place(chapters: readonly Chapter[], lengthS: number): number | null {
    const known = this.places().find(({ recording }) => recording === this.recording);
    const chapter = chapters.find(({ id }) => id === known?.chapter);
    if (known === undefined || chapter === undefined) return null;
    const seconds = Math.min(chapter.startsS + known.intoS, Math.max(chapter.startsS, chapter.endsS));
    const worth = Math.min(WORTH_S, lengthS * WORTH);
    return seconds < worth || seconds > lengthS - worth ? null : seconds;
  }

  keep(chapters: readonly Chapter[], seconds: number): void {
    const chapter = chapterAt(chapters, seconds);
    if (chapter === null) return;
    const here = { recording: this.recording, chapter: chapter.id, intoS: Math.max(0, seconds - chapter.startsS) };
    const others = this.places().filter(({ recording }) => recording !== this.recording);
    this.write(PLACES, [here, ...others].slice(0, MOST_PLACES));
  }

  get speed(): number {
    const known = this.read(SPEED);
    return SPEEDS.find((speed) => speed === known) ?? 1;
  }

  set speed(speed: number) {
    this.write(SPEED, speed);
  }

  get volume(): number {
    const known = this.read(VOLUME);
    return typeof known === "number" && known >= 0 && known <= 1 ? known : 1;
  }

  set volume(volume: number) {
    this.write(VOLUME, volume);
  }

  private places(): Place[] {
    const known = this.read(PLACES);
    return Array.isArray(known) ? known.filter(isPlace) : [];
  }

  private read(key: string): unknown {
    try {
      return JSON.parse(this.keeper.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  private write(key: string, value: unknown): void {
    try {
      this.keeper.setItem(key, JSON.stringify(value));
    } catch {
      // A browser that keeps nothing: the next visit begins at the start.
    }
  }
}

function isPlace(value: unknown): value is Place {
  const { recording, chapter, intoS } = (value ?? {}) as Partial<Record<keyof Place, unknown>>;
  return typeof recording === "string" && typeof chapter === "string" && typeof intoS === "number" && intoS >= 0;
}
