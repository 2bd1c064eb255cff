/** Spanish: how the room live refuses. */

import type { Sentences } from "../../../language";

export const LIVE: Sentences = {
  "Ask for at most 30 hours of a trail at once, with `until` after `since`.": "Pida como mucho 30 horas de un rastro a la vez, con el final después del principio.",
};
