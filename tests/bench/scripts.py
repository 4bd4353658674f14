"""What runs inside Chromium, as JavaScript; put in before the pages' own scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from expo.demo.clock_code import CELLS, HEIGHT_SHARE, LEVELS

WIDTH, HEIGHT, FPS = 1280, 720, 30

CLICK_WATCH = """(() => {
  document.addEventListener("click", () => sessionStorage.setItem("benchClick", String(Date.now())), true);
  document.addEventListener("DOMContentLoaded", () => {
    const video = document.querySelector("#picture video");
    if (video === null) return;
    video.requestVideoFrameCallback(() => { window.benchFrameMs = Date.now(); });
  });
  const Connection = window.RTCPeerConnection;
  window.benchConnections = [];
  window.RTCPeerConnection = class extends Connection {
    constructor(...rest) {
      super(...rest);
      window.benchDialMs ??= Date.now();
      window.benchConnections.push(this);
    }
  };
})()"""
"""Times of the last click, of the first connection and of the first decoded frame (UTC, ms); all connections."""

CLICKED = """() => window.benchFrameMs === undefined ? null : {
  click: window.benchFrameMs - Number(sessionStorage.getItem("benchClick")),
  dial: window.benchFrameMs - window.benchDialMs,
}"""

CLOCK_CAMERA = f"""(() => {{
  if (navigator.mediaDevices === undefined) return; // about:blank is no secure context
  const canvas = Object.assign(document.createElement("canvas"), {{ width: {WIDTH}, height: {HEIGHT} }});
  const paint = canvas.getContext("2d");
  const crc = (bytes) => bytes.reduce((sum, byte) => {{
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 128 ? ((sum << 1) ^ 7) & 255 : sum << 1;
    return sum;
  }}, 0);
  const levels = new Map({[list(level) for level in LEVELS]});
  const draw = () => {{
    const now = Date.now();
    const bytes = Array.from({{ length: 6 }}, (_, index) => Math.floor(now / 256 ** (5 - index)) & 255);
    bytes.push(crc(bytes));
    paint.fillStyle = `hsl(${{(now / 20) % 360}} 40% 40%)`;
    paint.fillRect(0, 0, {WIDTH}, {HEIGHT});
    paint.fillStyle = "#ddd";
    paint.fillRect((now / 4) % {WIDTH}, 200, 120, 120);
    for (let cell = 0; cell < {CELLS}; cell += 1) {{
      const bit = levels.get(cell) ?? (bytes[(cell - 4) >> 3] >> (7 - ((cell - 4) & 7))) & 1;
      paint.fillStyle = bit ? "#e8e8e8" : "#141414";
      paint.fillRect((cell * {WIDTH}) / {CELLS}, {HEIGHT - HEIGHT // HEIGHT_SHARE}, {WIDTH // CELLS}, {HEIGHT});
    }}
  }};
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {{
    const stream = await real(wanted);
    if (!wanted.video) return stream;
    for (const track of stream.getVideoTracks()) {{
      track.stop();
      stream.removeTrack(track);
    }}
    setInterval(draw, {1000 / FPS});
    draw();
    const track = canvas.captureStream({FPS}).getVideoTracks()[0];
    const settings = track.getSettings.bind(track);
    track.getSettings = () => ({{ ...settings(), deviceId: "clock" }});
    stream.addTrack(track);
    return stream;
  }};
}})()"""
"""The camera is a canvas with the machine-readable clock of `expo.demo.clock_code`."""

READ_CLOCK = f"""async (wanted) => {{
  const video = document.querySelector("#picture video");
  const cell = 10;
  const canvas = new OffscreenCanvas({CELLS} * cell, 4);
  const paint = canvas.getContext("2d", {{ willReadFrequently: true }});
  const levels = {[list(level) for level in LEVELS]};
  const read = () => {{
    const row = video.videoHeight / {HEIGHT_SHARE};
    paint.drawImage(video, 0, video.videoHeight - row * 0.75, video.videoWidth, row / 2, 0, 0, canvas.width, 4);
    const pixels = paint.getImageData(0, 0, canvas.width, 4).data;
    const means = Array.from({{ length: {CELLS} }}, (_, index) => {{
      let sum = 0;
      for (let y = 0; y < 4; y += 1)
        for (let x = 3; x < 7; x += 1) sum += pixels[4 * (y * canvas.width + index * cell + x) + 1];
      return sum / 16;
    }});
    const white = Math.min(...levels.filter(([, bit]) => bit).map(([at]) => means[at]));
    const black = Math.max(...levels.filter(([, bit]) => !bit).map(([at]) => means[at]));
    if (white - black < 48) return null;
    let stamp = 0;
    for (let at = 4; at < 52; at += 1) stamp = stamp * 2 + (means[at] > (white + black) / 2 ? 1 : 0);
    return stamp;
  }};
  const delays = [];
  let unread = 0;
  await new Promise((done) => {{
    const step = (_, frame) => {{
      // Shown at the next refresh of the screen, or already.
      const shown = Date.now() + Math.max(0, frame.expectedDisplayTime - performance.now());
      const stamp = read();
      const delay = stamp === null ? Number.NaN : shown - stamp;
      if (delay > -1000 && delay < 10000) delays.push(delay);
      else unread += 1;
      if (delays.length + unread < wanted) video.requestVideoFrameCallback(step);
      else done();
    }};
    video.requestVideoFrameCallback(step);
  }});
  return {{ delays, unread }};
}}"""
"""Delays (ms) from the clock's drawing to the screen, of so many frames."""

SENDING = """async () => {
  const rows = [...(await window.benchConnections.at(-1).getStats()).values()];
  const picture = rows.find((row) => row.type === "outbound-rtp" && row.kind === "video");
  return picture === undefined ? null : {
    width: picture.frameWidth ?? 0, height: picture.frameHeight ?? 0, bytes: picture.bytesSent, atMs: Date.now(),
  };
}"""
"""What the newest connection of a studio has sent so far."""


def write_noisy_y4m(path: Path, frames: int = 45) -> None:
    """A 720p film for Chromium's fake camera that needs about 2 Mb/s: a moving gradient with noise on it."""
    random = np.random.default_rng(2)
    base = np.add.outer(np.arange(HEIGHT) // 6, np.arange(WIDTH) // 8).astype(np.uint8)
    chroma = np.full(HEIGHT * WIDTH // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(frames):
            luma = (np.roll(base, 8 * number, axis=1) // 2 + 40 + random.integers(0, 14, base.shape, np.uint8)).astype(
                np.uint8
            )
            file.write(b"FRAME\n" + luma.tobytes() + chroma)
