import { beforeEach, describe, expect, it } from "vitest";
import { translator } from "./i18n";
import { ownTimes } from "./own-times";

const t = translator({ "common.your_time": "your time", "stage.until": "until {time}" });
const clocks = [
  { zone: "Asia/Ho_Chi_Minh", city: "Hanoi" },
  { zone: "Asia/Seoul", city: "Seoul" },
];
const time = (kind: string, at = "2026-11-24T07:30:00+00:00") => `<time datetime="${at}" data-times="${kind}"></time>`;
const shown = () => document.querySelector("time")?.innerHTML;

describe("ownTimes", () => {
  beforeEach(() => {
    document.body.innerHTML = "";
  });

  it("writes a column with the own time on top", () => {
    document.body.innerHTML = time("column");
    ownTimes(clocks, t, "Asia/Seoul");
    expect(shown()).toBe("<b>16:30 <small>Seoul</small></b><span>14:30 Hanoi</span>");
  });

  it("writes a line whose parts stay whole", () => {
    document.body.innerHTML = time("line");
    ownTimes(clocks, t, "Europe/Berlin");
    expect(document.querySelector("time")?.textContent).toBe("08:30 your time · 14:30 Hanoi · 16:30 Seoul");
    expect(document.querySelectorAll(".keep").length).toBe(3);
  });

  it("counts days from the first city's, whose date stands above", () => {
    document.body.innerHTML = time("line", "2026-11-23T18:00:00+00:00");
    ownTimes(clocks, t, "Europe/Berlin");
    expect(document.querySelector("time")?.textContent).toBe("19:00 your time (−1) · 01:00 Hanoi · 03:00 Seoul");
  });

  it("writes one time alone or within words", () => {
    document.body.innerHTML = time("short");
    ownTimes(clocks, t, "Asia/Seoul");
    expect(shown()).toBe("16:30");
    document.body.innerHTML = time("stage.until");
    ownTimes(clocks, t, "Asia/Seoul");
    expect(shown()).toBe("until 16:30");
  });

  it("leaves what the server wrote where there are no clocks", () => {
    document.body.innerHTML = '<time datetime="2026-11-24T07:30:00Z" data-times="line">14:30 Hanoi</time>';
    ownTimes([], t, "Asia/Seoul");
    expect(shown()).toBe("14:30 Hanoi");
  });
});
