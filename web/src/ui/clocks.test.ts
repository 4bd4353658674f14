// @vitest-environment node
import { describe, expect, it } from "vitest";
import { time, times } from "./clocks";
import { translator } from "./i18n";

const t = translator({ "common.your_time": "your time" });
const clocks = [
  { zone: "Asia/Ho_Chi_Minh", city: "Hanoi" },
  { zone: "Asia/Seoul", city: "Seoul" },
];
const at = Date.parse("2026-11-24T07:30:00Z");

describe("times", () => {
  it("shows both cities to a reader in one of them, the own one first", () => {
    expect(times(at, clocks, "Asia/Bangkok", t)).toEqual(["14:30 Hanoi", "16:30 Seoul"]);
    expect(times(at, clocks, "Asia/Seoul", t)).toEqual(["16:30 Seoul", "14:30 Hanoi"]);
  });

  it("puts a stranger's own time in front", () => {
    expect(times(at, clocks, "Europe/Berlin", t)).toEqual(["08:30 your time", "14:30 Hanoi", "16:30 Seoul"]);
  });

  it("says when the day differs", () => {
    const late = Date.parse("2026-11-24T16:00:00Z");
    expect(times(late, clocks, "Asia/Ho_Chi_Minh", t)).toEqual(["23:00 Hanoi", "01:00 Seoul (+1)"]);
    expect(times(late, clocks, "Asia/Seoul", t)).toEqual(["01:00 Seoul", "23:00 Hanoi (−1)"]);
  });

  it("writes midnight as 00", () => {
    expect(time(Date.parse("2026-11-24T17:00:00Z"), "Asia/Ho_Chi_Minh")).toBe("00:00");
  });
});
