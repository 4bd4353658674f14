import { describe, expect, it } from "vitest";
import { back, beginnings, changed, minutesOf, move, order, type Part, place, shown, total, without } from "./model";

const part = (company: string, minutes = 10): Part => ({ company, minutes, leftOut: [] });
const parts = [part("a"), part("b", 15), part("c")];

describe("the parts of a plan", () => {
  it("move by places and to a place, and stay within their ends", () => {
    expect(order(move(parts, "a", 1))).toEqual(["b", "a", "c"]);
    expect(order(move(parts, "a", -1))).toEqual(["a", "b", "c"]);
    expect(order(place(parts, "a", 2))).toEqual(["b", "c", "a"]);
  });

  it("come back where they were, once", () => {
    const left = without(parts, "b");
    expect(order(left)).toEqual(["a", "c"]);
    expect(back(left, part("b", 15), 1)).toEqual(parts);
    expect(back(parts, part("b"), 0)).toBe(parts);
    expect(order(back([], part("b"), 7))).toEqual(["b"]);
  });

  it("begin one after the other", () => {
    expect(total(parts)).toBe(35);
    expect([...beginnings(parts, 60_000).values()]).toEqual([60_000, 660_000, 1_560_000]);
  });

  it("take minutes as one types them", () => {
    expect(["12", "", "-3", "9999", "7.6", "x"].map(minutesOf)).toEqual([12, 1, 1, 240, 8, 1]);
    expect(changed(parts, "a", { minutes: 3 })[0]).toEqual(part("a", 3));
  });

  it("show all products but those left out", () => {
    const hidden = shown(part("a"), "p", false);
    expect(hidden).toEqual(["p"]);
    expect(shown({ ...part("a"), leftOut: hidden }, "p", true)).toEqual([]);
  });
});
