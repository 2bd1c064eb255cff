/** German: the room exceptions. */

import type { Sentences } from "../../language";

export const EXCEPTIONS: Sentences = {
  "1 hour": "1 Stunde",
  "3 days": "3 Tage",
  "4 hours": "4 Stunden",
  "Follow the driver": "Dem Fahrer folgen",
  "For how long": "Wie lange",
  "It waits in the pool of {day}": "Es wartet im Pool vom {day}",
  "Looked after by": "Kümmert sich",
  "Mine": "Meine",
  "No": "Nein",
  "Nobody in particular": "Niemand Bestimmtes",
  "Open the run": "Tour öffnen",
  "Put off": "Zurückstellen",
  "Put off until": "Zurückgestellt bis",
  "See it again": "Wieder zeigen",
  "Take it": "Übernehmen",
  "Task": "Aufgabe",
  "To be tried again on {day}": "Neuer Versuch am {day}",
  "Until tomorrow, 7:00": "Bis morgen, 7:00",
  "What to do": "Was zu tun ist",
  "Who looks after it": "Wer sich kümmert",
  "Yes": "Ja",
};
