/** Network quality as bars and plain words, from round trip, loss and bitrate. Pure. */

import type { MediaStats } from "./stats";

/** The word is a key of the `media` area: `media.quality.<word>`. */
export type QualityWord = "unknown" | "good" | "fair" | "weak" | "poor";

export interface Quality {
  /** 0 (nothing known) to 4. */
  readonly bars: 0 | 1 | 2 | 3 | 4;
  readonly word: QualityWord;
}

const WORDS = ["unknown", "poor", "weak", "fair", "good"] as const;

/** Upper bounds for 4, 3 and 2 bars: ITU-T G.114 puts trouble in talk at 150 ms one way; RTX hides about 2 % loss. */
const RTT_MS = [150, 300, 600] as const;
const LOSS_PERCENT = [1, 4, 10] as const;
/** Lower bounds: a quiet 720p picture needs 0.3 Mb/s, so only less than that tells of a starved link. */
const BITRATE_BPS = [250_000, 120_000, 50_000] as const;

/** The worst of the three decides. `picture` false leaves the bitrate out (sound only, camera off). */
export function assess(stats: MediaStats, picture = true): Quality {
  const grades = [
    grade(stats.rttMs, RTT_MS, 1),
    grade(stats.lossPercent, LOSS_PERCENT, 1),
    picture ? grade(stats.bitrateBps, BITRATE_BPS, -1) : null,
  ].filter((found) => found !== null);
  if (grades.length === 0) return { bars: 0, word: "unknown" };
  const bars = grades.reduce((low, found) => (found < low ? found : low));
  return { bars, word: WORDS[bars] };
}

function grade(value: number | null, bounds: readonly number[], sign: 1 | -1): 1 | 2 | 3 | 4 | null {
  if (value === null) return null;
  const index = bounds.findIndex((bound) => sign * value <= sign * bound);
  return index === 0 ? 4 : index === 1 ? 3 : index === 2 ? 2 : 1;
}
