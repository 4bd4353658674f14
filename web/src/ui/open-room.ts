/** The one call for a page that takes part in a room. */

import { Room } from "../live/room";
import { dialer } from "../live/socket";

/** Open the room of a showcase; it stays open as long as the page, and wakes with it. */
export function openRoom(room: string, token: string | null = null): Room {
  const opened = new Room(dialer(room, token));
  opened.open();
  window.addEventListener("online", () => opened.nudge());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") opened.nudge();
  });
  return opened;
}
