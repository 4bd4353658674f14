/** Puts a row elsewhere by its grip, with mouse, pen or finger; keyboards have buttons for it. */

const AUTO_SCROLL_PX = 40;

/** `dropped` gets the row's id and its new place among the rows that can move. */
export function dragging(list: HTMLElement, dropped: (id: string, place: number) => void): void {
  let row: HTMLElement | null = null;
  let fromY = 0;
  let pointer = -1;

  const rows = () => [...list.querySelectorAll<HTMLElement>("[data-movable]")];
  /** How many of the other rows lie above the middle of the dragged one. */
  const place = (dragged: HTMLElement) => {
    const middle = (element: HTMLElement) => element.getBoundingClientRect().top + element.offsetHeight / 2;
    return rows().filter((one) => one !== dragged && middle(one) < middle(dragged)).length;
  };
  /** A line where the row would be put. */
  const mark = (dragged: HTMLElement) => {
    unmark();
    const others = rows().filter((one) => one !== dragged);
    const at = place(dragged);
    (others[at] ?? others.at(-1))?.setAttribute("data-drop", at < others.length ? "before" : "after");
  };
  const unmark = () => {
    for (const one of list.querySelectorAll("[data-drop]")) one.removeAttribute("data-drop");
  };
  const stop = () => {
    unmark();
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
  });
  list.addEventListener("pointermove", (event) => {
    if (row === null || event.pointerId !== pointer) return;
    row.style.setProperty("--dy", `${event.clientY - fromY}px`);
    mark(row);
    const view = list.getBoundingClientRect();
    if (event.clientY > view.bottom - AUTO_SCROLL_PX || event.clientY < view.top + AUTO_SCROLL_PX)
      row.scrollIntoView({ block: "nearest" });
  });
  list.addEventListener("pointerup", (event) => {
    if (row === null || event.pointerId !== pointer) return;
    const [id, to] = [row.dataset.segment, place(row)];
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
