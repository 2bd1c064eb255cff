/** German: how the room identity refuses. */

import type { Sentences } from "../../../language";

export const IDENTITY: Sentences = {
  "Your role {role} may not do this. It takes one of: {allowed}.": "Ihre Rolle ({role}) darf das nicht. Nötig ist eine von: {allowed}.",
  "This API key lacks the scope {scope}. Make a key that has it.": "Diesem API-Schlüssel fehlt das Recht {scope}. Erstellen Sie einen Schlüssel, der es hat.",
  "An API key expires within the next ten years, or never.": "Ein API-Schlüssel läuft innerhalb der nächsten zehn Jahre ab oder nie.",
  "“{scope}” is not a scope. Scopes look like orders:read or orders:write.": "„{scope}“ ist kein Recht. Rechte sehen aus wie orders:read oder orders:write.",
  "There is no API key {api_key_id}.": "Es gibt keinen API-Schlüssel {api_key_id}.",
  "The X-CSRF-Token header is missing or wrong. Send the csrf_token that GET /api/me gives.": "Diese Seite ist nicht mehr gültig. Laden Sie sie neu, dann versuchen Sie es noch einmal.",
  "This request comes from a page of another site. Use Postrider's own pages.": "Diese Anfrage kommt von der Seite eines anderen Anbieters. Benutzen Sie die Seiten von Postrider.",
  "Change your one-time password first: POST /api/me/password.": "Ändern Sie zuerst Ihr Einmalpasswort.",
  "There is no phone {device_id}.": "Es gibt kein Telefon {device_id}.",
  "There is no active driver {driver_id}.": "Es gibt keinen aktiven Fahrer {driver_id}.",
  "This pairing code is wrong, used or older than 10 minutes. Ask the office for a new one.": "Dieser Kopplungscode ist falsch, verbraucht oder älter als 10 Minuten. Bitten Sie das Büro um einen neuen.",
  "A password has at most {longest} characters.": "Ein Passwort hat höchstens {longest} Zeichen.",
  "A password has at least {shortest} characters. Three or four unrelated words are good.": "Ein Passwort hat mindestens {shortest} Zeichen. Drei oder vier Wörter ohne Zusammenhang sind gut.",
  "An account user belongs to an account: give account_id.": "Wer diese Rolle hat, gehört zu einem Konto: Geben Sie das Konto an.",
  "Only account users belong to an account. Leave account_id out, or take that role.": "Nur Kunden gehören zu einem Konto. Lassen Sie das Konto weg, oder wählen Sie jene Rolle.",
  "“{email}” is not an email address, such as ada@example.org.": "„{email}“ ist keine E-Mail-Adresse wie ada@example.org.",
  "Another person signs in with {email}. Everybody needs an address of their own.": "Jemand anders meldet sich schon mit {email} an. Jede Person braucht eine eigene Adresse.",
  "There is no person {person_id}.": "Es gibt keine Person {person_id}.",
  "This is the last active admin. Make another person an admin first.": "Das ist die letzte aktive Person der Verwaltung. Geben Sie diese Rolle zuerst jemand anderem.",
  "The new password is the old one. Choose another.": "Das neue Passwort ist das alte. Wählen Sie ein anderes.",
  "The old password is wrong.": "Das alte Passwort ist falsch.",
  "The email or the password is wrong.": "Die E-Mail-Adresse oder das Passwort ist falsch.",
  "Too many failed attempts. Wait {wait_s} seconds, then try again.": "Zu viele Fehlversuche. Warten Sie {wait_s} Sekunden, dann versuchen Sie es noch einmal.",
};
