import { expect, it } from "vitest";
import type { Segment, State } from "../../wire.gen";
import { PartLength } from "./length";

const part: Segment = { id: "s1", exhibitor: "e1", plannedS: 900, products: [], startedMs: 1, endedMs: null };

function on(plannedS: number): State {
  return { current: "s1", segments: [{ ...part, plannedS }] } as unknown as State;
}

it("adds presses up while the room has not answered, and takes one back", async () => {
  const asked: number[] = [];
  let undo: (() => void) | null = null;
  let answer: () => void = () => undefined;
  const length = new PartLength((_, plannedS, back) => {
    asked.push(plannedS);
    undo = back;
    return new Promise((done) => {
      answer = done;
    });
  });
  void length.change(on(900), 1);
  const second = length.change(on(900), 1);
  expect(asked).toEqual([960, 1020]);
  answer();
  await second;
  (undo as unknown as () => void)();
  expect(asked).toEqual([960, 1020, 960]);
});

it("stays within what a part may last, and does nothing where nobody is on", async () => {
  const asked: number[] = [];
  const length = new PartLength(async (_, plannedS) => void asked.push(plannedS));
  await length.change(on(90), -1);
  await length.change(on(60), -1);
  await length.change({ ...on(900), current: null }, 1);
  await length.change(null, 1);
  expect(asked).toEqual([60]);
});
