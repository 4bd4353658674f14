import { afterEach, describe, expect, it, vi } from "vitest";
import { elsewhereUrl, leavesForAnotherBrowser } from "./elsewhere";

const replace = vi.fn();

function open(hash: string, devices: object | undefined, secure = true): boolean {
  vi.stubGlobal("location", { pathname: "/studio/chungbuk", search: "?a=b", hash, replace });
  vi.stubGlobal("navigator", { mediaDevices: devices, userAgent: "KAKAOTALK" });
  vi.stubGlobal("isSecureContext", secure);
  return leavesForAnotherBrowser();
}

describe("a page that needs camera or microphone", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    replace.mockClear();
  });

  it("stays where they are, whatever the browser calls itself", () => {
    expect(open("", { getUserMedia: () => undefined })).toBe(false);
    expect(replace).not.toHaveBeenCalled();
  });

  it.each([
    ["unsupported", undefined, true],
    ["unsupported", {}, true],
    ["insecure", undefined, false],
  ])("leaves a browser without them: %s", (why, devices, secure) => {
    expect(open("", devices, secure)).toBe(true);
    expect(replace).toHaveBeenCalledExactlyOnceWith(elsewhereUrl(why, "/studio/chungbuk?a=b"));
  });

  it("stays with who has said so", () => {
    expect(open("#here", undefined)).toBe(false);
  });
});
