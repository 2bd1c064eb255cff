/** Spanish: how the room accounts refuses. */

import type { Sentences } from "../../../language";

export const ACCOUNTS: Sentences = {
  "There is no account {account_id}.": "No existe la cuenta {account_id}.",
  "Another account has the code {account_code}. Choose another one.": "Otra cuenta ya tiene el código {account_code}. Elija otro.",
  "The address book has an entry called \"{label}\" already. Remove it or choose another label.": "La libreta ya tiene una entrada «{label}». Quítela o elija otro nombre.",
  "This account has no contact {contact_id}.": "Esta cuenta no tiene el contacto {contact_id}.",
  "This address book has no entry {entry_id}.": "Esta libreta de direcciones no tiene la entrada {entry_id}.",
  "There is no place {place_id} to put into the address book. Create it at /api/places.": "No existe el lugar {place_id} para la libreta de direcciones. Créelo primero.",
};
