/** The quiet pages: menus close kindly, times are the reader's own, the page can be handed on. */

import type { Clock } from "../ui/clocks";
import { translator } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { ownTimes } from "../ui/own-times";
import { pageData } from "../ui/page";
import { share } from "../ui/share";
import { say } from "../ui/toast";

const data = pageData<{ clocks: readonly Clock[] }>();
const t = translator(data.messages);
closeMenusKindly();
ownTimes(data.clocks, t);

const button = document.querySelector<HTMLButtonElement>("#share");
if (button !== null) {
  button.hidden = false;
  button.addEventListener("click", () => {
    void share(document.title, location.origin + location.pathname).then((how) => {
      if (how !== "sheet") say(t(how === "copied" ? "common.link_copied" : "common.link_failed"));
    });
  });
}
