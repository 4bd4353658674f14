/** The page on which a showcase is made: the form stays the server's, its run of show is drawn and saved from here. */

import { render } from "lit-html";
import { type Clock, day, ownZone, times } from "../ui/clocks";
import { translator } from "../ui/i18n";
import * as model from "../ui/make/model";
import { type Answer, Saver } from "../ui/make/saver";
import * as views from "../ui/make/views";
import { closeMenusKindly } from "../ui/menus";
import { need, pageData } from "../ui/page";
import { dragging } from "../ui/run/drag";

interface MakePage {
  readonly plan: model.Plan;
  readonly unsaved: boolean;
  readonly planUrl: string;
  readonly companies: readonly model.Company[];
  readonly clocks: readonly Clock[];
}

const AUTO_MS = 1_000;
const AGAIN_MS = 5_000;
const PATIENCE_MS = 15_000;
const TOAST_MS = 10_000;

const page = pageData<MakePage>();
const t = translator(page.messages);
const words: views.Words = { t, clocks: page.clocks, companies: new Map(page.companies.map((one) => [one.id, one])) };
const form = need<HTMLFormElement>("#plan");
const [lines, adder, sum, checks] = ["#lines", "#add", "#total", "#checks"].map((id) => {
  const slot = need<HTMLElement>(id);
  slot.replaceChildren();
  return slot;
}) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
const say = need<HTMLElement>("#say");

let plan = page.plan;
let parts: readonly model.Part[] = plan.parts;
let toast: { readonly text: string; readonly undo: (() => void) | null } | null = null;
let toastTimer: ReturnType<typeof setTimeout> | undefined;
let leaving = false;

const field = (name: string) => need<HTMLInputElement>(`#plan [name="${name}"]`);

/** What the page holds now, as the server takes it. */
function wanted(): unknown {
  const starts = field("starts").value;
  return {
    version: plan.version,
    delegation: plan.delegation,
    titles: Object.fromEntries(["ko", "vi", "en"].map((code) => [code, field(`title-${code}`).value])),
    starts: starts.length === 16 ? `${starts}:00` : starts,
    minutes: Number(field("minutes").value),
    openToAll: need<HTMLInputElement>("#plan [name=openToAll]:checked").value === "true",
    autoLive: field("autoLive").checked,
    parts,
  };
}

async function ask(body?: unknown): Promise<Response> {
  return fetch(page.planUrl, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
}

async function send(): Promise<Answer<model.Plan>> {
  // A half-typed number or date is the reader's business until it is whole.
  if (!form.checkValidity())
    return { kind: "refused", words: form.querySelector<HTMLInputElement>(":invalid")?.validationMessage ?? "" };
  try {
    const response = await ask(wanted());
    if (response.ok) return { kind: "kept", plan: (await response.json()) as model.Plan };
    if (response.status >= 500 || response.status === 429) return { kind: "away" };
    const problem = (await response.json()) as { readonly code: string; readonly title: string };
    return { kind: problem.code === "showcase.plan_changed" ? "conflict" : "refused", words: problem.title };
  } catch {
    return { kind: "away" };
  }
}

const saver = new Saver<model.Plan>({
  send,
  kept: (answer) => {
    plan = answer;
    field("version").value = answer.version;
    const titles = [page.language, "en", "ko", "vi"].map((code) => answer.titles[code]);
    need("h1").textContent = titles.find((title) => title) ?? "";
    if (!answer.shared) tell(t("make.not_shared"), null);
    draw();
  },
  stands: (standing) => {
    if (standing.kind === "away") say.textContent = t("make.failed");
    draw();
  },
  afterMs: plan.state === "draft" && !page.unsaved ? AUTO_MS : null,
  againMs: AGAIN_MS,
});

/** Reads the version that the other one left, and saves over it: somebody has decided so. */
async function mine(): Promise<void> {
  try {
    const response = await ask();
    if (response.ok) plan = { ...plan, version: ((await response.json()) as model.Plan).version };
  } catch {
    return;
  }
  await saver.save();
}

function tell(text: string, undo: (() => void) | null): void {
  toast = { text, undo };
  say.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast = null;
    draw();
  }, TOAST_MS);
}

function change(next: readonly model.Part[]): void {
  if (next === parts) return;
  parts = next;
  saver.changed();
  draw();
}

const nameOf = (company: string) => words.companies.get(company)?.name ?? company;

function arranged(company: string, next: readonly model.Part[]): void {
  if (model.order(next).join() === model.order(parts).join()) return;
  say.textContent = t("make.moved", { name: nameOf(company), place: model.order(next).indexOf(company) + 1 });
  change(next);
}

