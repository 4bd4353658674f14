/** What a list that grows at its end and a phone's keyboard ask of the panel. */

const NEAR_PX = 80;
const LEFT_MS = 150;

/** Call before a change; the result, called after it, keeps the end in sight of who was looking at it. */
export function follows(scroller: HTMLElement): () => void {
  const list = scroller.querySelector<HTMLElement>("#questions");
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
  return () => {
    if (list !== null && !list.hidden && atEnd) scroller.scrollTop = scroller.scrollHeight;
  };
}

/** While the keyboard is open a phone has room for a small picture and the talk, no more. */
export function typing(questions: HTMLElement, stage: HTMLElement): void {
  const scroller = questions.parentElement as HTMLElement;
  const toEnd = () => {
    if (!questions.hidden) scroller.scrollTop = scroller.scrollHeight;
  };
  let leaving: ReturnType<typeof setTimeout> | undefined;
  questions.addEventListener("focusin", (event) => {
    clearTimeout(leaving);
    if ((event.target as Element).matches(".composer input")) {
      stage.toggleAttribute("data-typing", true);
      requestAnimationFrame(toEnd);
    }
  });
  questions.addEventListener("focusout", () => {
    // A tap on Send takes the focus for a moment.
    leaving = setTimeout(() => stage.toggleAttribute("data-typing", false), LEFT_MS);
  });
  for (const name of ["click", "keyup"]) document.getElementById("tabs")?.addEventListener(name, toEnd);
}
