/** Spanish: how the room kit refuses. */

import type { Sentences } from "../../../language";

export const KIT: Sentences = {
  "“{sha256}” is not a SHA-256: 64 hexadecimal digits in lower case.": "«{sha256}» no es un SHA-256: 64 dígitos hexadecimales en minúscula.",
  "The bytes received do not have the SHA-256 {sha256}. Send the file again.": "El archivo recibido no tiene el SHA-256 {sha256}. Envíelo otra vez.",
  "There is no file {sha256}.": "No existe el archivo {sha256}.",
  "{received} bytes of this file are here. Go on from there, not from {offset}.": "De este archivo hay {received} bytes aquí. Siga desde ahí, no desde {offset}.",
  "A value cannot be stored: {reason}. Correct it and send it again.": "Un valor no se puede guardar: {reason}. Corríjalo y envíelo otra vez.",
  "Something is wrong with this request.": "Algo falla en esta petición.",
  "This has changed in the meantime. Look at it again, then repeat.": "Esto ha cambiado entretanto. Mírelo otra vez y repita.",
  "You are not allowed to do this.": "No tiene permiso para hacer esto.",
  "{thing} is {state} and cannot become {wanted}.": "{thing}: de «{state}» no se puede pasar a «{wanted}».",
  "What was sent cannot be used.": "Lo enviado no se puede usar.",
  "There is nothing here.": "Aquí no hay nada.",
  "This is larger than {limit_bytes} bytes. Send less at once.": "Esto supera los {limit_bytes} bytes. Envíe menos de una vez.",
  "Too many requests. Wait {wait_s} seconds, then try again.": "Demasiadas peticiones. Espere {wait_s} segundos y vuelva a intentarlo.",
  "Sign in, or send a valid key or token in the Authorization header.": "Inicie sesión.",
  "A part of the system is away. Try again in a moment.": "Una parte del sistema no está disponible. Vuelva a intentarlo en un momento.",
  "The Idempotency-Key “{key}” was used for a request with another body. Take a new key.": "La Idempotency-Key «{key}» ya se usó con otro contenido. Use una nueva.",
  "An Idempotency-Key has 1 to 200 characters.": "Una Idempotency-Key tiene de 1 a 200 caracteres.",
  "{at} could be any zone's. Say which, as in 2026-03-02T08:00:00Z or with +01:00.": "{at} podría ser de cualquier zona horaria. Indíquela, como en 2026-03-02T08:00:00Z o con +01:00.",
  "“{text}” is not an amount in {currency}. Write it like 12.50.": "«{text}» no es un importe en {currency}. Escríbalo como 12.50.",
};
