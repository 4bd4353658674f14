/** The keyboard of the replay page; what has arrow keys of its own keeps them. */

import { need } from "../page";
import { shortcuts } from "../shortcuts";
import type { Actions } from "./view";

export interface MoreKeys {
  readonly louder: (by: number) => void;
  /** By so many steps of speed. */
  readonly faster: (by: number) => void;
  /** False when there was nothing to close. */
  readonly escape: () => unknown;
}

const STEP_S = 10;
const LOUDER = 0.1;

export function replayKeys(actions: Actions, more: MoreKeys): void {
  shortcuts({
    " ": actions.toggle,
    ArrowLeft: () => !within(".volume-slot") && actions.skip(-STEP_S),
    ArrowRight: () => !within(".volume-slot") && actions.skip(STEP_S),
    ArrowUp: () => !within(LISTS) && more.louder(LOUDER),
    ArrowDown: () => !within(LISTS) && more.louder(-LOUDER),
    m: actions.mute,
    f: actions.fullScreen,
    "<": () => more.faster(-1),
    ">": () => more.faster(1),
    "[": actions.previous,
    "]": actions.next,
    q: actions.toggleHealth,
    "?": () => need<HTMLDialogElement>("#keys").showModal(),
    Escape: more.escape,
  });
}

const LISTS = ".moments, .parts, .volume-slot, .menu";

function within(places: string): boolean {
  return document.activeElement?.closest(places) != null;
}
