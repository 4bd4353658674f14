import { render } from "lit-html";
import { expect, test } from "vitest";
import { next } from "./cards";
import { room, seat, segment } from "./made";
import { type PeopleActions, people } from "./people";
import type { RunWords } from "./words";

const NOON_MS = 1_795_330_800_000;
const words: RunWords = {
  t: (key, params = {}) => [key, ...Object.values(params)].join(" "),
  language: "en",
  clocks: [{ city: "Hà Nội", zone: "Asia/Ho_Chi_Minh" }],
  companies: { e1: { name: "Dalgu", url: "/" } },
  products: {},
};
const actions = {} as PeopleActions;
const gone = { here: false, hereMs: NOON_MS };

function shown(view: Parameters<typeof render>[0]): HTMLElement {
  const place = document.createElement("div");
  render(view, place);
  return place;
}

test.each([
  [{ ready: true }, "run.standing.ready", "on", ""],
  [{ ready: true, ...gone }, "run.away_since 14:00", "off", ""],
  [{ onAir: true, ...gone }, "run.away_since 14:00", "off", "run.standing.on"],
  [{ check: { verdict: "fail", note: "camera" } as const }, "run.standing.here", "need", "run.check.fail"],
] as const)("somebody backstage is %o: %s", (news, word, lamp, facts) => {
  const place = shown(people(room({ seats: { kim: seat("e1", news) } }), words, actions));
  expect(place.querySelector(".lamp")?.textContent).toBe(word);
  expect([...(place.querySelector(".lamp")?.classList ?? [])].includes(lamp)).toBe(true);
  expect(place.querySelector(".facts-of")?.textContent).toBe(facts);
});

test.each([
  [{}, "run.is_away"],
  [{ kim: seat("e1", { ready: true, ...gone }) }, "run.away_since 14:00"],
  [{ kim: seat("e1", gone), an: seat("e1") }, "run.is_here"],
  [{ kim: seat("e1", gone), an: seat("e1", { ready: true }) }, "run.is_ready"],
])("the next company's card says who is there: %o", (seats, word) => {
  const place = shown(next(room({ seats, segments: [segment(1)] }), NOON_MS, words));
  expect(place.querySelector(".lamp")?.textContent).toBe(word);
});
