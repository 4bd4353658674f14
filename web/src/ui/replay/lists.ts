/** Parts and products as the server wrote them into the page: read, followed, taken anew from a later answer. */

import type { Chapter } from "./chapters";

/** What a page says of its recording. */
export interface Written {
  readonly id: string;
  readonly state: string;
  readonly master: string;
  readonly watched: string;
  readonly lengthS: number;
  /** Whether the reader may be interested from here, and whether the server knows their name. */
  readonly noting: boolean;
  readonly named: boolean;
  readonly chapters: readonly Chapter[];
}

export function readPage(page: ParentNode): Written | null {
  const main = page.querySelector<HTMLElement>("main.replay");
  if (main === null) return null;
  const { id = "", state = "none", master = "", watched = "", length = "0" } = main.dataset;
  const chapters = [...main.querySelectorAll<HTMLElement>("[data-chapter]")].map((row) => {
    const { chapter = "", number = "0", company = "", at = "0", ends = "0" } = row.dataset;
    const goods = main.querySelectorAll<HTMLElement>(`[data-products="${CSS.escape(chapter)}"] [data-product]`);
    const cues = [...goods].map(({ dataset }) => ({ product: dataset.product ?? "", atS: Number(dataset.at) }));
    return { id: chapter, number: Number(number), company, startsS: Number(at), endsS: Number(ends), cues };
  });
  const { noting } = main.dataset;
  const may = { noting: noting !== undefined, named: noting === "named" };
  return { id, state, master, watched, lengthS: Number(length), ...may, chapters };
}

/** This page as the server writes it now; null while it does not answer. */
export async function askPage(): Promise<Document | null> {
  try {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/** The lists of a later answer take the place of ours; who stands on a row stays there. */
export function adopt(page: ParentNode): void {
  const { chapter, product } = (document.activeElement as HTMLElement | null)?.dataset ?? {};
  for (const id of ["here", "chapters"]) {
    const [old, fresh] = [document.getElementById(id), page.querySelector(`#${id}`)];
    if (old !== null && fresh !== null) old.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
  const stood =
    chapter !== undefined ? row("chapter", chapter) : product !== undefined ? row("product", product) : null;
  stood?.focus({ preventScroll: true });
}

export function productName(id: string): string {
  return document.querySelector<HTMLElement>(`[data-product="${CSS.escape(id)}"]`)?.dataset.name ?? "";
}

/** Mark where one is, and show the card of the product on show, else of the company. */
export class Follower {
  private chapter: string | null = null;
  private product: string | null = null;

  constructor(private readonly card: HTMLElement) {}

  /** `left` is what remains of the part, in words; empty before playing. */
  follow(chapter: string | null, product: string | null, left: string): void {
    if (chapter !== this.chapter || product !== this.product) this.change(chapter, product);
    const here = chapter === null ? null : row("chapter", chapter)?.querySelector(".left");
    if (here != null && here.textContent !== left) here.textContent = left;
  }

  /** The lists are new: nothing in them is marked. */
  forget(): void {
    this.chapter = this.product = null;
  }

  private change(chapter: string | null, product: string | null): void {
    if (chapter !== this.chapter) {
      for (const list of document.querySelectorAll<HTMLElement>("[data-products]"))
        list.hidden = list.dataset.products !== chapter;
      for (const left of document.querySelectorAll(".chapter .left")) left.textContent = "";
    }
    mark("chapter", chapter);
    mark("product", product);
    const shown = product === null ? null : row("product", product);
    const from = shown ?? (chapter === null ? null : row("chapter", chapter));
    const made = from?.parentElement?.querySelector("template");
    if (made != null) this.card.replaceChildren(document.importNode(made.content, true));
    this.chapter = chapter;
    this.product = product;
  }
}

function row(kind: "chapter" | "product", id: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-${kind}="${CSS.escape(id)}"]`);
}

function mark(kind: "chapter" | "product", id: string | null): void {
  for (const each of document.querySelectorAll<HTMLElement>(`[data-${kind}]`)) {
    const on = each.dataset[kind] === id;
    if (on === each.hasAttribute("aria-current")) continue;
    each.toggleAttribute("aria-current", on);
    if (!on) continue;
    each.setAttribute("aria-current", "true");
    within(each);
  }
}

/** Bring it into its list's view, without moving the page. */
function within(element: HTMLElement): void {
  const box = element.closest<HTMLElement>(".moments, .scroll");
  if (box === null) return;
  const [own, frame] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
  if (own.left < frame.left || own.right > frame.right) box.scrollLeft += own.left - frame.left - 16;
  if (box.scrollHeight > box.clientHeight && (own.top < frame.top || own.bottom > frame.bottom))
    box.scrollTop += own.top - frame.top - 64;
}
