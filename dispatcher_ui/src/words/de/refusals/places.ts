/** German: how the room places refuses. */

import type { Sentences } from "../../../language";

export const PLACES: Sentences = {
  "There is no pickup point {point_id}.": "Es gibt keine Abholstelle {point_id}.",
  "A pickup point has to be on the map: put its address on the map first.": "Eine Abholstelle muss auf der Karte sein: Setzen Sie ihre Adresse zuerst auf die Karte.",
  "The map has no address within {within_m} m of this position.": "Die Karte kennt im Umkreis von {within_m} m keine Adresse.",
  "{lon}, {lat} is no position: longitude goes from -180 to 180, latitude from -90 to 90.": "{lon}, {lat} ist keine Position: Länge von -180 bis 180, Breite von -90 bis 90.",
  "There is no tile {z}/{x}/{y}. Zoom goes from 0 to 14, x and y from 0 to 2^z - 1.": "Es gibt keine Kachel {z}/{x}/{y}. Zoom geht von 0 bis 14, x und y von 0 bis 2^z - 1.",
  "There is no place {place_id}.": "Es gibt keinen Ort {place_id}.",
};
