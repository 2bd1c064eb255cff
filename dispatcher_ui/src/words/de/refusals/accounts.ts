/** German: how the room accounts refuses. */

import type { Sentences } from "../../../language";

export const ACCOUNTS: Sentences = {
  "There is no account {account_id}.": "Es gibt kein Konto {account_id}.",
  "Another account has the code {account_code}. Choose another one.": "Ein anderes Konto hat schon das Kürzel {account_code}. Wählen Sie ein anderes.",
  "The address book has an entry called \"{label}\" already. Remove it or choose another label.": "Im Adressbuch gibt es schon einen Eintrag „{label}“. Entfernen Sie ihn oder wählen Sie eine andere Bezeichnung.",
  "This account has no contact {contact_id}.": "Dieses Konto hat keinen Kontakt {contact_id}.",
  "This address book has no entry {entry_id}.": "Dieses Adressbuch hat keinen Eintrag {entry_id}.",
  "There is no place {place_id} to put into the address book. Create it at /api/places.": "Es gibt keinen Ort {place_id} für das Adressbuch. Legen Sie ihn zuerst an.",
};
