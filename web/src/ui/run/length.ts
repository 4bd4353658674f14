/** Makes the part that is on longer or shorter by whole minutes; a quick second press builds on the first. */

import type { Segment, State } from "../../wire.gen";
import { LIMITS } from "../../wire.gen";
import { segmentOf } from "./model";

const MINUTE_S = 60;

export class PartLength {
  private wanted: { readonly segment: string; readonly plannedS: number } | null = null;

  /** `set` resolves when the room has answered. */
  constructor(private readonly set: (part: Segment, plannedS: number, undo: (() => void) | null) => Promise<void>) {}

  async change(state: State | null, minutes: number): Promise<void> {
    const part = state === null ? null : segmentOf(state, state.current);
    if (part === null) return;
    const before = this.wanted?.segment === part.id ? this.wanted.plannedS : part.plannedS;
    const plannedS = Math.min(LIMITS.mostPartS, Math.max(LIMITS.leastPartS, before + minutes * MINUTE_S));
    if (plannedS !== before) await this.ask(part, plannedS, () => void this.ask(part, before, null));
  }

  private async ask(part: Segment, plannedS: number, undo: (() => void) | null): Promise<void> {
    const mine = { segment: part.id, plannedS };
    this.wanted = mine;
    await this.set(part, plannedS, undo);
    if (this.wanted === mine) this.wanted = null;
  }
}