const actions: views.Actions = {
  move: (company, by) => arranged(company, model.move(parts, company, by)),
  minutes: (company, minutes) => change(model.changed(parts, company, { minutes })),
  shows: (company, product, yes) => {
    const part = parts.find((one) => one.company === company);
    if (part !== undefined) change(model.changed(parts, company, { leftOut: model.shown(part, product, yes) }));
  },
  add: (company) => {
    say.textContent = t("make.added", { name: nameOf(company) });
    change([...parts, { company, minutes: model.USUAL_MINUTES, leftOut: [] }]);
    focusOn("add", `${company}:minutes`);
  },
  remove: (company) => {
    const at = model.order(parts).indexOf(company);
    const part = parts[at];
    if (part === undefined) return;
    tell(t("make.removed", { name: nameOf(company) }), () => {
      toast = null;
      say.textContent = t("make.restored", { name: nameOf(company) });
      change(model.back(parts, part, at));
      focusOn(`${company}:remove`);
    });
    change(model.without(parts, company));
    const next = parts[Math.min(at, parts.length - 1)];
    focusOn(next === undefined ? "add" : `${next.company}:remove`, "add");
  },
};

function focusOn(...keys: readonly string[]): void {
  for (const key of keys) {
    const found = document.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`);
    if (found === null) continue;
    found.focus();
    return;
  }
}

function draw(): void {
  const focus = (document.activeElement as HTMLElement | null)?.dataset.focus;
  const startsAtMs = Date.parse(plan.startsAt);
  render(views.rows(parts, startsAtMs, words, actions), lines);
  render(views.sum(parts, Number(field("minutes").value) || plan.minutes, words), sum);
  render(views.adder(parts, words, actions), adder);
  render(views.checks(plan.checks, words), checks);
  render(views.toast(toast?.text ?? null, toast?.undo ?? null, t), need<HTMLElement>("#toast"));
  const { standing } = saver;
  if (standing.kind !== "kept" || standing.atMs !== null) {
    need("#saved").textContent = views.saved(standing, ownZone(), words);
    need("#both").textContent = [
      day(startsAtMs, page.clocks[0]?.zone ?? "UTC", page.language),
      ...times(startsAtMs, page.clocks, page.clocks[0]?.zone ?? "UTC", t),
    ].join(" · ");
  }
  const news = standing.kind === "kept" ? standing.atMs !== null : !["unsaved", "saving"].includes(standing.kind);
  if (news)
    render(
      views.strip(standing, words, () => void mine(), location.pathname),
      strip(),
    );
  // A row that moves takes the focus along.
  if (focus !== undefined && (document.activeElement as HTMLElement | null)?.dataset.focus !== focus) focusOn(focus);
}

/** The server's own strip stays until there is something newer to say. */
function strip(): HTMLElement {
  const slot = need<HTMLElement>("#strip");
  if (!slot.dataset.own) {
    slot.dataset.own = "1";
    slot.replaceChildren();
  }
  return slot;
}

/** Saved from here; announced as a form, so that the page that comes back is the announced one. */
async function submitted(button: HTMLElement | null): Promise<void> {
  const announce = button?.getAttribute("value") === "announce";
  if (!announce || saver.dirty || saver.standing.kind !== "kept") {
    if (!announce) saver.changed();
    if (!(await saver.save())) return;
  }
  if (!announce) return;
  leaving = true;
  form.requestSubmit(button);
}

for (const event of ["input", "change"])
  form.addEventListener(event, ({ target }) => {
    // Rows tell of themselves.
    if (target instanceof Element && target.closest("#lines, #add, [form]") === null) {
      saver.changed();
      draw();
    }
  });
form.addEventListener("submit", (event) => {
  if (leaving) return;
  event.preventDefault();
  void submitted(event.submitter);
});
need<HTMLFormElement>("#undo-form").addEventListener("submit", () => {
  leaving = true;
});
// What is written stays with the draft when another delegation's companies are looked at.
need<HTMLFormElement>("#pick").addEventListener("submit", (event) => {
  if (leaving) return;
  event.preventDefault();
  void (async () => {
    if (saver.dirty && !page.unsaved) await saver.save();
    leaving = true;
    need<HTMLFormElement>("#pick").submit();
  })();
});
need("#strip").addEventListener("click", ({ target }) => {
  if (target instanceof Element && target.closest("a") !== null) leaving = true;
});
globalThis.addEventListener("beforeunload", (event) => {
  if (saver.dirty && !leaving) event.preventDefault();
});
dragging(lines, (company, place) => arranged(company, model.place(parts, company, place)));
closeMenusKindly();
if (page.unsaved) saver.changed();
draw();
