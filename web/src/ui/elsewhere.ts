/** Pages that need camera or microphone ask here first whether this browser has any at all. */

import { unavailable } from "../media/devices";

/** What stands behind the address of somebody who goes on without. */
const HERE = "#here";

/** How to go on in a browser that has them; `path` is where to go on. Pure. */
export function elsewhereUrl(why: string, path: string): string {
  return `/elsewhere?why=${why}&next=${encodeURIComponent(path)}`;
}

/** True when the page is being left for the one that says how to go on; then begin nothing. */
export function leavesForAnotherBrowser(): boolean {
  const why = unavailable({ devices: navigator.mediaDevices, secure: isSecureContext });
  if (why === null || location.hash === HERE) return false;
  location.replace(elsewhereUrl(why, location.pathname + location.search));
  return true;
}
