/** Draws what the room adds into the places that the template reserves; the server's own words stay until it is known. */

import { nothing, render, type TemplateResult } from "lit-html";
import { need } from "../page";
import type { RunWords } from "../run/words";
import type { StudioRoom } from "./live";
import * as views from "./live-view";

export class LivePanel {
  private readonly slots = {
    signal: need<HTMLElement>("#signal"),
    part: need<HTMLElement>("#part"),
    goods: need<HTMLElement>("#goods"),
    questions: need<HTMLElement>("#questions"),
    dock: need<HTMLElement>("#dock"),
  };
  private readonly drawn = new Set<HTMLElement>();
  private readonly actions: views.LiveActions;

  constructor(
    private readonly live: StudioRoom,
    private readonly words: RunWords,
    private readonly zone: string,
    setReady: (ready: boolean) => void,
  ) {
    this.actions = {
      show: (product) => live.show(product),
      hide: () => live.hide(),
      undo: () => live.undo(),
      answered: (message) => live.answered(message),
      setReady,
    };
  }

  /** The result is what the bottom bar offers first. `canSend` says that there is something to go on air with. */
  draw(publishing: boolean, canSend: boolean): TemplateResult | typeof nothing {
    const { live, words, actions, slots } = this;
    const { state, part } = live;
    if (state === null || part === null) return nothing;
    const view: views.LiveView = {
      state,
      part,
      seat: live.seat,
      exhibitor: live.exhibitor,
      nowMs: live.room.serverNow(),
      pinnedMs: live.pinnedMs,
      canUndo: live.canUndo,
      publishing,
      refused: live.refused,
      zone: this.zone,
    };
    document.body.dataset.seat = view.seat?.onAir === true ? "on" : "off";
    this.put(slots.signal, views.signal(view, words));
    this.put(slots.part, views.part(view, words));
    if (part.segment !== null) this.put(slots.goods, views.goods(view, words, actions));
    if (view.exhibitor !== null) this.put(slots.questions, views.questions(view, words, actions));
    const offered = views.offersReady(view);
    slots.dock.toggleAttribute("data-ready", offered);
    return offered ? views.ready(view, canSend, words, actions) : nothing;
  }

  private put(slot: HTMLElement, view: TemplateResult | typeof nothing): void {
    if (!this.drawn.has(slot)) slot.replaceChildren();
    this.drawn.add(slot);
    render(view, slot);
  }
}
