import { beforeEach, describe, expect, test } from "vitest";
import { OnAirIntent } from "./intent";

const RESOURCE = { url: "https://expo.test/whip/s1/abc", etag: '"e"' };

describe("on-air intent", () => {
  let nowMs = 1_000_000;
  const intent = (room = "s1") => new OnAirIntent(sessionStorage, room, () => nowMs);

  beforeEach(() => sessionStorage.clear());

  test("a page that was never on air has none", () => {
    expect(intent().pending()).toBeNull();
  });

  test("a reload finds where the page before it was on air", () => {
    intent().keep(RESOURCE, false);
    nowMs += 4_000;
    expect(intent().pending()).toEqual({ resource: RESOURCE, backstage: false });
  });

  test("a tab restored much later stays off air", () => {
    intent().keep(RESOURCE, false);
    nowMs += 31_000;
    expect(intent().pending()).toBeNull();
  });

  test("finishing drops it, and rooms do not share it", () => {
    intent().keep(null, true);
    expect(intent("s2").pending()).toBeNull();
    expect(intent().pending()).toEqual({ resource: null, backstage: true });
    intent().drop();
    expect(intent().pending()).toBeNull();
  });

  test.each(["{", "null", '"x"', '{"atMs":"now"}'])("a note of another shape counts as none: %s", (text) => {
    sessionStorage.setItem("expo.on_air.s1", text);
    expect(intent().pending()).toBeNull();
  });
});
