/** The small sheet that asks who somebody is, once: name and company, no password. */

import { need } from "./page";

/** Opens the sheet; true once the server remembers the name, false when the reader would rather not. */
export function askWho(known: { readonly name: string; readonly company: string } | null): Promise<boolean> {
  const sheet = need<HTMLDialogElement>("#guest");
  const form = need<HTMLFormElement>("#guest form");
  const trouble = need<HTMLElement>("#guest-trouble");
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
  const submit = need<HTMLButtonElement>("#guest [type=submit]");
  trouble.textContent = "";
  if (known !== null) {
    field("name").value = known.name;
    field("company").value = known.company;
  }
  return new Promise((resolve) => {
    const done = new AbortController();
    const finish = (told: boolean) => {
      done.abort();
      if (typeof sheet.close === "function") sheet.close();
      else sheet.removeAttribute("open");
      resolve(told);
    };
    const once = { signal: done.signal };
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        submit.disabled = true;
        void tell(field("name").value, field("company").value).then((problem) => {
          submit.disabled = false;
          if (problem === null) finish(true);
          else trouble.textContent = problem;
        });
      },
      once,
    );
    sheet.addEventListener(
      "click",
      (event) => {
        if ((event.target as Element).closest("[value=close]") !== null) finish(false);
      },
      once,
    );
    sheet.addEventListener("cancel", () => finish(false), once);
    if (typeof sheet.showModal === "function") sheet.showModal();
    else sheet.setAttribute("open", "");
    field("name").focus();
  });
}

/** Null when it was taken, else why not, in the reader's language. */
async function tell(name: string, company: string): Promise<string | null> {
  const trouble = need<HTMLElement>("#guest-trouble");
  try {
    const response = await fetch("/api/guests", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name, company }),
    });
    if (response.ok) return null;
    return ((await response.json()) as { title?: string }).title ?? "";
  } catch {
    return trouble.dataset.offline ?? "";
  }
}
