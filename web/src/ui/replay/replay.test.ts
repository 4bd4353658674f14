import { describe, expect, test } from "vitest";
import { type Chapter, chapterAt, cueAt, lastStart, leavesOut, nextStart, stretches } from "./chapters";
import { assess } from "./health";
import { adopt } from "./lists";
import { Memory } from "./memory";
import { clockText, momentText, readMoment, spoken } from "./times";
import { Watched } from "./watched";

const part = (id: string, number: number, startsS: number, endsS: number, ...cues: number[]): Chapter => ({
  ...{ id, number, startsS, endsS },
  company: id,
  cues: cues.map((atS, index) => ({ product: `${id}${index}`, atS })),
});
const SHOW = [part("a", 1, 0, 600, 30, 90), part("b", 2, 600, 1200), part("d", 4, 1202, 1800, 1210)];

describe("moments as text", () => {
  test.each([
    ["12m30s", 750],
    ["1h2m3s", 3723],
    ["750", 750],
    ["90s", 90],
    ["12:30", 750],
    ["1:02:03", 3723],
  ])("%s is read", (text, seconds) => expect(readMoment(text)).toBe(seconds));

  test.each([null, "", "soon", "-5", "12m-3s", "1.5", "99999999999"])("%s is not", (text) =>
    expect(readMoment(text)).toBeNull(),
  );

  test("a moment that is written is read again", () => {
    for (const seconds of [0, 59, 60, 750, 3600, 7325]) expect(readMoment(momentText(seconds + 0.4))).toBe(seconds);
  });

  test("all times of one recording are equally long", () => {
    expect(clockText(132)).toBe("2:12");
    expect(clockText(132, 7320)).toBe("0:02:12");
    expect(clockText(7320)).toBe("2:02:00");
  });

  test("ears get words", () => {
    const t = (key: string, values = {}) => `${(values as { count?: number }).count}${key.slice(7, 8)}`;
    expect(spoken(3725, t)).toBe("1h 2m 5s");
    expect(spoken(0, t)).toBe("0s");
  });
});

describe("parts of a show", () => {
  test("the part is followed, also between two", () => {
    expect([0, 599, 599.97, 1201, 1300].map((at) => chapterAt(SHOW, at)?.id)).toEqual(["a", "a", "b", "b", "d"]);
    expect(chapterAt([], 5)).toBeNull();
  });

  test("a product belongs to its own part only", () => {
    expect([10, 30, 95, 700, 1211].map((at) => cueAt(SHOW, at)?.product)).toEqual([
      undefined,
      "a0",
      "a1",
      undefined,
      "d0",
    ]);
  });

  test("back goes to the start of the part, and soon after it to the one before", () => {
    expect([lastStart(SHOW, 700), lastStart(SHOW, 601), lastStart(SHOW, 0)]).toEqual([600, 0, 0]);
    expect([nextStart(SHOW, 0), nextStart(SHOW, 600), nextStart(SHOW, 1500)]).toEqual([600, 1202, null]);
  });

  test("a number that is missing is a part left out", () => {
    expect([leavesOut(SHOW[0] ?? null, SHOW[1] ?? null), leavesOut(SHOW[1] ?? null, SHOW[2] ?? null)]).toEqual([
      false,
      true,
    ]);
    expect([leavesOut(null, SHOW[2] ?? null), leavesOut(SHOW[2] ?? null, SHOW[0] ?? null)]).toEqual([false, false]);
  });

  test("the scrubber's pieces are the whole", () => {
    const found = stretches(SHOW, 900, 1800);
    expect(found.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(1);
    expect(found.map(({ seen }) => Number(seen.toFixed(2)))).toEqual([1, 0.5, 0]);
  });
});

describe("what is remembered", () => {
  const keeper = () => {
    const kept = new Map<string, string>();
    return {
      kept,
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => void kept.set(key, text),
    };
  };

  test("one goes on where one left off, wherever the part is now", () => {
    const memory = new Memory(keeper(), "show");
    expect(memory.place(SHOW, 1800)).toBeNull();
    memory.keep(SHOW, 1302);
    expect(memory.place(SHOW, 1800)).toBe(1302);
    expect(memory.place([SHOW[0] as Chapter, part("d", 4, 600, 1198)], 1198)).toBe(700);
    expect(memory.place([SHOW[0] as Chapter], 600)).toBeNull();
  });

  test("who has seen next to nothing or all begins anew", () => {
    const memory = new Memory(keeper(), "show");
    memory.keep(SHOW, 5);
    expect(memory.place(SHOW, 1800)).toBeNull();
    memory.keep(SHOW, 1795);
    expect(memory.place(SHOW, 1800)).toBeNull();
  });

  test("each recording has its own place, and speed is for all", () => {
    const kept = keeper();
    const [one, other] = [new Memory(kept, "one"), new Memory(kept, "other")];
    one.keep(SHOW, 700);
    other.keep(SHOW, 800);
    one.speed = 1.5;
    expect([one.place(SHOW, 1800), other.place(SHOW, 1800), other.speed]).toEqual([700, 800, 1.5]);
  });

  test("what nobody wrote is not believed, and a browser that keeps nothing is no trouble", () => {
    const kept = keeper();
    for (const name of ["places", "speed", "volume"]) kept.kept.set(`expo-replay-${name}`, '{"a":1');
    const memory = new Memory(kept, "show");
    expect([memory.place(SHOW, 1800), memory.speed, memory.volume]).toEqual([null, 1, 1]);
    const none = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    new Memory(none, "show").keep(SHOW, 700);
  });
});

describe("health", () => {
  const flow = { online: true, waiting: false, aheadS: 20, leftS: 600, bandwidthBps: 5e6, bitrateBps: 2e6 };
  test.each([
    [flow, "good"],
    [{ ...flow, bandwidthBps: 2e6, aheadS: 3 }, "slow"],
    [{ ...flow, bandwidthBps: 2e6, aheadS: 3, leftS: 3 }, "good"],
    [{ ...flow, waiting: true }, "waiting"],
    [{ ...flow, online: false, waiting: true }, "offline"],
    [{ ...flow, bandwidthBps: null, aheadS: 0 }, "good"],
  ])("is one word %#", (facts, word) => expect(assess(facts).word).toBe(word));
});

test("a minute is told once, when enough of it was watched; jumps are not watching", () => {
  const watched = new Watched();
  const play = (from: number, to: number) => {
    const told = [];
    for (let at = from; at <= to; at += 1) told.push(watched.at(chapterAt(SHOW, at), at));
    return told.filter((each) => each !== null);
  };
  expect(play(0, 65)).toEqual([{ chapter: "a", minute: 0, starts: true }]);
  expect(play(300, 312)).toEqual([{ chapter: "a", minute: 5, starts: false }]);
  expect(play(300, 320)).toEqual([]);
  expect(play(1262, 1275)).toEqual([{ chapter: "d", minute: 1, starts: true }]);
});

test("who stands on a part stays there when the list is taken anew", () => {
  const list = (left: string) =>
    `<div id="chapters"><a href="?t=0s" data-chapter="a">${left}</a><a href="?t=9s" data-chapter="b">${left}</a></div>`;
  document.body.innerHTML = list("old");
  document.querySelector<HTMLElement>('[data-chapter="b"]')?.focus();
  adopt(new DOMParser().parseFromString(list("new"), "text/html"));
  expect(document.activeElement?.outerHTML).toBe('<a href="?t=9s" data-chapter="b">new</a>');
});
