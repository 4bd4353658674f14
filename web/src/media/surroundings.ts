/** What the page around us goes through: the network, sleep and leaving. The one place that listens to the window. */

export type Surrounding = "online" | "offline" | "woken" | "leaving" | "restored";

/** Tell `listener` until the returned function is called. */
export function surroundings(listener: (what: Surrounding) => void): () => void {
  const ended = new AbortController();
  const on = (event: string, what: (event: Event) => Surrounding | null) =>
    globalThis.addEventListener(
      event,
      (happened) => {
        const seen = what(happened);
        if (seen !== null) listener(seen);
      },
      { signal: ended.signal },
    );
  on("online", () => "online");
  on("offline", () => "offline");
  // Bubbles up from the document, so no need to touch it.
  on("visibilitychange", () => "woken");
  on("pagehide", () => "leaving");
  on("pageshow", (event) => ("persisted" in event && event.persisted === true ? "restored" : null));
  return () => ended.abort();
}
