/** German: how the room live refuses. */

import type { Sentences } from "../../../language";

export const LIVE: Sentences = {
  "Ask for at most 30 hours of a trail at once, with `until` after `since`.": "Fragen Sie höchstens 30 Stunden einer Spur auf einmal ab, mit dem Ende nach dem Beginn.",
};
