/** What plays a recording in this browser, and how it is set. */

import type Hls from "hls.js";

export type Engine = "native" | "script" | "none";

const HLS_TYPE = "application/vnd.apple.mpegurl";
const SOUGHT = 'codecs="avc1.42c01e,opus"';
/** Loaded before it is played, whatever its rate: many pay for what they never see. */
const AHEAD_S = 30;
const BEHIND_S = 60;

/** How this browser can play a recording. Some say they know HLS and have no patience with a list that grows. */
export function engineOf(video: HTMLVideoElement): Engine {
  const source =
    "MediaSource" in window
      ? window.MediaSource
      : (window as { ManagedMediaSource?: typeof MediaSource }).ManagedMediaSource;
  if (source?.isTypeSupported(`video/mp4; ${SOUGHT}`) === true) return "script";
  return video.canPlayType(`${HLS_TYPE}; ${SOUGHT}`) === "" ? "none" : "native";
}

/** Null when it cannot be had now. */
export async function fetchPlayer(): Promise<typeof Hls | null> {
  try {
    return (await import("hls.js")).default;
  } catch {
    return null;
  }
}

/** One that waits to be told to load. */
export function newPlayer(Player: typeof Hls): Hls {
  // Of no use here, and it would begin to load media by itself.
  Reflect.deleteProperty(Player.DefaultConfig, "interstitialsController");
  return new Player({
    // Fragments are CMAF already: there is nothing to convert that would be worth a thread.
    enableWorker: false,
    enableWebVTT: false,
    enableCEA708Captions: false,
    autoStartLoad: false,
    maxBufferLength: AHEAD_S,
    maxMaxBufferLength: AHEAD_S,
    backBufferLength: BEHIND_S,
  });
}
