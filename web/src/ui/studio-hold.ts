/** A button that takes somebody off air: held for a second with the pointer, confirmed in words by keyboard. */

export const HOLD_MS = 1_000;

export interface HoldHandlers {
  /** The button was held long enough. */
  held(): void;
  /** Keyboard or assistive technology pressed it: ask first. */
  pressed(): void;
  /** Let go too early: say how it works. */
  early(): void;
}

/** Listeners for one button; call once and keep, so that a redraw does not forget a pointer that is down. */
export function holding(handlers: HoldHandlers) {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let downMs = 0;
  const letGo = (event: PointerEvent) => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    // A busy page runs timers late; the event knows how long it really was.
    if (event.type === "pointerup" && event.timeStamp - downMs >= HOLD_MS) handlers.held();
    else handlers.early();
  };
  return {
    pointerdown(event: PointerEvent) {
      if (event.button !== 0) return;
      downMs = event.timeStamp;
      timer = setTimeout(() => {
        timer = null;
        handlers.held();
      }, HOLD_MS);
    },
    pointerup: letGo,
    pointerleave: letGo,
    pointercancel: letGo,
    /** A long press on a phone would open a menu. */
    contextmenu(event: Event) {
      event.preventDefault();
    },
    click(event: MouseEvent) {
      // Keyboards and screen readers click without a count of presses (UI Events 5.2.3.1).
      if (event.detail === 0) handlers.pressed();
    },
  };
}
