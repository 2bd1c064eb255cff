/** German: how the room channels refuses. */

import type { Sentences } from "../../../language";

export const CHANNELS: Sentences = {
  "No column tells {missing}. The file has: {headers}. Name the column so, or say in a mapping profile which one it is.": "Keine Spalte nennt {missing}. Die Datei hat: {headers}. Benennen Sie die Spalte so, oder geben Sie in den Importspalten an, welche es ist.",
  "There is no field “{name}” to map a column to. Take one of: {known}.": "Es gibt kein Feld „{name}“, dem eine Spalte zugeordnet werden könnte. Möglich sind: {known}.",
  "Something breaks on our side at or after line {line}, again and again. What was taken before stays taken. Please report it.": "Bei oder nach Zeile {line} bricht auf unserer Seite immer wieder etwas ab. Was bis dahin angenommen wurde, bleibt. Bitte melden Sie es.",
  "Another process goes on with import {import_id}.": "Ein anderer Prozess führt den Import {import_id} weiter.",
  "There is no import {import_id}. Look at /api/imports.": "Es gibt keinen Import {import_id}. Sehen Sie unter den Importen nach.",
  "Give an address: street and city, or the whole on one line, or lon and lat.": "Geben Sie eine Adresse an: Straße und Ort, das Ganze in einer Zeile, oder Länge und Breite.",
  "Give both lon and lat, or neither.": "Geben Sie Länge und Breite an oder keines von beiden.",
  "There is no mapping profile “{name}”. Look at /api/import-profiles.": "Es gibt keine Importspalten „{name}“.",
  "The form cannot be used: {summary}.": "Das Formular lässt sich nicht verwenden: {summary}.",
  "The account {account} takes no orders any more. Ask the office.": "Das Konto {account} nimmt keine Aufträge mehr an. Fragen Sie das Büro.",
  "Say in `account` which account pays; you may order for any.": "Geben Sie an, welches Konto zahlt; Sie dürfen für jedes bestellen.",
  "The account “{account}” is not yours. Leave `account` out.": "Das Konto „{account}“ gehört nicht Ihnen. Lassen Sie die Angabe weg.",
  "There is no account “{account}”. Look at /api/accounts.": "Es gibt kein Konto „{account}“.",
  "These goods come from the depot; there is no consignor to amend.": "Diese Ware kommt aus dem Depot; es gibt keinen Absender zu ändern.",
  "The file cannot be read from line {line} on: {reason}. Save it afresh and try again.": "Die Datei ist ab Zeile {line} nicht lesbar: {reason}. Speichern Sie sie neu und versuchen Sie es noch einmal.",
  "The file has no header line. Its first line must name the columns.": "Die Datei hat keine Kopfzeile. Die erste Zeile muss die Spalten nennen.",
  "This is neither a CSV nor an XLSX file. Save it from your spreadsheet as one of these.": "Das ist weder eine CSV- noch eine XLSX-Datei. Speichern Sie sie aus Ihrer Tabellenkalkulation als eine davon.",
  "This is an old or encrypted Excel file. Save it as .xlsx without a password, or as CSV.": "Das ist eine alte oder verschlüsselte Excel-Datei. Speichern Sie sie als .xlsx ohne Passwort oder als CSV.",
  "The file has more than {max_columns} columns. Leave out those that are not needed.": "Die Datei hat mehr als {max_columns} Spalten. Lassen Sie weg, was nicht gebraucht wird.",
  "The file has more than {max_rows} rows. Split it into several.": "Die Datei hat mehr als {max_rows} Zeilen. Teilen Sie sie in mehrere auf.",
  "The text is neither UTF-8 nor Windows-1252. Save the file as CSV in UTF-8.": "Der Text ist weder UTF-8 noch Windows-1252. Speichern Sie die Datei als CSV in UTF-8.",
  "Unpacked, this XLSX file is far too large. Copy the rows into a fresh workbook.": "Entpackt ist diese XLSX-Datei viel zu groß. Kopieren Sie die Zeilen in eine neue Mappe.",
  "The file is empty or missing. Send it as the body, or as a part of multipart/form-data.": "Die Datei ist leer oder fehlt.",
};
