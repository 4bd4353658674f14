import { describe, expect, test } from "vitest";
import type { Message } from "../../wire.gen";
import { room, seat } from "./made";
import { NeedsList, needsOf } from "./needs";

function question(id: number, news: Partial<Message> = {}): Message {
  const by = { by: "b", name: "Hà", company: "Sao Mai", text: "?", product: null };
  return { id, kind: "question", ...by, atMs: id, hidden: false, withdrawn: false, answered: false, ...news };
}

const nobody: ReadonlySet<string> = new Set();
const kinds = (...args: Parameters<typeof needsOf>) => needsOf(...args).map((need) => need.key);

describe("what needs the organiser", () => {
  test("is a next company that is not ready, a failed check, somebody muted on air, an open question", () => {
    const state = room({
      seats: {
        kim: seat("e1", { check: { verdict: "fail", note: "camera" } }),
        park: seat("e2", { muted: true, onAir: true }),
        lee: seat("e3", { muted: true }),
      },
      messages: [question(4), question(5, { answered: true }), question(6, { hidden: true })],
    });
    expect(kinds(state, nobody)).toEqual(["ready:s1", "check:kim:camera", "muted:park", "question:4"]);
    expect(kinds(state, new Set(["check:kim:camera"]))).toEqual(["ready:s1", "muted:park", "question:4"]);
  });

  test("is nothing before and after the show, nor while the next company is counted down to", () => {
    expect(kinds(room({ phase: "ended", messages: [question(1)] }), nobody)).toEqual([]);
    expect(kinds(room({ armed: { segment: "s1", dueMs: 1 } }), nobody)).toEqual([]);
  });

  test("stays where it is: new ones below, settled ones kept while somebody is in the list", () => {
    const list = new NeedsList();
    const shown = () => list.items.map((item) => `${item.need.key}${item.done ? " done" : ""}`);
    const ready = { kim: seat("e1", { ready: true }) };
    list.update(needsOf(room({ seats: ready, messages: [question(2), question(3)] }), nobody), 10, false);
    expect(shown()).toEqual(["question:2", "question:3"]);
    const answered = room({ messages: [question(1), question(2, { answered: true }), question(3)] });
    list.update(needsOf(answered, nobody), 20, true);
    expect(shown()).toEqual(["question:2 done", "question:3", "question:1", "ready:s1"]);
    list.update(needsOf(answered, nobody), 30, false);
    expect(shown()).toEqual(["question:3", "question:1", "ready:s1"]);
  });
});
