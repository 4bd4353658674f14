/** Pages that need no live state: menus close kindly, times turn to the reader's own clock. */

import { closeMenusKindly } from "../ui/menus";

closeMenusKindly();
