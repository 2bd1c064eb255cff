/** Spanish: how the room channels refuses. */

import type { Sentences } from "../../../language";

export const CHANNELS: Sentences = {
  "No column tells {missing}. The file has: {headers}. Name the column so, or say in a mapping profile which one it is.": "Ninguna columna indica {missing}. El archivo tiene: {headers}. Nombre así la columna, o indique cuál es en las columnas de importación.",
  "There is no field “{name}” to map a column to. Take one of: {known}.": "No hay ningún campo «{name}» al que asignar una columna. Puede ser: {known}.",
  "Something breaks on our side at or after line {line}, again and again. What was taken before stays taken. Please report it.": "En la línea {line} o después algo falla una y otra vez por nuestra parte. Lo aceptado hasta ahí se queda. Avísenos.",
  "Another process goes on with import {import_id}.": "Otro proceso sigue con la importación {import_id}.",
  "There is no import {import_id}. Look at /api/imports.": "No existe la importación {import_id}. Mire en las importaciones.",
  "Give an address: street and city, or the whole on one line, or lon and lat.": "Indique una dirección: calle y localidad, todo en una línea, o longitud y latitud.",
  "Give both lon and lat, or neither.": "Indique longitud y latitud, o ninguna.",
  "There is no mapping profile “{name}”. Look at /api/import-profiles.": "No existen las columnas de importación «{name}».",
  "The form cannot be used: {summary}.": "El formulario no se puede usar: {summary}.",
  "The account {account} takes no orders any more. Ask the office.": "La cuenta {account} ya no admite pedidos. Pregunte a la oficina.",
  "Say in `account` which account pays; you may order for any.": "Indique qué cuenta paga; puede pedir para cualquiera.",
  "The account “{account}” is not yours. Leave `account` out.": "La cuenta «{account}» no es suya. No la indique.",
  "There is no account “{account}”. Look at /api/accounts.": "No existe la cuenta «{account}».",
  "These goods come from the depot; there is no consignor to amend.": "Esta mercancía sale del depósito; no hay remitente que cambiar.",
  "The file cannot be read from line {line} on: {reason}. Save it afresh and try again.": "El archivo no se puede leer desde la línea {line}: {reason}. Guárdelo de nuevo y vuelva a intentarlo.",
  "The file has no header line. Its first line must name the columns.": "El archivo no tiene cabecera. Su primera línea debe nombrar las columnas.",
  "This is neither a CSV nor an XLSX file. Save it from your spreadsheet as one of these.": "No es un archivo CSV ni XLSX. Guárdelo desde su hoja de cálculo en uno de esos formatos.",
  "This is an old or encrypted Excel file. Save it as .xlsx without a password, or as CSV.": "Es un archivo de Excel antiguo o cifrado. Guárdelo como .xlsx sin contraseña, o como CSV.",
  "The file has more than {max_columns} columns. Leave out those that are not needed.": "El archivo tiene más de {max_columns} columnas. Quite las que no hacen falta.",
  "The file has more than {max_rows} rows. Split it into several.": "El archivo tiene más de {max_rows} filas. Divídalo en varios.",
  "The text is neither UTF-8 nor Windows-1252. Save the file as CSV in UTF-8.": "El texto no es UTF-8 ni Windows-1252. Guarde el archivo como CSV en UTF-8.",
  "Unpacked, this XLSX file is far too large. Copy the rows into a fresh workbook.": "Descomprimido, este archivo XLSX es demasiado grande. Copie las filas en un libro nuevo.",
  "The file is empty or missing. Send it as the body, or as a part of multipart/form-data.": "El archivo está vacío o falta.",
};
