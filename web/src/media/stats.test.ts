import { describe, expect, test } from "vitest";
import { NO_STATS, rates, type StatsRow, totals } from "./stats";

const viewer = (bytes: number, packets: number, lost: number): StatsRow[] => [
  { id: "T", type: "transport", selectedCandidatePairId: "P" },
  { id: "Q", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 9 },
  { id: "P", type: "candidate-pair", currentRoundTripTime: 0.042, responsesReceived: 3, requestsSent: 4 },
  { id: "V", type: "inbound-rtp", kind: "video", bytesReceived: bytes, packetsReceived: packets, packetsLost: lost,
    framesDecoded: 7, framesPerSecond: 30, frameWidth: 1280, frameHeight: 720, jitter: 0.004 },
  { id: "A", type: "inbound-rtp", kind: "audio", bytesReceived: 1_000, packetsReceived: 50, packetsLost: 0 },
]; // biome-ignore format: one row a line

describe("statistics", () => {
  test("a viewer's report becomes counters of the selected pair and both media", () => {
    const seen = totals(viewer(9_000, 90, 1), "receiving", 5);
    expect(seen).toMatchObject({ bytes: 10_000, videoBytes: 9_000, frames: 7, packets: 140, lost: 1 });
    expect(seen).toMatchObject({ rttMs: 42, width: 1280, height: 720, jitterMs: 4, pathReplies: 3, pathRequests: 4 });
  });

  test("rates are differences over time", () => {
    const before = totals(viewer(9_000, 90, 0), "receiving", 1_000);
    const now = totals(viewer(259_000, 330, 10), "receiving", 2_000);
    expect(rates(now, before)).toMatchObject({ bitrateBps: 2_000_000, lossPercent: 4, fps: 30 });
  });

  test("packets that arrive late after all do not make loss negative", () => {
    const before = totals(viewer(0, 90, 5), "receiving", 0);
    const now = totals(viewer(0, 100, 3), "receiving", 1_000);
    expect(rates(now, before).lossPercent).toBe(0);
  });

  test("a publisher's loss and round trip come from the other side's reports, its flow from what it hears back", () => {
    const rows: StatsRow[] = [
      { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", bytesReceived: 777 },
      { id: "V", type: "outbound-rtp", kind: "video", bytesSent: 50_000, packetsSent: 60 },
      { id: "R", type: "remote-inbound-rtp", kind: "video", fractionLost: 0.25, roundTripTime: 0.1, jitter: 0.002 },
    ];
    const seen = totals(rows, "sending", 0);
    expect(seen).toMatchObject({ bytes: 777, mediaBytes: 50_000, packets: 60, lost: 0, rttMs: 100, jitterMs: 2 });
    expect(rates(seen, null)).toMatchObject({ lossPercent: 25, bitrateBps: null });
  });

  test("an empty report is no figure at all", () => {
    expect(rates(totals([], "receiving", 0), null)).toEqual(NO_STATS);
  });
});
