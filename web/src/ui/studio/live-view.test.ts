// @vitest-environment happy-dom
import { render } from "lit-html";
import { expect, test } from "vitest";
import { room, seat, segment } from "../run/made";
import type { RunWords } from "../run/words";
import { type LiveView, signal } from "./live-view";
import { partOf } from "./part";

const NOW_MS = 1_795_330_800_000;
const words: RunWords = { t: (key) => key, language: "en", clocks: [], companies: {}, products: {} };

function said(news: Partial<LiveView>): string {
  const state = news.state ?? room({ current: "s1", segments: [segment(1, { startedMs: NOW_MS }), segment(2)] });
  const part = partOf(state, "e1", NOW_MS, NOW_MS);
  const view = { state, part, seat: seat("e1", { onAir: true }), exhibitor: "e1", nowMs: NOW_MS, pinnedMs: 0 };
  const place = document.createElement("div");
  render(signal({ ...view, canUndo: false, publishing: true, refused: null, zone: "UTC", ...news }, words), place);
  return place.textContent?.trim() ?? "";
}

test("a presenter reads why the room did not do what was asked, but for a countdown, which comes first", () => {
  expect(said({})).toBe("");
  expect(said({ refused: "Too many at once" })).toBe("Too many at once");
  const armed = room({ armed: { segment: "s1", dueMs: NOW_MS + 3_000 } });
  expect(said({ refused: "Too many at once", state: armed })).toBe("studio.on_air_in");
  expect(said({ publishing: false })).toBe("studio.your_turn");
  expect(said({ publishing: false, seat: seat("e1", { onAir: true, camera: true }) })).toBe(""); // by an encoder
});
