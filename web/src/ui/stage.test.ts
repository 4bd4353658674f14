// @vitest-environment happy-dom
import { render } from "lit-html";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Scene, StageFacts } from "../live/stage";
import { NO_STATS } from "../media/stats";
import type { Translate } from "./i18n";
import * as view from "./stage";

/** Keys instead of words, with their values: what is said is the catalogue's affair. */
const t: Translate = (key, values) => (values === undefined ? key : `${key} ${JSON.stringify(values)}`);

const words: view.StageWords = {
  t,
  language: "en",
  languages: [
    { code: "en", name: "English", url: "/lang/en" },
    { code: "ko", name: "한국어", url: "/lang/ko" },
  ],
  clocks: [{ zone: "Asia/Ho_Chi_Minh", city: "Hanoi" }],
  zone: "Asia/Ho_Chi_Minh",
};

const facts: StageFacts = {
  showcase: {
    v: 1,
    id: "chungbuk",
    title: "t",
    state: "live",
    onAir: true,
    viewers: 1412,
    startsAt: "2026-11-24T12:10:00Z",
    keyFrameIntervalMs: null,
    serverTime: "2026-11-24T12:00:00Z",
  },
  clockOffsetMs: 0,
  viewer: { phase: "live", refusal: null, retryAfterS: null },
  refusedAtMs: 0,
  online: true,
  begun: true,
  picture: true,
  decodes: true,
  paused: false,
  listenOnly: false,
  sound: false,
  muted: false,
  volume: 1,
  onBreak: false,
  recording: false,
  nowMs: 0,
};

function actions() {
  return {
    listen: vi.fn(),
    toggleMute: vi.fn(),
    setVolume: vi.fn(),
    toggleListenOnly: vi.fn(),
    resume: vi.fn(),
    retry: vi.fn(),
    toggleQuality: vi.fn(),
    fullScreen: vi.fn(),
  };
}

let place: HTMLElement;

beforeEach(() => {
  place = document.createElement("div");
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
});

const scenes: Scene[] = [
  { kind: "loading" },
  { kind: "starting" },
  { kind: "draft" },
  { kind: "scheduled", startsAtMs: 1_000, inMs: 65_000 },
  { kind: "ended" },
  { kind: "full", retryInS: 7 },
  { kind: "codec" },
  { kind: "invited" },
  { kind: "offline" },
  { kind: "failed", code: "sdp.malformed" },
];

describe("cover", () => {
  it.each(scenes)("says what $kind means", (scene) => {
    render(view.cover(scene, facts, words, actions()), place);
    expect(place.querySelector(".cover")?.textContent).toContain(`stage.${scene.kind}`);
  });

  it("leaves the picture alone while it moves or heals", () => {
    for (const kind of ["live", "reconnecting", "away"] as const) {
      render(view.cover({ kind }, facts, words, actions()), place);
      expect(place.textContent).toBe("");
    }
  });

  it("offers a reminder while there is time for one", () => {
    const reminder = (inMs: number) => {
      render(view.cover({ kind: "scheduled", startsAtMs: 1_000, inMs }, facts, words, actions()), place);
      return place.querySelector("a[download]")?.getAttribute("href") ?? null;
    };
    expect(reminder(3_600_000)).toBe(`${location.pathname}/calendar.ics`);
    expect(reminder(60_000)).toBeNull();
  });

  it("retries when asked", () => {
    const acts = actions();
    render(view.cover({ kind: "full", retryInS: 7 }, facts, words, acts), place);
    expect(place.textContent).toContain('{"seconds":7}');
    place.querySelector("button")?.click();
    expect(acts.retry).toHaveBeenCalledOnce();
  });

  it("offers one large button when the browser wants a tap first", () => {
    const acts = actions();
    render(view.cover({ kind: "paused" }, facts, words, acts), place);
    place.querySelector("button")?.click();
    expect(acts.resume).toHaveBeenCalledOnce();
  });
});

