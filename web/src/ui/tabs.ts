/** Tabs by the ARIA pattern: arrows move and select, Home and End jump; the server rendered them with one selected. */

export function tabs(list: HTMLElement): void {
  const all = [...list.querySelectorAll<HTMLButtonElement>('[role="tab"]')];
  const select = (chosen: HTMLButtonElement) => {
    for (const tab of all) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel !== null) panel.hidden = !on;
    }
  };
  list.addEventListener("click", (event) => {
    const tab = (event.target as Element).closest<HTMLButtonElement>('[role="tab"]');
    if (tab !== null) select(tab);
  });
  list.addEventListener("keydown", (event) => {
    const shown = all.filter((tab) => tab.offsetParent !== null);
    const at = shown.indexOf(event.target as HTMLButtonElement);
    const move: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 };
    const to = move[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = shown[(to + shown.length) % shown.length];
    if (next === undefined) return;
    select(next);
    next.focus();
  });
}
