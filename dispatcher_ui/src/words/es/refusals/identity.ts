/** Spanish: how the room identity refuses. */

import type { Sentences } from "../../../language";

export const IDENTITY: Sentences = {
  "Your role {role} may not do this. It takes one of: {allowed}.": "Su rol ({role}) no puede hacer esto. Hace falta uno de: {allowed}.",
  "This API key lacks the scope {scope}. Make a key that has it.": "A esta clave de API le falta el permiso {scope}. Cree una que lo tenga.",
  "An API key expires within the next ten years, or never.": "Una clave de API caduca en los próximos diez años, o nunca.",
  "“{scope}” is not a scope. Scopes look like orders:read or orders:write.": "«{scope}» no es un permiso. Los permisos son como orders:read u orders:write.",
  "There is no API key {api_key_id}.": "No existe la clave de API {api_key_id}.",
  "The X-CSRF-Token header is missing or wrong. Send the csrf_token that GET /api/me gives.": "Esta página ya no es válida. Recárguela y vuelva a intentarlo.",
  "This request comes from a page of another site. Use Postrider's own pages.": "Esta petición viene de otro sitio. Use las páginas de Postrider.",
  "Change your one-time password first: POST /api/me/password.": "Cambie antes su contraseña de un solo uso.",
  "There is no phone {device_id}.": "No existe el teléfono {device_id}.",
  "There is no active driver {driver_id}.": "No existe ningún conductor activo {driver_id}.",
  "This pairing code is wrong, used or older than 10 minutes. Ask the office for a new one.": "Este código de vinculación es incorrecto, ya se usó o tiene más de 10 minutos. Pida otro a la oficina.",
  "A password has at most {longest} characters.": "Una contraseña tiene como mucho {longest} caracteres.",
  "A password has at least {shortest} characters. Three or four unrelated words are good.": "Una contraseña tiene al menos {shortest} caracteres. Tres o cuatro palabras sin relación van bien.",
  "An account user belongs to an account: give account_id.": "Un usuario cliente pertenece a una cuenta: indíquela.",
  "Only account users belong to an account. Leave account_id out, or take that role.": "Solo los clientes pertenecen a una cuenta. No indique la cuenta, o elija ese rol.",
  "“{email}” is not an email address, such as ada@example.org.": "«{email}» no es un correo electrónico, como ada@example.org.",
  "Another person signs in with {email}. Everybody needs an address of their own.": "Otra persona ya entra con {email}. Cada cual necesita su propio correo.",
  "There is no person {person_id}.": "No existe la persona {person_id}.",
  "This is the last active admin. Make another person an admin first.": "Es la última persona activa de administración. Dé antes ese rol a otra.",
  "The new password is the old one. Choose another.": "La contraseña nueva es la antigua. Elija otra.",
  "The old password is wrong.": "La contraseña antigua es incorrecta.",
  "The email or the password is wrong.": "El correo o la contraseña son incorrectos.",
  "Too many failed attempts. Wait {wait_s} seconds, then try again.": "Demasiados intentos fallidos. Espere {wait_s} segundos y vuelva a intentarlo.",
};
