/** Spanish: the room exceptions. */

import type { Sentences } from "../../language";

export const EXCEPTIONS: Sentences = {
  "1 hour": "1 hora",
  "3 days": "3 días",
  "4 hours": "4 horas",
  "Follow the driver": "Seguir al conductor",
  "For how long": "Cuánto tiempo",
  "It waits in the pool of {day}": "Espera en la lista del {day}",
  "Looked after by": "Se ocupa",
  "Mine": "Mías",
  "No": "No",
  "Nobody in particular": "Nadie en concreto",
  "Open the run": "Abrir la ruta",
  "Put off": "Aplazar",
  "Put off until": "Aplazada hasta",
  "See it again": "Volver a verla",
  "Take it": "Tomarla",
  "Task": "Tarea",
  "To be tried again on {day}": "Nuevo intento el {day}",
  "Until tomorrow, 7:00": "Hasta mañana, 7:00",
  "What to do": "Qué hacer",
  "Who looks after it": "Quién se ocupa",
  "Yes": "Sí",
};
