/** Spanish: how the room places refuses. */

import type { Sentences } from "../../../language";

export const PLACES: Sentences = {
  "There is no pickup point {point_id}.": "No existe el punto de recogida {point_id}.",
  "A pickup point has to be on the map: put its address on the map first.": "Un punto de recogida debe estar en el mapa: sitúe antes su dirección.",
  "The map has no address within {within_m} m of this position.": "El mapa no tiene ninguna dirección a menos de {within_m} m de esta posición.",
  "{lon}, {lat} is no position: longitude goes from -180 to 180, latitude from -90 to 90.": "{lon}, {lat} no es una posición: longitud de -180 a 180, latitud de -90 a 90.",
  "There is no tile {z}/{x}/{y}. Zoom goes from 0 to 14, x and y from 0 to 2^z - 1.": "No existe la tesela {z}/{x}/{y}. El zoom va de 0 a 14, x e y de 0 a 2^z - 1.",
  "There is no place {place_id}.": "No existe el lugar {place_id}.",
};
