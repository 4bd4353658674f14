/** How to go on in another browser: copies the link, shows a one-time code while it lasts. */

import { html, render, type TemplateResult } from "lit-html";
import { unavailable } from "../media/devices";
import { copyText } from "../ui/copy";
import { translator } from "../ui/i18n";
import { icon } from "../ui/icons";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import type { CodeAnswer } from "../wire.gen";

type Code =
  | { readonly phase: "none" | "asking" | "over" }
  | { readonly phase: "refused"; readonly words: string }
  | { readonly phase: "shown"; readonly text: string; readonly untilMs: number; readonly lifeS: number };

const TICK_MS = 250;

const page = pageData<{ readonly next: string }>();
const t = translator(page.messages);
const address = document.querySelector<HTMLInputElement>("#address");
const slot = document.querySelector<HTMLElement>("#code");
let code: Code = { phase: "none" };
let copied = false;

/** The app's menu opens in the phone's browser what the address says: let that be the link, not this page. */
function wearLink(link: URL): void {
  if (link.origin === location.origin && page.next !== "/") history.replaceState(null, "", link);
}

async function copyLink(link: string): Promise<void> {
  const done = await copyText(link);
  need<HTMLElement>("#copied").textContent = t(done ? "accounts.elsewhere.copied" : "accounts.elsewhere.not_copied");
  if (!done) address?.select();
}

function set(next: Code): void {
  code = next;
  copied = false;
  draw();
  say(next);
}

async function ask(): Promise<void> {
  set({ phase: "asking" });
  const askedMs = performance.now();
  try {
    const answer = await fetch("/api/codes", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ next: page.next }),
    });
    if (!answer.ok) return set({ phase: "refused", words: ((await answer.json()) as { title: string }).title });
    const { code: text, lifeS } = (await answer.json()) as CodeAnswer;
    // From before it was asked for: the code is never over sooner than shown.
    set({ phase: "shown", text, untilMs: askedMs + lifeS * 1000, lifeS });
  } catch {
    set({ phase: "refused", words: t("accounts.elsewhere.offline") });
  }
}

async function copyCode(text: string): Promise<void> {
  copied = await copyText(text);
  draw();
}

function tick(): void {
  if (code.phase !== "shown") return;
  if (performance.now() >= code.untilMs) set({ phase: "over" });
  else draw();
}

function draw(): void {
  if (slot !== null) render(view(), slot);
}

function view(): TemplateResult {
  switch (code.phase) {
    case "none":
    case "asking":
      return button("accounts.elsewhere.show", "eye");
    case "over":
      return html`<p class="note">${icon("clock")}<span>${t("accounts.elsewhere.over")}</span></p>${button("accounts.elsewhere.new", "rotate-ccw")}`;
    case "refused":
      return html`<p class="note">${icon("circle-alert")}<span>${code.words}</span></p>${button("accounts.elsewhere.new", "rotate-ccw")}`;
    case "shown":
      return shown(code);
  }
}

function button(key: string, symbol: "eye" | "rotate-ccw"): TemplateResult {
  const drawn = symbol === "eye" ? icon("eye") : icon("rotate-ccw");
  return html`<button class="btn" id="show" type="button" ?disabled=${code.phase === "asking"} @click=${() => void ask()}>${drawn}${t(key)}</button>`;
}

function shown(now: Extract<Code, { phase: "shown" }>): TemplateResult {
  const leftS = Math.max(0, Math.ceil((now.untilMs - performance.now()) / 1000));
  return html`<div class="one-time">
    <p class="digits" id="digits" translate="no">${now.text}</p>
    <progress max=${now.lifeS} .value=${leftS} aria-label=${t("accounts.elsewhere.left_label")}></progress>
    <p class="dim" id="left">${t("accounts.elsewhere.left", { seconds: leftS })}</p>
    <div class="wrap">
      <button class="btn" id="copy-code" type="button" @click=${() => void copyCode(now.text)}>${copied ? icon("check") : icon("copy")}${t(copied ? "accounts.elsewhere.code_copied" : "accounts.elsewhere.copy_code")}</button>
      ${button("accounts.elsewhere.new", "rotate-ccw")}
    </div>
  </div>`;
}

/** What a screen reader is told: the code letter by letter, once, and its end; the seconds only when asked for. */
function say(now: Code): void {
  if (slot === null) return;
  const words =
    now.phase === "shown"
      ? t("accounts.elsewhere.said", { code: [...now.text.replace(" ", "")].join(" "), seconds: now.lifeS })
      : now.phase === "over"
        ? t("accounts.elsewhere.over")
        : now.phase === "refused"
          ? now.words
          : "";
  need<HTMLElement>("#say").textContent = words;
}

function begin(): void {
  closeMenusKindly();
  slot?.replaceChildren();
  draw();
  setInterval(tick, TICK_MS);
  if (address === null) return;
  const link = address.value;
  const copy = need<HTMLButtonElement>("#copy");
  copy.hidden = false;
  copy.addEventListener("click", () => void copyLink(link));
  address.addEventListener("focus", () => address.select());
  wearLink(new URL(link));
  // To stay here may then be no more than another fragment of the address worn.
  addEventListener("hashchange", () => location.reload());
}

// Opened where camera and microphone are: there is nothing to say.
if (unavailable({ devices: navigator.mediaDevices, secure: isSecureContext }) === null && page.next !== "/")
  location.replace(page.next);
else begin();
