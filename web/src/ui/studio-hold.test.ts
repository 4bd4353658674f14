import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HOLD_MS, holding } from "./studio-hold";

describe("a button that is held", () => {
  const seen: string[] = [];
  const button = () =>
    holding({ held: () => seen.push("held"), pressed: () => seen.push("pressed"), early: () => seen.push("early") });
  const down = { button: 0, timeStamp: 5_000 } as PointerEvent;
  const up = (heldMs: number) => ({ type: "pointerup", timeStamp: 5_000 + heldMs }) as PointerEvent;
  const left = { type: "pointerleave", timeStamp: 9_000 } as PointerEvent;
  const clicked = { detail: 1 } as MouseEvent;
  const byKeyboard = { detail: 0 } as MouseEvent;

  beforeEach(() => {
    seen.length = 0;
    vi.useFakeTimers();
  });
  afterEach(() => vi.useRealTimers());

  test("a second is enough, and the click that follows does nothing more", () => {
    const handlers = button();
    handlers.pointerdown(down);
    vi.advanceTimersByTime(HOLD_MS);
    handlers.pointerup(up(HOLD_MS));
    handlers.click(clicked);
    expect(seen).toEqual(["held"]);
  });

  test("a tap explains itself and does nothing", () => {
    const handlers = button();
    handlers.pointerdown(down);
    vi.advanceTimersByTime(HOLD_MS - 1);
    handlers.pointerup(up(HOLD_MS - 1));
    handlers.click(clicked);
    vi.advanceTimersByTime(HOLD_MS);
    expect(seen).toEqual(["early"]);
  });

  test("on a busy page, whose timers are late, the pointer's own time counts", () => {
    const handlers = button();
    handlers.pointerdown(down);
    vi.advanceTimersByTime(HOLD_MS / 2);
    handlers.pointerup(up(HOLD_MS + 1));
    expect(seen).toEqual(["held"]);
  });

  test("a finger that slides away has changed its mind", () => {
    const handlers = button();
    handlers.pointerdown(down);
    handlers.pointerleave(left);
    vi.advanceTimersByTime(HOLD_MS);
    expect(seen).toEqual(["early"]);
  });

  test("the keyboard is asked in words", () => {
    button().click(byKeyboard);
    expect(seen).toEqual(["pressed"]);
  });

  test("the keyboard is asked also after a hold whose click never came", () => {
    const handlers = button();
    handlers.pointerdown(down);
    vi.advanceTimersByTime(HOLD_MS);
    handlers.click(byKeyboard);
    expect(seen).toEqual(["held", "pressed"]);
  });

  test("the second mouse button is not a hold", () => {
    const handlers = button();
    handlers.pointerdown({ button: 2 } as PointerEvent);
    vi.advanceTimersByTime(HOLD_MS);
    expect(seen).toEqual([]);
  });
});
