/** Brings a room onto the stage page: its own chunk, loaded once the picture is there. */

import { html, nothing, render } from "lit-html";
import { companyOn, openQuestions, type Part, schedule, speaking } from "../live/panel";
import { type Room, RoomError } from "../live/room";
import type { Command, State } from "../wire.gen";
import { isolated } from "./isolated";
import { openRoom } from "./open-room";
import { need } from "./page";
import type { StageWords } from "./stage";
import { Catalogue } from "./stage-goods";
import { askWho } from "./stage-guest";
import { Noted } from "./stage-noted";
import * as panel from "./stage-panel";
import { type Draft, type Kind, talk } from "./stage-talk";
import { follows, typing } from "./stage-typing";

export interface Host {
  readonly showcase: string;
  readonly token: string | null;
  readonly startsAtMs: number | null;
  readonly words: StageWords;
  /** The parts that play again for this reader; `draw` when they have changed. */
  readonly again: () => readonly string[];
  /** The room's phase and count, whenever they change. */
  readonly told: (state: State) => void;
  readonly say: (text: string) => void;
  readonly flash: (text: string) => void;
}

const TICK_MS = 200;
const DESK = "(min-width: 900px) and (min-height: 700px)";

interface Sent extends Draft {
  /** The revision that holds it; the state shows it from then on. */
  readonly revision: number | null;
}

/** Everything of a room on this page; it lives as long as the page does. */
export class StageRoom {
  private readonly room: Room;
  private readonly facts: Catalogue;
  private readonly noted: Noted;
  private readonly sending = new Set<string>();
  private drafts: readonly Sent[] = [];
  private kind: Kind = "question";
  private shown: string;
  private lastPin: string | null | undefined;
  private lastCompany: string | null | undefined;
  private opened = matchMedia(DESK).matches
    ? document.querySelector<HTMLDetailsElement>("#products details[open]")
    : null;
  /** The company and the presenter that the server wrote. */
  private readonly written: { readonly company: string; readonly presenter: string; readonly caption: string };
  private ticking: ReturnType<typeof setInterval> | undefined;
  private cleared = false;

  constructor(private readonly host: Host) {
    this.shown = need<HTMLElement>("#products > [data-company]:not([hidden])").dataset.company ?? "";
    const [presenter, caption] = ["#presenter", "#speaking"].map((id) => need(id).textContent?.trim() ?? "");
    this.written = { company: this.shown, presenter: presenter ?? "", caption: caption ?? "" };
    this.facts = new Catalogue(() => this.draw());
    this.noted = new Noted(host.showcase);
    this.room = openRoom(host.showcase, host.token);
    this.room.store.subscribe(() => this.draw());
    this.draw();
    typing(need("#questions"), need(".stage"));
  }

  private readonly interests: panel.Interests = {
    noted: new Set(),
    sending: new Set(),
    press: (product) => void this.interested(product),
    choose: () => {
      need<HTMLElement>("#tab-products").click();
      document.querySelector<HTMLElement>("#products [data-interest] button")?.focus();
    },
  };

  /** Also for the host, when what it knows has changed. */
  draw(): void {
    const { words } = this.host;
    const { facts } = this.room.store;
    const { state, you } = facts;
    const line = need<HTMLElement>("#link");
    line.toggleAttribute("data-stays", facts.link === "refused");
    render(panel.link(facts, words), line);
    if (state === null) return;
    this.clearOnce();
    this.host.told(state);
    this.noted.of(you?.participant ?? null);
    const parts = schedule(state, this.host.startsAtMs);
    this.change(state);
    this.learn(state);
    const interests = { ...this.interests, noted: this.noted.all, sending: this.sending };
    render(panel.pin(state, parts, this.shown, this.facts, words), need<HTMLElement>("#pin"));
    render(panel.act(state, this.facts, interests, words), need<HTMLElement>("#act"));
    for (const slot of document.querySelectorAll<HTMLElement>("[data-interest]")) {
      const goods = this.facts.goods.get(slot.dataset.interest ?? "");
      render(goods === undefined ? nothing : panel.mark(goods, interests, words), slot);
    }
    this.drawProgramme(state, parts);
    this.drawTalk(state);
    this.drawCountdown();
  }

