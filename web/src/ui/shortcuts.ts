/** Keys of a page. A field or an open menu keeps its own keys; modifiers belong to the browser. */

/** An action that answers false has left the key to the browser. */
export function shortcuts(keys: Readonly<Record<string, () => unknown>>): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as Element;
    if (target.closest("input:not([type=range]), textarea, select, dialog[open], [contenteditable]") !== null) return;
    // Space presses the button or opens the row that has the focus.
    if (event.key === " " && target.closest("button, a, summary, [role=tab]") !== null) return;
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action !== undefined && action() !== false) event.preventDefault();
  });
}
