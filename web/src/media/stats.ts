/** RTCStatsReport in, a few plain figures out. */

import type { Progress } from "./flow";

export interface MediaStats {
  readonly rttMs: number | null;
  /** Share of packets lost on the way since the last sample, in percent. */
  readonly lossPercent: number | null;
  readonly bitrateBps: number | null;
  readonly fps: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly jitterMs: number | null;
}

export const NO_STATS: MediaStats = {
  rttMs: null,
  lossPercent: null,
  bitrateBps: null,
  fps: null,
  width: null,
  height: null,
  jitterMs: null,
};

/** Cumulative counters of one connection, as far as the browser tells them. */
export interface Totals extends Progress {
  readonly atMs: number;
  readonly mediaBytes: number;
  readonly packets: number;
  readonly lost: number;
  /** STUN answers from the server: they prove the path when no media flows. */
  readonly pathReplies: number;
  readonly pathRequests: number;
  readonly rttMs: number | null;
  readonly lossFraction: number | null;
  readonly fps: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly jitterMs: number | null;
}

/** The members of the statistics dictionaries that we read; a browser may leave out any of them. */
export interface StatsRow {
  readonly id: string;
  readonly type: string;
  readonly kind?: string;
  readonly selectedCandidatePairId?: string;
  readonly nominated?: boolean;
  readonly state?: string;
  readonly bytesReceived?: number;
  readonly bytesSent?: number;
  readonly packetsReceived?: number;
  readonly packetsSent?: number;
  readonly packetsLost?: number;
  readonly framesDecoded?: number;
  readonly framesPerSecond?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly jitter?: number;
  readonly fractionLost?: number;
  readonly roundTripTime?: number;
  readonly currentRoundTripTime?: number;
  readonly responsesReceived?: number;
  readonly requestsSent?: number;
}

export type Direction = "sending" | "receiving";

/** Fold one report into counters; `nowMs` is a monotonic clock. */
export function totals(rows: Iterable<StatsRow>, direction: Direction, nowMs: number): Totals {
  const all = [...rows];
  const sum = (list: readonly StatsRow[], pick: (row: StatsRow) => number | undefined) =>
    list.reduce((total, row) => total + (pick(row) ?? 0), 0);
  const pair = selectedPair(all);
  const media = all.filter((row) => row.type === (direction === "receiving" ? "inbound-rtp" : "outbound-rtp"));
  const picture = media.filter((row) => row.kind === "video");
  const reports = all.filter((row) => row.type === "remote-inbound-rtp");
  const shown = picture[0];
  const seconds = pair?.currentRoundTripTime ?? reports.find((row) => row.roundTripTime !== undefined)?.roundTripTime;
  const jitter = (direction === "receiving" ? media : reports).find((row) => row.jitter !== undefined)?.jitter;
  const received = sum(media, (row) => row.bytesReceived);
  return {
    atMs: nowMs,
    bytes: direction === "receiving" ? received : (pair?.bytesReceived ?? 0),
    videoBytes: direction === "receiving" ? sum(picture, (row) => row.bytesReceived) : 0,
    frames: direction === "receiving" ? sum(picture, (row) => row.framesDecoded) : 0,
    mediaBytes: direction === "receiving" ? received : sum(media, (row) => row.bytesSent),
    packets: sum(media, (row) => (direction === "receiving" ? row.packetsReceived : row.packetsSent)),
    lost: direction === "receiving" ? sum(media, (row) => row.packetsLost) : 0,
    pathReplies: pair?.responsesReceived ?? 0,
    pathRequests: pair?.requestsSent ?? 0,
    rttMs: seconds === undefined ? null : seconds * 1_000,
    lossFraction: worst(reports.map((row) => row.fractionLost)),
    fps: shown?.framesPerSecond ?? null,
    width: shown?.frameWidth ?? null,
    height: shown?.frameHeight ?? null,
    jitterMs: jitter === undefined ? null : jitter * 1_000,
  };
}

/** Rates between two samples of one connection; without an earlier one only the momentary figures. */
export function rates(now: Totals, before: Totals | null): MediaStats {
  const seconds = before === null ? 0 : (now.atMs - before.atMs) / 1_000;
  const momentary = {
    rttMs: now.rttMs,
    fps: now.fps,
    width: now.width,
    height: now.height,
    jitterMs: now.jitterMs,
  };
  const reported = now.lossFraction === null ? null : now.lossFraction * 100;
  if (before === null || seconds <= 0) return { ...NO_STATS, ...momentary, lossPercent: reported };
  const lost = Math.max(0, now.lost - before.lost);
  const expected = Math.max(0, now.packets - before.packets) + lost;
  return {
    ...momentary,
    lossPercent: reported ?? (expected === 0 ? null : (100 * lost) / expected),
    bitrateBps: Math.max(0, Math.round((8 * (now.mediaBytes - before.mediaBytes)) / seconds)),
  };
}

function selectedPair(rows: readonly StatsRow[]): StatsRow | undefined {
  const chosen = rows.find((row) => row.type === "transport")?.selectedCandidatePairId;
  return (
    rows.find((row) => row.id === chosen) ??
    rows.find((row) => row.type === "candidate-pair" && row.nominated === true && row.state === "succeeded")
  );
}

function worst(fractions: readonly (number | undefined)[]): number | null {
  const known = fractions.filter((fraction) => fraction !== undefined);
  return known.length === 0 ? null : Math.max(...known);
}