  private drawProgramme(state: State, parts: readonly Part[]): void {
    const { words } = this.host;
    const live = state.phase === "live" || state.phase === "paused";
    const strip = document.getElementById("shows");
    const again = this.host.again();
    if (strip !== null) render(panel.shows(parts, live, this.facts, again, words), strip);
    render(panel.programme(parts, live, this.facts, again, words), need<HTMLElement>("#programme"));
  }

  private drawTalk(state: State): void {
    const open = openQuestions(state);
    need("#questions-open").textContent = open === 0 ? "" : ` · ${open}`;
    need<HTMLElement>("#tab-questions").title = this.host.words.t("stage.talk.open", { count: open });
    this.drafts = this.drafts.filter(({ revision }) => revision === null || revision > state.revision);
    const keepEnd = follows(need<HTMLElement>(".panel > .scroll"));
    const { drafts, kind, facts } = this;
    render(
      talk({ state, you: this.room.store.facts.you, drafts, kind, facts }, this.host.words, {
        send: (text) => void this.write(text),
        choose: (chosen) => {
          this.kind = chosen;
          this.draw();
        },
        withdraw: (message) => void this.carryOut({ type: "withdraw", message }),
        again: (draft) => {
          this.drafts = this.drafts.filter(({ key }) => key !== draft.key);
          void this.write(draft.text, draft);
        },
        drop: (draft) => {
          this.drafts = this.drafts.filter(({ key }) => key !== draft.key);
          this.draw();
        },
        rename: () => void this.introduce(true),
      }),
      need<HTMLElement>("#questions"),
    );
    keepEnd();
  }

  private drawCountdown(): void {
    const { state } = this.room;
    const armed = state !== null && state.armed !== null;
    render(
      state === null ? nothing : panel.coming(state, this.facts, this.room.serverNow(), this.host.words),
      need<HTMLElement>("#coming"),
    );
    if (armed && this.ticking === undefined) {
      this.ticking = setInterval(() => this.drawCountdown(), TICK_MS);
      const company = this.facts.slots.get(state.armed?.segment ?? "")?.name;
      if (company !== undefined) this.host.say(this.host.words.t("stage.next_company", { company }));
    } else if (!armed) {
      clearInterval(this.ticking);
      this.ticking = undefined;
    }
  }

  /** What the server wrote gives way to views once there is a state to show. */
  private clearOnce(): void {
    if (this.cleared) return;
    this.cleared = true;
    for (const id of ["pin", "shows", "programme", "questions", "presenter", "speaking"])
      document.getElementById(id)?.replaceChildren();
  }

  /** Another company's part, another product on show: header, list and what is said follow. */
  private change(state: State): void {
    const { t } = this.host.words;
    const company = companyOn(state);
    if (company !== null) this.shown = company;
    const name = this.facts.slotOf(this.shown)?.name;
    if (name !== undefined) need("#company").textContent = name;
    this.caption(state);
    const unknown = !this.facts.companies.has(this.shown);
    render(unknown ? panel.goodsComing(this.host.words) : nothing, need<HTMLElement>("#products-coming"));
    for (const section of document.querySelectorAll<HTMLElement>("#products > [data-company], #about > [data-company]"))
      section.hidden = section.dataset.company !== this.shown;
    const pinned = [...document.querySelectorAll<HTMLElement>("#products [data-product]")];
    for (const row of pinned) {
      const on = row.dataset.product === state.pin;
      row.toggleAttribute("data-pinned", on);
      if (on) (row.closest("[data-company]") as HTMLElement).hidden = false;
    }
    if (this.lastCompany !== undefined && company !== this.lastCompany && company !== null && name !== undefined)
      this.host.say(t("stage.say.company", { company: name }));
    this.lastCompany = company;
    const goods = state.pin === null ? undefined : this.facts.goods.get(state.pin);
    if (state.pin !== null && goods === undefined) return;
    if (state.pin !== this.lastPin && goods !== undefined) {
      if (this.lastPin !== undefined) this.host.say(t("stage.say.product", { product: goods.name }));
      this.unfold(goods.link);
    }
    this.lastPin = state.pin;
  }

