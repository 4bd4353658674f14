/** How the way to the recording is, in one word and four bars. Pure. */

export type HealthWord = "good" | "slow" | "waiting" | "offline";

export interface Health {
  readonly word: HealthWord;
  readonly bars: 0 | 1 | 2 | 3 | 4;
}

export interface Flow {
  readonly online: boolean;
  /** The picture stands although it should move. */
  readonly waiting: boolean;
  /** Loaded beyond this moment, and what is left to play. */
  readonly aheadS: number;
  readonly leftS: number;
  /** Measured and needed; null while nothing has been measured. */
  readonly bandwidthBps: number | null;
  readonly bitrateBps: number | null;
}

const ENOUGH_S = 8;

export function assess({ online, waiting, aheadS, leftS, bandwidthBps, bitrateBps }: Flow): Health {
  if (!online) return { word: "offline", bars: 0 };
  if (waiting) return { word: "waiting", bars: 1 };
  const ratio = bandwidthBps === null || !bitrateBps ? null : bandwidthBps / bitrateBps;
  const loaded = aheadS >= Math.min(ENOUGH_S, leftS - 0.5);
  if (!loaded && ratio !== null && ratio < 1.2) return { word: "slow", bars: 2 };
  return { word: "good", bars: ratio === null || ratio >= 2 || loaded ? 4 : 3 };
}
