/** German: signing in, and what is wrong at a field. */

import type { Sentences } from "../../language";

export const FORMS: Sentences = {
  "Choose a password of your own": "Wählen Sie ein eigenes Passwort",
  "The one-time password that you were given ends now.": "Das Einmalpasswort, das Sie bekommen haben, gilt nun nicht mehr.",
  "New password": "Neues Passwort",
  "The same again": "Dasselbe noch einmal",
  "Save and go on": "Speichern und weiter",
  "The two passwords differ. Type the same one twice.": "Die beiden Passwörter sind verschieden. Geben Sie zweimal dasselbe ein.",
  "At least {n} of them.": "Mindestens {n} davon.",
  "At most {n} of them.": "Höchstens {n} davon.",
  "At least {n} characters.": "Mindestens {n} Zeichen.",
  "At most {n} characters.": "Höchstens {n} Zeichen.",
  "At most {n}.": "Höchstens {n}.",
  "At least {n}.": "Mindestens {n}.",
  "Less than {n}.": "Weniger als {n}.",
  "More than {n}.": "Mehr als {n}.",
  "“{name}” is missing.": "„{name}“ fehlt.",
  "This must be a number.": "Das muss eine Zahl sein.",
  "This is not a date or time.": "Das ist kein Datum und keine Uhrzeit.",
  "Choose one of what is offered.": "Wählen Sie etwas vom Angebotenen.",
  "This is not written as it must be.": "Das ist nicht so geschrieben, wie es sein muss.",
};
