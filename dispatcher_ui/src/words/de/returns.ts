/** German: the room returns. */

import type { Sentences } from "../../language";

export const RETURNS: Sentences = {
  "Announced": "Angekündigt",
  "Approve": "Genehmigen",
  "Book the pickup": "Abholung buchen",
  "Comes back as": "Kommt zurück als",
  "Decline": "Ablehnen",
  "Differences": "Unterschiede",
  "Fee": "Gebühr",
  "For goods of the stock that stay": "Für Lagerware, die bleibt",
  "Found to be": "Befund",
  "Goes to": "Kommt nach",
  "Inspect {goods}": "{goods} prüfen",
  "No return is like this.": "Keine solche Retoure.",
  "Open the box": "Paket öffnen",
  "Picture of {goods}": "Bild von {goods}",
  "Refund": "Erstattung",
  "Resolve": "Abschließen",
  "They bring it": "Sie bringen es",
  "To pay back": "Zurückzuzahlen",
  "Was delivered as": "Zugestellt als",
  "1 parcel": "1 Paket",
  "{n} parcels": "{n} Pakete",
  "← Returns": "← Retouren",
};
