// @vitest-environment node
/// <reference types="vite/client" />
import { describe, expect, it } from "vitest";
import type { Delivered, State } from "../wire.gen";
import { fold } from "./fold";
import lines from "./fold.cases.ndjson?raw";

interface Case {
  readonly reader: string;
  readonly view: State;
  readonly told: readonly Delivered[];
  readonly then: State;
}

const CASES = lines
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case);

describe("fold", () => {
  it.each(CASES.map((each, number) => ({ ...each, number })))(
    "makes the kernel's view of case $number for $reader",
    ({ reader, view, told, then }) => {
      let seen = view;
      for (const one of told) {
        expect(one.previous).toBe(seen.revision);
        seen = fold(seen, one, reader);
      }
      expect(seen).toEqual(then);
    },
  );

  it("changes nothing of the view before", () => {
    const before = JSON.stringify(CASES[0]?.view);
    let seen = CASES[0]?.view as State;
    for (const one of CASES[0]?.told ?? []) seen = fold(seen, one, CASES[0]?.reader ?? "");
    expect(JSON.stringify(CASES[0]?.view)).toBe(before);
  });
});
