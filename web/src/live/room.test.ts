// @vitest-environment node
/// <reference types="vite/client" />
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Delivered, Request, Snapshot, State } from "../wire.gen";
import lines from "./fold.cases.ndjson?raw";
import type { Line, LineEvents } from "./line";
import { Room, RoomError } from "./room";

const NOON = 1_795_330_800_000;
const [CASE] = lines.split("\n", 1).map((line) => JSON.parse(line) as { view: State; told: Delivered[]; then: State });
if (CASE === undefined) throw new Error("no case");

type Asked = { name: string; body: unknown; answer: (answer: unknown) => void };

/** The other end of one connection. */
class End {
  readonly asked: Asked[] = [];
  closed = false;

  constructor(readonly page: LineEvents) {}

  line(): Line {
    return {
      ask: (name, body, answer) => this.asked.push({ name, body, answer }),
      close: () => {
        this.closed = true;
      },
    };
  }

  hello(state = CASE?.view as State, serverMs = NOON): void {
    const snapshot: Snapshot = { v: 1, reader: "all", serverMs, state };
    this.page.hello({ v: 1, you: null, snapshot });
  }

  get requests(): Request[] {
    return this.asked.filter(({ name }) => name === "command").map(({ body }) => body as Request);
  }
}

const ends: End[] = [];
const last = (): End => ends[ends.length - 1] as End;

function opened(): Room {
  const room = new Room(
    (events) => {
      const end = new End(events);
      ends.push(end);
      return end.line();
    },
    () => 0.5,
  );
  room.open();
  return room;
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  ends.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Room", () => {
  it("folds what it is told behind the snapshot, and counts by the server's clock", () => {
    const room = opened();
    expect(room.store.facts.link).toBe("connecting");
    last().hello(CASE.view, NOON + 3_600_000);
    last().page.events(CASE.told);
    expect(room.state).toEqual(CASE.then);
    expect(room.serverNow()).toBe(NOON + 3_600_000);
  });

  it("asks for a snapshot at a gap and takes nothing behind it before", () => {
    const room = opened();
    last().hello();
    last().page.events(CASE.told.slice(1));
    last().page.events(CASE.told.slice(2));
    expect(last().asked.map(({ name }) => name)).toEqual(["snapshot"]);
    expect(room.state).toEqual(CASE.view);
    last().asked[0]?.answer({ v: 1, reader: "all", serverMs: NOON, state: CASE.then });
    expect(room.state).toEqual(CASE.then);
    last().page.events(CASE.told.slice(-2)); // a late batch that the snapshot holds already
    expect(room.state).toEqual(CASE.then);
    expect(last().asked).toHaveLength(1);
  });

  it("comes back a second and a bit after a loss, for ever, and keeps what it knew", () => {
    const room = opened();
    last().hello();
    for (let time = 1; time < 20; time += 1) {
      last().page.lost();
      expect(room.store.facts).toMatchObject({ link: "lost", state: CASE.view });
      vi.advanceTimersByTime(1_200);
      expect(ends).toHaveLength(time);
      vi.advanceTimersByTime(50);
      expect(ends).toHaveLength(time + 1);
    }
    last().hello();
    expect(room.store.facts.link).toBe("open");
  });

  it("gives up a line that never says hello, and one that does not answer a probe", () => {
    const room = opened();
    vi.advanceTimersByTime(8_000);
    expect(last().closed).toBe(true);
    vi.advanceTimersByTime(1_250);
    last().hello();
    room.nudge();
    vi.advanceTimersByTime(3_000);
    expect(room.store.facts.link).toBe("lost");
    room.nudge();
    last().hello();
    expect(ends).toHaveLength(3);
  });

  it("sends a command again under its id until it is answered, once for each connection and every 5 s", async () => {
    const room = opened();
    const said = room.send({ type: "say", text: "hi" });
    expect(last().asked).toEqual([]);
    last().hello();
    vi.advanceTimersByTime(5_000);
    last().page.lost();
    vi.advanceTimersByTime(1_250);
    last().hello();
    const sent = ends.flatMap((end) => end.requests);
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(sent[0]?.id).toMatch(/^[a-z0-9]+-1$/);
    last().asked[0]?.answer({ v: 1, revision: 7, shared: true });
    await expect(said).resolves.toEqual({ v: 1, revision: 7, shared: true });
    vi.advanceTimersByTime(20_000);
    expect(ends.flatMap((end) => end.requests)).toHaveLength(3);
  });

  it("tries again where the room moves, and tells every other no", async () => {
    const room = opened();
    last().hello();
    const said = room.send({ type: "say", text: "hi" });
    last().asked[0]?.answer({ error: { code: "rooms.stopping", title: "…", status: 503, retryAfterS: 1 } });
    vi.advanceTimersByTime(1_250);
    expect(last().requests.map(({ id }) => id)).toEqual([last().requests[0]?.id, last().requests[0]?.id]);
    last().asked[1]?.answer({ error: { code: "rooms.not_live", title: "Not live", status: 409 } });
    const problem = await said.catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(RoomError);
    expect(problem).toMatchObject({ code: "rooms.not_live", title: "Not live" });
  });

  it("lets go of what could not be sent for two minutes, and of more than it can hold", async () => {
    const room = opened();
    const all = Array.from({ length: 33 }, () => room.send({ type: "say", text: "hi" }).catch((error) => error.code));
    vi.advanceTimersByTime(125_000);
    const codes = await Promise.all(all);
    expect(codes.filter((code) => code === "rooms.busy")).toHaveLength(1);
    expect(codes.filter((code) => code === "rooms.no_answer")).toHaveLength(32);
  });

  it("stays away after a goodbye and says why", async () => {
    const room = opened();
    last().hello();
    last().page.goodbye("rooms.removed");
    vi.advanceTimersByTime(60_000);
    room.nudge();
    expect(ends).toHaveLength(1);
    expect(last().closed).toBe(true);
    expect(room.store.facts).toMatchObject({ link: "refused", refusal: { code: "rooms.removed" } });
    await expect(room.send({ type: "say", text: "hi" })).rejects.toMatchObject({ code: "rooms.removed" });
  });

  it("knocks again where the refusal may pass", () => {
    const room = opened();
    last().page.refused({ code: "rooms.draft", title: "", status: 409 });
    expect(room.store.facts.link).toBe("connecting");
    vi.advanceTimersByTime(5_250);
    expect(ends).toHaveLength(2);
    last().page.refused({ code: "token.expired", title: "", status: 401 });
    vi.advanceTimersByTime(60_000);
    expect(ends).toHaveLength(2);
    expect(room.store.facts.link).toBe("refused");
  });

  it("hears nothing from a line that it has left", () => {
    const room = opened();
    last().hello();
    const [first] = ends;
    room.rejoin();
    first?.page.goodbye("rooms.removed");
    first?.page.lost();
    expect(room.store.facts.link).toBe("open");
    expect(ends).toHaveLength(2);
    expect(first?.closed).toBe(true);
  });
});