describe("pictureMode", () => {
  it("never shows a black frame", () => {
    expect(view.pictureMode({ kind: "live" }, facts)).toBe("moving");
    expect(view.pictureMode({ kind: "live" }, { ...facts, listenOnly: true })).toBe("poster-dim");
    expect(view.pictureMode({ kind: "reconnecting" }, facts)).toBe("frozen");
    expect(view.pictureMode({ kind: "ended" }, facts)).toBe("frozen");
    expect(view.pictureMode({ kind: "ended" }, { ...facts, begun: false })).toBe("poster-dim");
    expect(view.pictureMode({ kind: "loading" }, { ...facts, begun: false })).toBe("poster");
  });
});

describe("airBadge", () => {
  const text = (scene: Scene, news: Partial<StageFacts["showcase"]>, begun = true) => {
    render(view.airBadge(scene, { ...facts, begun, showcase: { ...facts.showcase, ...news } }, t), place);
    return [place.textContent?.trim(), place.querySelector(".air") !== null];
  };

  it("is red only on the air", () => {
    expect(text({ kind: "live" }, {})).toEqual(["common.live", true]);
    expect(text({ kind: "away" }, { onAir: false })).toEqual(["stage.break", false]);
    expect(text({ kind: "starting" }, { onAir: false }, false)).toEqual(["common.waiting", false]);
    expect(text({ kind: "ended" }, { state: "ended" })).toEqual(["common.ended", false]);
  });
});

describe("recording", () => {
  it("says on or off while the show is on, and never why", () => {
    const said = (recording: boolean | null) => {
      render(view.recording({ ...facts, recording }, words), place);
      return place.textContent?.trim();
    };
    expect([said(true), said(false), said(null)]).toEqual(["common.recording", "common.recording_off", ""]);
  });
});

describe("soundRow", () => {
  const row = (scene: Scene, news: Partial<StageFacts>, acts = actions(), settable = true) => {
    render(
      view.soundRow(scene, { ...facts, ...news }, settable, { ...NO_STATS, bitrateBps: 1_500_000 }, words, acts),
      place,
    );
    return place;
  };

  it("is one button before the tap, with what it costs", () => {
    const acts = actions();
    const found = row({ kind: "live" }, {}, acts);
    expect(found.querySelectorAll("button")).toHaveLength(1);
    expect(found.textContent).toContain('stage.megabytes {"amount":"11"}');
    found.querySelector("button")?.click();
    expect(acts.listen).toHaveBeenCalledOnce();
  });

  it("is language, volume and listen-only after it", () => {
    const acts = actions();
    const found = row({ kind: "live" }, { sound: true, volume: 0.4 }, acts);
    const range = found.querySelector<HTMLInputElement>("input[type=range]");
    expect(range?.value).toBe("40");
    expect(range?.getAttribute("aria-valuetext")).toBe("40 %");
    expect(found.querySelector("details.menu a[aria-current]")?.textContent).toContain("English");
    found.querySelector<HTMLButtonElement>(".only")?.click();
    expect(acts.toggleListenOnly).toHaveBeenCalledOnce();
  });

  it("has no slider where the phone's own keys set the volume", () => {
    expect(row({ kind: "live" }, { sound: true }, actions(), false).querySelector("input")).toBeNull();
  });

  it("offers no sound where there is none", () => {
    expect(row({ kind: "scheduled", startsAtMs: null, inMs: null }, {}).querySelector("button")).toBeNull();
  });
});

describe("quality", () => {
  it("shows a dash for what is not known", () => {
    render(view.qualityPanel({ bars: 3, word: "fair" }, { ...NO_STATS, rttMs: 42.4 }, words, actions()), place);
    const figures = [...place.querySelectorAll("dd")].map((one) => one.textContent);
    expect(figures).toEqual(["42 ms", "–", "–", "–", "–"]);
    expect(place.querySelectorAll(".bars i:not(.no)")).toHaveLength(3);
  });
});

describe("viewers", () => {
  it("groups digits and names the number for a screen reader", () => {
    render(view.viewers(facts, words), place);
    expect(place.querySelector("[aria-hidden] ~ .sr, .sr")?.textContent).toBe('common.viewers {"count":"1,412"}');
  });
});
