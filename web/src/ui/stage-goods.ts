/** Companies and products as the page tells of them: the room's events bring only ids. */

export interface Goods {
  readonly id: string;
  readonly exhibitor: string;
  readonly name: string;
  /** Price and least quantity, ready to read. */
  readonly offer: string;
  readonly lead: string;
  readonly papers: string;
  readonly image: string;
  /** Address in this page. */
  readonly link: string;
}

export interface Slot {
  readonly exhibitor: string;
  readonly name: string;
  readonly title: string;
  readonly image: string;
}

/** Asking the server for a page costs it a moment; a company's change makes everybody ask. */
const SPREAD_MS = 3_000;
const AGAIN_MS = 2_500;
const MOST_TRIES = 6;

export class Catalogue {
  readonly goods = new Map<string, Goods>();
  readonly slots = new Map<string, Slot>();
  /** Companies with all their products here. */
  readonly companies = new Set<string>();
  private tries = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `learnt` is called when there is more to show. */
  constructor(private readonly learnt: () => void) {
    this.read(document);
  }

  slotOf(exhibitor: string): Slot | undefined {
    return [...this.slots.values()].find((slot) => slot.exhibitor === exhibitor);
  }

  /** Have it here soon; `hurry` is for what people wait for. */
  need(what: "company" | "product" | "segment", id: string, hurry: boolean): void {
    const known = { company: this.companies, product: this.goods, segment: this.slots }[what].has(id);
    const tried = this.tries.get(id) ?? 0;
    if (known || tried >= MOST_TRIES || this.timer !== undefined) return;
    this.tries.set(id, tried + 1);
    const waitMs = hurry && tried === 0 ? Math.random() * 200 : Math.random() * SPREAD_MS + (tried > 0 ? AGAIN_MS : 0);
    this.timer = setTimeout(() => void this.ask(), waitMs);
  }

  /** This page as the server writes it now, in the reader's language: what is new in it moves over. */
  private async ask(): Promise<void> {
    try {
      const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const section of page.querySelectorAll<HTMLElement>("#products > [data-company]")) this.adopt(section);
      for (const section of page.querySelectorAll<HTMLElement>("#about > [data-company]")) {
        if (document.querySelector(`#about > [data-company="${CSS.escape(section.dataset.company ?? "")}"]`)) continue;
        section.hidden = true;
        document.getElementById("about")?.prepend(document.adoptNode(section));
      }
      this.read(page);
      this.read(document);
    } catch {
      // Offline: what shows the ids asks again.
    } finally {
      this.timer = undefined;
      this.learnt();
    }
  }

  /** A whole company replaces the single product that was shown of it. */
  private adopt(section: HTMLElement): void {
    const company = section.dataset.company ?? "";
    if (this.companies.has(company)) return;
    const part = section.dataset.part !== undefined;
    const old = document.querySelector(`#products > [data-company="${CSS.escape(company)}"]`);
    if (part && old?.querySelector(`#${CSS.escape(section.querySelector("details")?.id ?? "-")}`)) return;
    section.hidden = true;
    const moved = document.adoptNode(section);
    if (old === null) document.getElementById("products")?.append(moved);
    else if (part) old.append(...moved.children);
    else old.replaceWith(moved);
  }

  private read(page: Document): void {
    for (const row of page.querySelectorAll<HTMLElement>("#programme [data-segment]")) {
      const { segment = "", exhibitor = "", name = "", title = "", image = "" } = row.dataset;
      this.slots.set(segment, { exhibitor, name, title, image });
    }
    if (page !== document) return;
    for (const section of document.querySelectorAll<HTMLElement>("#products > [data-company]:not([data-part])"))
      this.companies.add(section.dataset.company ?? "");
    for (const row of document.querySelectorAll<HTMLElement>("#products [data-product]")) {
      const { product = "", exhibitor = "", lead = "", papers = "" } = row.dataset;
      this.goods.set(product, {
        id: product,
        exhibitor,
        lead,
        papers,
        name: row.querySelector("summary b")?.textContent ?? "",
        offer: row.querySelector("summary .dim")?.textContent ?? "",
        image: row.querySelector("img")?.getAttribute("src") ?? "",
        link: `#${row.id}`,
      });
    }
  }
}
