import { describe, expect, test } from "vitest";
import { ffmpegLine, gstreamerLine } from "./studio-encoder";

const ACCESS = { url: "https://expo.test/whip/s1", token: "abc.def.ghi" };

describe("ready-made lines", () => {
  test("FFmpeg sends baseline without B frames and a key frame each second", () => {
    const line = ffmpegLine(ACCESS);
    expect(line).toContain("-profile:v baseline");
    expect(line).toContain("-r 30 -g 30 -bf 0");
    expect(line).toMatch(/-f whip -authorization "abc.def.ghi" "https:\/\/expo.test\/whip\/s1"$/);
  });

  test("GStreamer gets both caps and both secrets", () => {
    const line = gstreamerLine(ACCESS);
    expect(line).toContain('whip-endpoint="https://expo.test/whip/s1"');
    expect(line).toContain('auth-token="abc.def.ghi"');
    expect(line).toContain("constrained-baseline");
  });
});
