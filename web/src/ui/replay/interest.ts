/** One tap of interest in a replay: the server knows the name, or a small sheet asks for it once. */

import { askWho } from "../stage-guest";
import { Noted } from "../stage-noted";

export type Answer = "noted" | "declined" | { readonly reason: string };

export class Interest {
  readonly sending = new Set<string>();
  private readonly kept: Noted;

  /** `named`: the server knows who reads. */
  constructor(
    private readonly showcase: string,
    private named: boolean,
  ) {
    this.kept = new Noted(showcase);
    this.kept.of("replay");
  }

  get noted(): ReadonlySet<string> {
    return this.kept.all;
  }

  /** `reason` is in the reader's language, empty where nobody answered. */
  async show(product: string): Promise<Answer> {
    if (this.sending.has(product) || this.noted.has(product)) return "noted";
    this.sending.add(product);
    try {
      if (!this.named && !(await this.introduced())) return "declined";
      let refused = await this.send(product);
      if (refused?.code === "login.missing") {
        if (!(await this.introduced())) return "declined";
        refused = await this.send(product);
      }
      if (refused !== null) return { reason: refused.title };
      this.kept.add(product);
      return "noted";
    } catch {
      return { reason: "" };
    } finally {
      this.sending.delete(product);
    }
  }

  private async introduced(): Promise<boolean> {
    this.named = await askWho(null);
    return this.named;
  }

  private async send(product: string): Promise<{ readonly code: string; readonly title: string } | null> {
    const response = await fetch(`/api/showcases/${encodeURIComponent(this.showcase)}/interest`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ product }),
    });
    return response.ok ? null : await response.json();
  }
}
