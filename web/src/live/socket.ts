/** Lines of Socket.IO: WebSocket only, one namespace, no reconnecting of its own (`room.ts` decides when). */

import { io } from "socket.io-client";
import { type Goodbye, type Hello, type JoinRoom, SCHEMA } from "../wire.gen";
import type { Dial } from "./line";
import type { Problem } from "./store";

const HANDSHAKE_MS = 5_000;

/** Dials one room of this site; `token` is a room token, for those whom a cookie does not introduce. */
export function dialer(room: string, token: string | null): Dial {
  const join: JoinRoom = { v: SCHEMA, room, token };
  return (events) => {
    const socket = io({
      path: "/socket.io",
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
      timeout: HANDSHAKE_MS,
      auth: join,
    });
    socket.on("hello", (hello: Hello) => events.hello(hello));
    socket.on("events", events.events);
    socket.on("snapshot", events.snapshot);
    socket.on("goodbye", ({ code }: Goodbye) => events.goodbye(code));
    socket.on("disconnect", () => events.lost());
    socket.on("connect_error", (error: Error & { data?: unknown }) => {
      const problem = error.data as Partial<Problem> | undefined;
      if (problem?.code === undefined) return events.lost();
      events.refused({ title: "", status: 503, ...problem, code: problem.code });
    });
    return {
      ask: (name, body, answer) => {
        if (body === undefined) socket.emit(name, answer);
        else socket.emit(name, body, answer);
      },
      close: () => {
        socket.removeAllListeners();
        socket.disconnect();
      },
    };
  };
}
