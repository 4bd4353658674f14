/** "Needs you": what, who, since when, and one verb. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { isolated } from "../isolated";
import type { Listed, Need } from "./needs";
import { ago, companyName, type RunWords } from "./words";

export interface NeedActions {
  readonly later: (segment: string) => void;
  readonly link: (segment: string) => void;
  readonly answered: (message: number) => void;
  readonly unmute: (seat: string) => void;
  readonly note: (key: string) => void;
}

export function count(items: readonly Listed[], { t }: RunWords): TemplateResult | typeof nothing {
  const open = items.filter((item) => !item.done).length;
  if (open === 0) return nothing;
  return html`<span class="badge need"><span aria-hidden="true">${open}</span><span class="sr">${t("run.needs.count", { count: open })}</span></span>`;
}

export function needs(items: readonly Listed[], nowMs: number, words: RunWords, actions: NeedActions): TemplateResult {
  const { t } = words;
  if (items.length === 0) return html`<p class="empty dim">${t("run.needs.empty")}</p>`;
  return html`<p class="dim small">${t("run.needs.order")}</p><ol class="rows needs">${repeat(
    items,
    (item) => item.need.key,
    (item) => row(item, nowMs, words, actions),
  )}</ol>`;
}

function row({ need, sinceMs, done }: Listed, nowMs: number, words: RunWords, actions: NeedActions): TemplateResult {
  const { t } = words;
  const [title, detail] = told(need, words);
  const [verb, act] = verbOf(need, words, actions);
  return html`<li class=${done ? "is-done" : ""}>
    <p><b><bdi>${title}</bdi></b><br><span class="dim small"><bdi>${detail}</bdi></span></p>
    <span class="small dim age">${done ? t("run.needs.done") : ago(sinceMs, nowMs, words)}</span>
    <button class="btn" type="button" data-focus="need:${need.key}" aria-disabled=${done ? "true" : "false"} @click=${() => done || act()}>${verb}</button>
  </li>`;
}

function told(need: Need, words: RunWords): readonly [string, string | TemplateResult] {
  const { t } = words;
  switch (need.kind) {
    case "not_ready": {
      const name = companyName(need.segment.exhibitor, words);
      return [t("run.needs.not_ready"), t(need.here ? "run.needs.here_not_ready" : "run.needs.nobody_here", { name })];
    }
    case "recording":
      return [
        t(`run.needs.recording.${need.trouble}`),
        t(need.trouble === "no_picture" ? "run.needs.recording.no_picture_hint" : "run.needs.recording.hint"),
      ];
    case "question": {
      const { text, name, company } = need.message;
      return [text, isolated([name, company], ", ")];
    }
    case "muted":
      return [t("run.needs.muted"), isolated([need.name, companyName(need.exhibitor, words)], ", ")];
    case "check": {
      const person = isolated([need.name, companyName(need.exhibitor, words)], ", ");
      return [t("run.needs.check"), need.note === "" ? person : html`${person}: ${checked(need.note, words)}`];
    }
  }
}

/** Our own check names its test; another client may write what it likes. */
function checked(note: string, { t }: RunWords): string {
  return ["camera", "microphone", "speakers", "network"].includes(note) ? t(`run.check_of.${note}`) : note;
}

function verbOf(need: Need, { t }: RunWords, actions: NeedActions): readonly [string, () => void] {
  switch (need.kind) {
    case "not_ready":
      return need.later
        ? [t("run.needs.later"), () => actions.later(need.segment.id)]
        : [t("run.needs.link"), () => actions.link(need.segment.id)];
    case "question":
      return [t("run.answered"), () => actions.answered(need.message.id)];
    case "muted":
      return [t("run.unmute"), () => actions.unmute(need.seat)];
    case "recording":
    case "check":
      return [t("run.needs.noted"), () => actions.note(need.key)];
  }
}
