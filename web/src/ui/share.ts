/** Hand the page's address on: the phone's own sheet, else the clipboard. */

export type Shared = "sheet" | "copied" | "failed";

export async function share(title: string, url: string): Promise<Shared> {
  const touch = matchMedia("(pointer: coarse)").matches;
  if (touch && navigator.share !== undefined) {
    try {
      await navigator.share({ title, url });
      return "sheet";
    } catch (problem) {
      if (problem instanceof DOMException && problem.name === "AbortError") return "sheet";
    }
  }
  try {
    await navigator.clipboard.writeText(url);
    return "copied";
  } catch {
    return "failed";
  }
}
