// @vitest-environment node
import { describe, expect, it } from "vitest";
import { translator } from "./i18n";

describe("translator", () => {
  const t = translator({ "stage.viewers": "{count} watching", "stage.share": "Share" });

  it("fills values", () => {
    expect(t("stage.viewers", { count: 412 })).toBe("412 watching");
    expect(t("stage.share")).toBe("Share");
  });

  it("raises on a missing key or value, as the server does", () => {
    expect(() => t("stage.nothing")).toThrow("no message stage.nothing");
    expect(() => t("stage.viewers")).toThrow("needs count");
  });
});
