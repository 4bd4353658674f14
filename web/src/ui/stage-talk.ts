/** Views of questions and chat. What people wrote stands isolated in <bdi> and is only ever text. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { writable } from "../live/panel";
import { LIMITS, type Message, type State, type You } from "../wire.gen";
import { time } from "./clocks";
import { icon } from "./icons";
import { isolatedText } from "./isolated";
import type { StageWords } from "./stage";
import type { Catalogue } from "./stage-goods";

type View = TemplateResult | typeof nothing;
export type Kind = Message["kind"];

/** Something written here that the room does not show yet. */
export interface Draft {
  readonly key: number;
  readonly kind: Kind;
  readonly text: string;
  readonly product: string | null;
  /** Why it was not taken; null while it is on its way. */
  readonly trouble: string | null;
}

export interface TalkActions {
  readonly send: (text: string) => void;
  readonly choose: (kind: Kind) => void;
  readonly withdraw: (message: number) => void;
  readonly again: (draft: Draft) => void;
  readonly drop: (draft: Draft) => void;
  readonly rename: () => void;
}

export interface Talk {
  readonly state: State;
  readonly you: You | null;
  readonly drafts: readonly Draft[];
  readonly kind: Kind;
  readonly facts: Catalogue;
}

export function talk(now: Talk, words: StageWords, actions: TalkActions): View {
  const { state, drafts } = now;
  const { t } = words;
  const empty = state.messages.length === 0 && drafts.length === 0;
  return html`
    ${empty ? html`<div class="empty">${icon("message-circle-question-mark")}<p class="dim">${t("stage.talk.empty")}</p></div>` : nothing}
    <div class="talk" role="log" aria-label=${t("stage.talk.title")} ?hidden=${empty}><ol>
      ${repeat(
        state.messages,
        ({ id }) => id,
        (message) => said(message, now, words, actions),
      )}
      ${repeat(
        drafts,
        ({ key }) => `draft-${key}`,
        (draft) => drafted(draft, words, actions),
      )}
    </ol></div>
    ${writable(state) ? composer(now, words, actions) : html`<p class="dim small closed">${t("stage.talk.closed")}</p>`}`;
}

function said(message: Message, { you, facts }: Talk, words: StageWords, actions: TalkActions): View {
  const { t, zone } = words;
  const own = you !== null && message.by === you.participant;
  const at = html`<time class="dim" datetime=${new Date(message.atMs).toISOString()}>${time(message.atMs, zone)}</time>`;
  if (message.hidden || message.withdrawn) {
    const gone = t(message.withdrawn ? "stage.talk.withdrawn" : "stage.talk.hidden");
    return html`<li class="said gone" data-message=${message.id}><p class="small dim">${gone} · ${at}</p></li>`;
  }
  const product = message.product === null ? undefined : facts.goods.get(message.product);
  const company = message.company === "" ? nothing : html`<span class="dim">· <bdi>${message.company}</bdi></span>`;
  const withdraw = own
    ? html`<button class="btn quiet icon" type="button" title=${t("stage.talk.withdraw")} aria-label=${t("stage.talk.withdraw_this", { text: message.text.slice(0, 40) })} @click=${() => actions.withdraw(message.id)}>${icon("undo-2")}</button>`
    : nothing;
  return html`<li class="said" data-message=${message.id} data-kind=${message.kind} ?data-own=${own}>
    <p class="by small"><b><bdi>${message.name}</bdi></b> ${company} <span class="dim">·</span> ${at}</p>
    <p class="words"><bdi>${message.text}</bdi></p>
    ${message.kind === "question" ? marks(message.answered, product?.name ?? null, words) : nothing}
    ${withdraw}
  </li>`;
}

function marks(answered: boolean, product: string | null, { t }: StageWords): View {
  return html`<p class="marks small"><span class="badge">${t("stage.talk.question")}</span>${product === null ? nothing : html`<span class="dim cut">${product}</span>`}${answered ? html`<span class="lamp on">${t("stage.talk.answered")}</span>` : nothing}</p>`;
}

function drafted(draft: Draft, { t }: StageWords, actions: TalkActions): View {
  const status =
    draft.trouble === null
      ? html`<p class="small dim">${t("stage.talk.sending")}</p>`
      : html`<p class="small trouble">${t("stage.talk.not_sent", { reason: draft.trouble })}</p>
        <p class="bar"><button class="btn" type="button" @click=${() => actions.again(draft)}>${t("stage.talk.again")}</button><button class="btn quiet" type="button" @click=${() => actions.drop(draft)}>${t("stage.talk.drop")}</button></p>`;
  return html`<li class="said draft" data-own><p class="words"><bdi>${draft.text}</bdi></p>${status}</li>`;
}

function composer({ state, you, kind, facts }: Talk, words: StageWords, actions: TalkActions): View {
  const { t } = words;
  const chip = (one: Kind, label: string) =>
    html`<button class="chip" type="button" aria-pressed=${one === kind} @click=${() => actions.choose(one)}>${label}</button>`;
  const about = kind === "question" && state.pin !== null ? facts.goods.get(state.pin) : undefined;
  const name = t(kind === "question" ? "stage.talk.write_question" : "stage.talk.write_chat");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem("text") as HTMLInputElement;
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    actions.send(text);
  };
  return html`<form class="composer" @submit=${submit}>
    <div class="bar kinds" role="group" aria-label=${t("stage.talk.kind")}>${chip("question", t("stage.talk.question"))}${chip("chat", t("stage.talk.chat"))}${about === undefined ? nothing : html`<span class="dim small cut grow">${t("stage.talk.about", { product: about.name })}</span>`}</div>
    <div class="bar"><input class="input grow" name="text" dir="auto" autocomplete="off" enterkeyhint="send" maxlength=${LIMITS.textChars} aria-label=${name} placeholder=${name}><button class="btn primary icon" type="submit" aria-label=${t("stage.talk.send")} title=${t("stage.talk.send")}>${icon("send")}</button></div>
    ${you === null || you.role !== null ? nothing : html`<p class="small dim you"><span class="cut">${t("stage.you_are", { name: isolatedText(you.name), company: isolatedText(you.company) })}</span><button class="btn quiet" type="button" @click=${actions.rename}>${t("stage.change_name")}</button></p>`}
  </form>`;
}
