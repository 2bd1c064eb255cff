/** German: how the room kit refuses. */

import type { Sentences } from "../../../language";

export const KIT: Sentences = {
  "“{sha256}” is not a SHA-256: 64 hexadecimal digits in lower case.": "„{sha256}“ ist kein SHA-256: 64 hexadezimale Ziffern, klein geschrieben.",
  "The bytes received do not have the SHA-256 {sha256}. Send the file again.": "Die empfangene Datei hat nicht den SHA-256 {sha256}. Senden Sie sie noch einmal.",
  "There is no file {sha256}.": "Es gibt keine Datei {sha256}.",
  "{received} bytes of this file are here. Go on from there, not from {offset}.": "Von dieser Datei sind {received} Bytes hier. Fahren Sie von dort fort, nicht von {offset}.",
  "A value cannot be stored: {reason}. Correct it and send it again.": "Ein Wert lässt sich nicht speichern: {reason}. Berichtigen Sie ihn und senden Sie ihn noch einmal.",
  "Something is wrong with this request.": "Mit dieser Anfrage stimmt etwas nicht.",
  "This has changed in the meantime. Look at it again, then repeat.": "Das hat sich inzwischen geändert. Sehen Sie es noch einmal an, dann wiederholen Sie es.",
  "You are not allowed to do this.": "Das dürfen Sie nicht.",
  "{thing} is {state} and cannot become {wanted}.": "{thing} ist „{state}“ und kann nicht „{wanted}“ werden.",
  "What was sent cannot be used.": "Was gesendet wurde, lässt sich nicht verwenden.",
  "There is nothing here.": "Hier ist nichts.",
  "This is larger than {limit_bytes} bytes. Send less at once.": "Das ist größer als {limit_bytes} Bytes. Senden Sie weniger auf einmal.",
  "Too many requests. Wait {wait_s} seconds, then try again.": "Zu viele Anfragen. Warten Sie {wait_s} Sekunden, dann versuchen Sie es noch einmal.",
  "Sign in, or send a valid key or token in the Authorization header.": "Melden Sie sich an.",
  "A part of the system is away. Try again in a moment.": "Ein Teil des Systems ist gerade nicht da. Versuchen Sie es gleich noch einmal.",
  "The Idempotency-Key “{key}” was used for a request with another body. Take a new key.": "Der Idempotency-Key „{key}“ wurde schon für einen anderen Inhalt verwendet. Nehmen Sie einen neuen.",
  "An Idempotency-Key has 1 to 200 characters.": "Ein Idempotency-Key hat 1 bis 200 Zeichen.",
  "{at} could be any zone's. Say which, as in 2026-03-02T08:00:00Z or with +01:00.": "{at} könnte in jeder Zeitzone sein. Geben Sie sie an, wie in 2026-03-02T08:00:00Z oder mit +01:00.",
  "“{text}” is not an amount in {currency}. Write it like 12.50.": "„{text}“ ist kein Betrag in {currency}. Schreiben Sie ihn wie 12.50.",
};
