/** Asks a presenter who has not decided whether they may be recorded, without their leaving the studio. */

/** Does nothing where the server does not ask. `said` is told what became of it, for those who listen. */
export function askConsent(said: (text: string) => void): void {
  const note = document.getElementById("consent-note");
  const dialog = document.querySelector<HTMLDialogElement>("#consent");
  const form = dialog?.querySelector("form");
  const trouble = document.getElementById("consent-trouble");
  if (note === null || dialog === null || form == null || trouble === null) return;
  const { url = "", saved = "", untold = "", offline = "" } = dialog.dataset;

  note.querySelector("a")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
  dialog.querySelector("[value=close]")?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    const answer = await decide(url, new FormData(form));
    if (typeof answer === "string") {
      trouble.textContent = answer || offline;
      trouble.hidden = false;
      return;
    }
    dialog.close();
    note.className = "small dim";
    note.textContent = answer.told ? saved : untold;
    said(note.textContent);
  });
}

/** Whether the show knows of it already; why it was not taken, empty where nobody answered. */
async function decide(url: string, form: FormData): Promise<{ readonly told: boolean } | string> {
  const decision = {
    record: form.get("record") === "yes",
    publish: form.get("publish") ?? "nobody",
    until: form.get("until") || null,
  };
  try {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const response = await fetch(url, { method: "PUT", headers, body: JSON.stringify(decision) });
    const body = (await response.json()) as { readonly told?: boolean; readonly title?: string };
    return response.ok ? { told: body.told === true } : (body.title ?? "");
  } catch {
    return "";
  }
}
