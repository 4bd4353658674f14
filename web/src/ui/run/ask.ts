/** A question in words before something that cannot be taken back: the safe answer has the focus. */

import { html, render } from "lit-html";

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly stay: string;
  readonly agree: string;
  /** Takes somebody off air or out of the room. */
  readonly danger: boolean;
}

/** Resolves with whether it was agreed to; Escape is a no. */
export function asked(dialog: HTMLDialogElement, question: Question): Promise<boolean> {
  if (dialog.open) return Promise.resolve(false);
  return new Promise((resolve) => {
    let agreed = false;
    const close = (yes: boolean) => {
      agreed = yes;
      dialog.close();
    };
    render(
      html`<h2 id="ask-title">${question.title}</h2>
        <p class="dim">${question.text}</p>
        <div class="wrap ends">
          <button class="btn" type="button" autofocus @click=${() => close(false)}>${question.stay}</button>
          <button class="btn ${question.danger ? "air-edge" : "primary"}" type="button" id="agree" @click=${() => close(true)}>${question.agree}</button>
        </div>`,
      dialog,
    );
    const answered = () => {
      if (dialog.open) return; // the end of the question before this one, told late
      dialog.removeEventListener("close", answered);
      resolve(agreed);
    };
    dialog.addEventListener("close", answered);
    dialog.showModal();
  });
}
