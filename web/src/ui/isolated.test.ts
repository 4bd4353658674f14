// @vitest-environment happy-dom
import { render } from "lit-html";
import { expect, test } from "vitest";
import { isolated, isolatedText } from "./isolated";

test("texts of people stand in elements of their own, within a message between signs of their own", () => {
  const place = document.createElement("div");
  render(isolated(["\u202eA", "", "B"], ", "), place);
  expect([...place.querySelectorAll("bdi")].map((one) => one.textContent)).toEqual(["\u202eA", "B"]);
  expect(place.textContent).toBe("\u202eA, B");
  expect(`${isolatedText("A")}, ${isolatedText("B")}`).toBe("\u2068A\u2069, \u2068B\u2069");
});