  /** Who speaks: those on the air, else whom the programme names. */
  private caption(state: State): void {
    const names = speaking(state);
    const own = this.shown === this.written.company ? this.written : { presenter: "", caption: "" };
    const said = (written: string) => isolated(names.length > 0 ? names : [written], " · ");
    render(said(own.presenter), need<HTMLElement>("#presenter"));
    const quiet = names.length === 0 && own.caption === "";
    render(
      quiet ? nothing : html`<span class="badge glass">${said(own.caption)}</span>`,
      need<HTMLElement>("#speaking"),
    );
  }

  /** A desk has room for the facts of the product on show. */
  private unfold(link: string): void {
    if (!matchMedia(DESK).matches) return;
    const row = document.getElementById(link.slice(1));
    if (!(row instanceof HTMLDetailsElement)) return;
    if (this.opened !== null) this.opened.open = false;
    this.opened = row.open ? null : row;
    row.open = true;
  }

  private learn(state: State): void {
    if (state.pin !== null) this.facts.need("product", state.pin, true);
    const unknown = state.segments.find(({ id }) => !this.facts.slots.has(id));
    if (unknown !== undefined) this.facts.need("segment", unknown.id, false);
    this.facts.need("company", this.shown, false);
  }

  private async interested(product: string): Promise<void> {
    const { t } = this.host.words;
    const goods = this.facts.goods.get(product);
    if (goods === undefined || this.sending.has(product)) return;
    const company = this.facts.slotOf(goods.exhibitor)?.name ?? "";
    if (!this.noted.all.has(product)) {
      if (!(await this.introduce())) return;
      this.sending.add(product);
      this.draw();
      try {
        await this.room.send({ type: "interested", product });
        this.noted.add(product);
      } catch (problem) {
        this.host.flash(t("stage.not_noted", { reason: this.reason(problem) }));
        return;
      } finally {
        this.sending.delete(product);
        this.draw();
      }
    }
    this.host.flash(t("stage.noted_said", { company }));
  }

  private async write(text: string, old?: Draft): Promise<void> {
    const kind = old?.kind ?? this.kind;
    const product = old === undefined ? (kind === "question" ? (this.room.state?.pin ?? null) : null) : old.product;
    const key = Math.max(0, ...this.drafts.map((draft) => draft.key)) + 1;
    const draft: Sent = { key, kind, text, product, trouble: null, revision: null };
    const put = (news: Partial<Sent>) => {
      const others = this.drafts.filter((each) => each.key !== key);
      this.drafts = [...others, { ...draft, ...news }];
      this.draw();
    };
    put({});
    if (!(await this.introduce())) return put({ trouble: this.host.words.t("stage.guest.title") });
    try {
      const sent = kind === "chat" ? ({ type: "say", text } as const) : ({ type: "ask", text, product } as const);
      const { revision } = await this.room.send(sent);
      put({ revision });
    } catch (problem) {
      put({ trouble: this.reason(problem) });
    }
  }

  private async carryOut(command: Command): Promise<void> {
    try {
      await this.room.send(command);
    } catch (problem) {
      this.host.flash(this.reason(problem));
    }
  }

  /** Ask who they are, unless the room knows; true when it does then. */
  private async introduce(anew = false): Promise<boolean> {
    const { you } = this.room.store.facts;
    if (you?.can.includes("write") && !anew) return true;
    if (!(await askWho(you))) return false;
    this.room.rejoin();
    return true;
  }

  private reason(problem: unknown): string {
    const title = problem instanceof RoomError ? problem.title : "";
    return title || this.host.words.t("stage.room.no_answer");
  }
}
