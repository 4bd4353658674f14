/** The products that somebody said to be interested in, kept in this browser: rooms tell only the companies. */

export class Noted {
  private products = new Set<string>();
  private key: string | null = null;

  constructor(private readonly showcase: string) {}

  get all(): ReadonlySet<string> {
    return this.products;
  }

  /** Whose they are; nobody has none. */
  of(participant: string | null): void {
    const key = participant === null ? null : `expo-noted:${this.showcase}:${participant}`;
    if (key === this.key) return;
    this.key = key;
    this.products = new Set(key === null ? [] : read(key));
  }

  add(product: string): void {
    this.products.add(product);
    if (this.key === null) return;
    try {
      localStorage.setItem(this.key, JSON.stringify([...this.products]));
    } catch {
      // A browser that keeps nothing: remembered until the page is left.
    }
  }
}

function read(key: string): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.filter((each): each is string => typeof each === "string") : [];
  } catch {
    return [];
  }
}
