// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { askConsent } from "./studio-consent";

const PAGE = `<p id="consent-note"><a href="/s/r/consent">Decide</a></p>
  <dialog id="consent" data-url="/consent" data-saved="saved" data-untold="untold" data-offline="offline"><form>
    <input type="checkbox" name="record" value="yes"><input type="radio" name="publish" value="invited">
    <input name="until" value=""><button type="submit"></button>
  </form><p id="consent-trouble" hidden></p><button type="button" value="close"></button></dialog>`;

test("a presenter decides without leaving the studio, and a refusal keeps the question", async () => {
  document.body.innerHTML = PAGE;
  const sent: unknown[] = [];
  const answers = [
    Response.json({ title: "over already" }, { status: 400 }),
    new TypeError("Failed to fetch"),
    Response.json({ told: true }),
  ];
  vi.stubGlobal("fetch", async (_url: string, { body }: RequestInit) => {
    sent.push(JSON.parse(String(body)));
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer;
  });
  const said = vi.fn();
  askConsent(said);
  const [note, dialog] = [
    document.getElementById("consent-note"),
    document.querySelector<HTMLDialogElement>("#consent"),
  ];
  const [form, trouble] = [dialog?.querySelector("form"), document.getElementById("consent-trouble")];
  note?.querySelector("a")?.click();
  expect(dialog?.open).toBe(true);
  for (const refusal of ["over already", "offline"]) {
    form?.requestSubmit();
    await vi.waitFor(() => expect([trouble?.textContent, trouble?.hidden]).toEqual([refusal, false]));
  }
  for (const name of ["record", "publish"]) form?.querySelector<HTMLInputElement>(`[name=${name}]`)?.click();
  form?.requestSubmit();
  await vi.waitFor(() => expect(said).toHaveBeenCalledWith("saved"));
  expect([dialog?.open, note?.textContent]).toEqual([false, "saved"]);
  const nothing = { record: false, publish: "nobody", until: null };
  expect(sent).toEqual([nothing, nothing, { record: true, publish: "invited", until: null }]);
});
