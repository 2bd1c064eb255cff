/** Spanish: signing in, and what is wrong at a field. */

import type { Sentences } from "../../language";

export const FORMS: Sentences = {
  "Choose a password of your own": "Elija una contraseña propia",
  "The one-time password that you were given ends now.": "La contraseña de un solo uso que recibió deja de valer ahora.",
  "New password": "Contraseña nueva",
  "The same again": "La misma otra vez",
  "Save and go on": "Guardar y seguir",
  "The two passwords differ. Type the same one twice.": "Las dos contraseñas no coinciden. Escriba la misma dos veces.",
  "At least {n} of them.": "Al menos {n}.",
  "At most {n} of them.": "Como mucho {n} de ellos.",
  "At least {n} characters.": "Al menos {n} caracteres.",
  "At most {n} characters.": "Como mucho {n} caracteres.",
  "At most {n}.": "Como mucho {n}.",
  "At least {n}.": "Al menos {n}.",
  "Less than {n}.": "Menos de {n}.",
  "More than {n}.": "Más de {n}.",
  "“{name}” is missing.": "Falta «{name}».",
  "This must be a number.": "Debe ser un número.",
  "This is not a date or time.": "No es una fecha ni una hora.",
  "Choose one of what is offered.": "Elija una de las opciones.",
  "This is not written as it must be.": "No está escrito como debe.",
};
