/** The page of invitations: hand new links on, ask for a company only where one presents. All else are plain forms. */

import { copyText } from "../ui/copy";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import { say } from "../ui/toast";

const t = translator(pageData().messages);
closeMenusKindly();

const role = need<HTMLSelectElement>("#role");
const askForCompany = () => {
  need<HTMLElement>("#company-field").hidden = role.value !== "exhibitor";
};
role.addEventListener("change", askForCompany);
askForCompany();

/** A second press while the first is under way would invite everybody twice. */
for (const form of document.querySelectorAll<HTMLFormElement>("main form"))
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent !== undefined) event.preventDefault();
    form.dataset.sent = "";
  });
globalThis.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll<HTMLFormElement>("main form")) delete form.dataset.sent;
});

async function copy(text: string, said: string): Promise<void> {
  say((await copyText(text)) ? said : t("invite.copy_failed"));
}

function buttons(kind: "copy" | "link" | "share" | "stage", press: (text: string) => void): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>(`[data-${kind}]`)) {
    button.hidden = false;
    button.addEventListener("click", () => press(button.dataset[kind] ?? ""));
  }
}

buttons("copy", (text) => void copy(text, t("invite.message_copied")));
buttons("stage", (url) => void copy(url, t("common.link_copied")));
buttons("link", (url) => void copy(url, t("common.link_copied")));
if (navigator.share !== undefined)
  buttons("share", (text) => {
    navigator.share({ text }).catch((problem: unknown) => {
      if (problem instanceof DOMException && problem.name === "AbortError") return;
      void copy(text, t("invite.message_copied"));
    });
  });

const all = document.querySelector<HTMLButtonElement>("#copy-all");
if (all !== null) {
  all.hidden = false;
  all.addEventListener("click", () => {
    const messages = [...document.querySelectorAll<HTMLElement>("[data-copy]")].map((one) => one.dataset.copy);
    void copy(messages.join("\n\n"), t("invite.message_copied"));
  });
}

document.querySelector<HTMLElement>("#letters-title")?.focus();
