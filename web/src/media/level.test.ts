import { describe, expect, test } from "vitest";
import { dbfs, levelWord, meterValue, Recent } from "./level";

describe("level", () => {
  test("a full-scale square wave is 0 dBFS, a tenth of it -20", () => {
    expect(dbfs(new Float32Array([1, -1, 1, -1]))).toBe(0);
    expect(dbfs(new Float32Array([0.1, -0.1]))).toBeCloseTo(-20, 5);
    expect(dbfs(new Float32Array(8))).toBe(Number.NEGATIVE_INFINITY);
  });

  test("the meter is linear in decibels and stays within its ends", () => {
    expect([3, 0, -30, -60, -90, Number.NEGATIVE_INFINITY].map(meterValue)).toEqual([1, 1, 0.5, 0, 0, 0]);
  });

  test("words follow the level of speech", () => {
    expect([-70, -50, -20, -3].map(levelWord)).toEqual(["silent", "quiet", "good", "loud"]);
  });

  test("a pause between two words does not read as silence, a long one does", () => {
    const recent = new Recent(1_500);
    recent.add(-20, 0);
    expect(recent.add(-80, 1_000)).toBe(-20);
    expect(recent.add(-80, 1_600)).toBe(-80);
  });
});
