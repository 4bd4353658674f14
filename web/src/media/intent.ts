/** "This tab is on air here": survives a reload of the tab, not a tab that is reopened later. */

import type { Resource } from "./whip";

export interface Pending {
  readonly resource: Resource | null;
  /** Nobody was to see it before the room shows it. */
  readonly backstage: boolean;
}

interface Note extends Pending {
  readonly atMs: number;
}

/** A reload takes seconds; anything older is another day's tab that the browser restored. */
const FRESH_MS = 30_000;

export class OnAirIntent {
  private readonly key: string;

  constructor(
    private readonly memory: Pick<Storage, "getItem" | "setItem" | "removeItem">,
    room: string,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.key = `expo.on_air.${room}`;
  }

  /** Note that we mean to be on air, and where; call it again now and then: a note grows old. */
  keep(resource: Resource | null, backstage: boolean): void {
    try {
      this.memory.setItem(this.key, JSON.stringify({ resource, backstage, atMs: this.nowMs() } satisfies Note));
    } catch {
      // Without storage a reload does not go on air by itself; everything else works.
      return;
    }
  }

  drop(): void {
    this.memory.removeItem(this.key);
  }

  /** What the page before this one left: null when it was not on air, or too long ago. */
  pending(): Pending | null {
    const note = parse(this.memory.getItem(this.key));
    if (note === null || Math.abs(this.nowMs() - note.atMs) > FRESH_MS) return null;
    return { resource: note.resource, backstage: note.backstage };
  }
}

function parse(text: string | null): Note | null {
  if (text === null) return null;
  try {
    const note: unknown = JSON.parse(text);
    if (typeof note !== "object" || note === null || !("atMs" in note) || typeof note.atMs !== "number") return null;
    const backstage = "backstage" in note && note.backstage === true;
    return { atMs: note.atMs, backstage, resource: "resource" in note ? resource(note.resource) : null };
  } catch {
    return null;
  }
}

function resource(value: unknown): Resource | null {
  if (typeof value !== "object" || value === null || !("url" in value) || typeof value.url !== "string") return null;
  return { url: value.url, etag: "etag" in value && typeof value.etag === "string" ? value.etag : null };
}
