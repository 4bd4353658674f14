/** Sends a plan when it has changed: one at a time, the newest last, never over what somebody else has written. */

export type Answer<T> =
  | { readonly kind: "kept"; readonly plan: T }
  | { readonly kind: "conflict"; readonly words: string }
  | { readonly kind: "refused"; readonly words: string }
  | { readonly kind: "away" };

export type Standing =
  | { readonly kind: "kept"; readonly atMs: number | null }
  | { readonly kind: "unsaved" }
  | { readonly kind: "saving" }
  | { readonly kind: "away" }
  | { readonly kind: "refused"; readonly words: string }
  | { readonly kind: "conflict"; readonly words: string };

export interface SaverOptions<T> {
  /** Send what the page holds now. */
  readonly send: () => Promise<Answer<T>>;
  readonly kept: (plan: T) => void;
  readonly stands: (standing: Standing) => void;
  /** Null: nothing is sent before `save` is called. */
  readonly afterMs: number | null;
  readonly againMs: number;
}

export class Saver<T> {
  standing: Standing = { kind: "kept", atMs: null };
  /** Counts changes, so that an answer knows whether it is about the newest. */
  private changes = 0;
  private sent = 0;
  private running: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SaverOptions<T>) {}

  get dirty(): boolean {
    return this.sent < this.changes || this.running !== null;
  }

  /** Something has changed. Nothing is sent on top of a conflict: that is for people to decide. */
  changed(): void {
    this.changes += 1;
    if (this.standing.kind === "conflict") return;
    if (this.running === null) this.stand({ kind: "unsaved" });
    if (this.options.afterMs !== null) this.later(this.options.afterMs);
  }

  /** Save now; resolves when nothing is under way any more, with whether all is kept. */
  async save(): Promise<boolean> {
    clearTimeout(this.timer);
    while (this.running !== null) await this.running;
    if (this.sent < this.changes || this.standing.kind !== "kept") {
      this.running = this.once();
      await this.running;
    }
    return this.standing.kind === "kept";
  }

  private async once(): Promise<void> {
    const upTo = this.changes;
    this.stand({ kind: "saving" });
    const answer = await this.options.send();
    this.running = null;
    if (answer.kind === "kept") {
      this.sent = upTo;
      this.options.kept(answer.plan);
      this.stand(this.sent < this.changes ? { kind: "unsaved" } : { kind: "kept", atMs: Date.now() });
      if (this.sent < this.changes && this.options.afterMs !== null) this.later(this.options.afterMs);
      return;
    }
    this.stand(answer);
    if (answer.kind === "away") this.later(this.options.againMs);
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), ms);
  }

  private stand(standing: Standing): void {
    this.standing = standing;
    this.options.stands(standing);
  }
}
