/** Puts a row elsewhere by its grip, with mouse, pen or finger; keyboards have buttons for it. */

const AUTO_SCROLL_PX = 40;

/** `dropped` gets the row's id and its new place among the rows that can move. */
export function dragging(list: HTMLElement, dropped: (id: string, place: number) => void): void {
  let row: HTMLElement | null = null;
  let fromY = 0;
  let pointer = -1;

  const rows = () => [...list.querySelectorAll<HTMLElement>("[data-movable]")];
  /** How many of the other rows lie above the middle of the dragged one, `byPx` below its own place. */
  const place = (dragged: HTMLElement, byPx: number) => {
    const middle = (element: HTMLElement) => element.offsetTop + element.offsetHeight / 2;
    return rows().filter((one) => one !== dragged && middle(one) < middle(dragged) + byPx).length;
  };
  /** The others make room. */
  const part = (dragged: HTMLElement, byPx: number) => {
    const all = rows();
    const [from, to] = [all.indexOf(dragged), place(dragged, byPx)];
    for (const [at, one] of all.entries()) {
      const by = at > from && at <= to ? -1 : at < from && at >= to ? 1 : 0;
      one.style.setProperty("--shift", `${by * dragged.offsetHeight}px`);
    }
  };
  const stop = () => {
    for (const one of rows()) one.style.removeProperty("--shift");
    list.removeAttribute("data-dragging");
    row?.style.removeProperty("--dy");
    row?.removeAttribute("data-dragged");
    row = null;
  };

  list.addEventListener("pointerdown", (event) => {
    const grip = (event.target as Element).closest(".grip");
    const found = grip?.closest<HTMLElement>("[data-movable]") ?? null;
    if (found === null || event.button !== 0) return;
    event.preventDefault();
    [row, fromY, pointer] = [found, event.clientY, event.pointerId];
    list.setPointerCapture(event.pointerId);
    found.setAttribute("data-dragged", "");
    list.setAttribute("data-dragging", "");
  });
  list.addEventListener("pointermove", (event) => {
    if (row === null || event.pointerId !== pointer) return;
    row.style.setProperty("--dy", `${event.clientY - fromY}px`);
    part(row, event.clientY - fromY);
    const view = list.getBoundingClientRect();
    if (event.clientY > view.bottom - AUTO_SCROLL_PX || event.clientY < view.top + AUTO_SCROLL_PX)
      row.scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("pointerup", (event) => {
    if (row === null || event.pointerId !== pointer) return;
    const [id, to] = [row.dataset.segment, place(row, event.clientY - fromY)];
    stop();
    if (id !== undefined) dropped(id, to);
  });
  list.addEventListener("pointercancel", stop);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && row !== null) {
      event.preventDefault();
      stop();
    }
  });
}
