// @vitest-environment happy-dom
import { nothing, render } from "lit-html";
import { expect, test } from "vitest";
import { schedule } from "../live/panel";
import { room, segment } from "./run/made";
import type { StageWords } from "./stage";
import { Catalogue } from "./stage-goods";
import * as panel from "./stage-panel";

const words: StageWords = { t: (key) => key, language: "en", languages: [], clocks: [], zone: "UTC" };

test("a part that is over leads to itself in the replay where it plays for the reader", () => {
  const [over, hidden] = [1, 2].map((number) => segment(number, { startedMs: number, endedMs: number + 1 }));
  const segments = [over, hidden, segment(3, { startedMs: 3 })].filter((each) => each !== undefined);
  const state = room({ current: "s3", segments });
  document.body.innerHTML = `<ol id="programme">${["s1", "s2", "s3"].map((id) => `<li data-segment="${id}" data-exhibitor="e-${id}" data-name="${id}"></li>`).join("")}</ol><ol id="shows"></ol>`;
  const facts = new Catalogue(() => undefined);
  const place = document.createElement("ol");
  for (const draw of [panel.programme, panel.shows]) {
    render(nothing, place);
    render(draw(schedule(state, 0), true, facts, ["s1", "s3"], words), place);
    const links = [...place.querySelectorAll<HTMLAnchorElement>('a[href*="/replay"]')];
    expect(links.map((link) => link.getAttribute("href"))).toEqual([`${location.pathname}/replay?part=s1`]);
  }
});
