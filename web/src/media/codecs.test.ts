import { describe, expect, test } from "vitest";
import { type Codec, houseFirst } from "./codecs";

const h264 = (profile: string, mode: number): Codec => ({
  mimeType: "video/H264",
  sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
});
const RTX: Codec = { mimeType: "video/rtx" };
const CHROMIUM = [
  { mimeType: "video/VP8" },
  RTX,
  h264("42001f", 1),
  h264("42001f", 0),
  h264("42e01f", 1),
  h264("640032", 1),
  { mimeType: "video/AV1" },
];

describe("codec preferences", () => {
  test("constrained baseline in mode 1 comes first, its kin next, retransmission last", () => {
    expect(houseFirst("video", CHROMIUM)).toEqual([h264("42e01f", 1), h264("42001f", 1), RTX]);
  });

  test("a browser without H.264 keeps its own order, so that the server can say what is missing", () => {
    expect(houseFirst("video", [{ mimeType: "video/VP8" }, RTX])).toEqual([]);
  });

  test("sound is Opus alone", () => {
    const opus = { mimeType: "audio/opus", sdpFmtpLine: "minptime=10;useinbandfec=1" };
    expect(houseFirst("audio", [{ mimeType: "audio/G722" }, opus, { mimeType: "audio/red" }])).toEqual([opus]);
  });
});
