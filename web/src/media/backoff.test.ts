import { describe, expect, test } from "vitest";
import { deadlineMs, delayMs } from "./backoff";

describe("waiting between attempts", () => {
  test("the first attempt after trouble comes within a tenth of a second", () => {
    expect(delayMs(0, 0)).toBe(50);
    expect(delayMs(0, 0.999)).toBeLessThanOrEqual(100);
  });

  test("waits grow and stay below a second, so that a returning link is noticed soon", () => {
    const waits = Array.from({ length: 40 }, (_, attempt) => delayMs(attempt, 0.999));
    expect([...waits].sort((a, b) => a - b)).toEqual(waits);
    expect(Math.max(...waits)).toBeLessThan(1_000);
  });

  test("a crowd is spread over half of the wait", () => {
    expect(delayMs(3, 0)).toBe(400);
    expect(delayMs(3, 0.999)).toBe(800);
  });

  test("attempts are short at first, and slow links get a long one now and then", () => {
    expect([0, 1, 2, 3].map(deadlineMs)).toEqual([1_500, 1_500, 1_500, 1_500]);
    expect([4, 5, 6, 7, 8].map(deadlineMs)).toEqual([2_500, 8_000, 2_500, 2_500, 8_000]);
  });
});
