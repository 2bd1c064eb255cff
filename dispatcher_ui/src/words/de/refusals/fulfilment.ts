/** German: how the room fulfilment refuses. */

import type { Sentences } from "../../../language";

export const FULFILMENT: Sentences = {
  "This fulfilment is {state}. Only one that nobody works on yet can be put on hold.": "Diese Ausführung ist „{state}“. Anhalten lässt sich nur eine, an der noch niemand arbeitet.",
  "Parcels were packed in carton {carton} already, so its size stays. Make a new one.": "In Karton {carton} wurden schon Pakete gepackt, daher bleibt seine Größe. Legen Sie einen neuen an.",
  "The warehouse works for all accounts at once. Take a key that is not confined to one.": "Das Lager arbeitet für alle Konten zugleich. Nehmen Sie einen Schlüssel, der nicht auf eines beschränkt ist.",
  "Only {asked} units of {sku} are to be taken at {location}, not {quantity}. Lay the rest back.": "An {location} sind nur {asked} Stück von {sku} zu nehmen, nicht {quantity}. Legen Sie den Rest zurück.",
  "{path} is no warehouse. Name one, and a zone within it if only that is to be picked.": "{path} ist kein Lager. Nennen Sie eines, und eine Zone darin, wenn nur dort kommissioniert werden soll.",
  "{path} is not in that warehouse. Name a zone within it.": "{path} liegt nicht in diesem Lager. Nennen Sie eine Zone darin.",
  "These goods weigh {least_g} g by their SKUs, so the parcel cannot weigh {weight_g} g. Weigh it again, or correct the SKU.": "Diese Ware wiegt nach ihren Artikeln {least_g} g, das Paket kann also nicht {weight_g} g wiegen. Wiegen Sie noch einmal, oder berichtigen Sie den Artikel.",
  "Say how many units you took; if the shelf is empty, say so with `short`.": "Geben Sie an, wie viele Stück Sie genommen haben; wenn das Fach leer ist, melden Sie, dass nichts mehr da ist.",
  "Only {there} picked units of {sku} wait to be packed for this order, not {quantity}. Pick them first, or look into the parcels that are closed.": "Nur {there} kommissionierte Stück von {sku} warten für diesen Auftrag aufs Packen, nicht {quantity}. Kommissionieren Sie sie zuerst, oder sehen Sie in den geschlossenen Paketen nach.",
  "There is nothing to pick there now. What is left is in other waves, or waits for stock.": "Dort ist jetzt nichts zu kommissionieren. Der Rest ist in anderen Wellen oder wartet auf Ware.",
  "Nothing more of {sku} is to be taken at {location} in this wave: it was scanned before, or its order was cancelled, or it lies elsewhere. Ask for what is next.": "Von {sku} ist an {location} in dieser Welle nichts mehr zu nehmen: schon gescannt, Auftrag storniert, oder es liegt anderswo. Fragen Sie nach dem Nächsten.",
  "Order {order} was cancelled. Put the goods back.": "Auftrag {order} wurde storniert. Legen Sie die Ware zurück.",
  "{sku} cannot stand in for itself. Name another SKU of the same account.": "{sku} kann nicht sich selbst ersetzen. Nennen Sie einen anderen Artikel desselben Kontos.",
  "At {location} lie several kinds of {sku} for this wave. Give the lot, or the task.": "An {location} liegen mehrere Arten von {sku} für diese Welle. Geben Sie die Charge oder die Entnahme an.",
  "Give the {quantity} serial numbers of {sku} that go into this parcel, as they were picked.": "Geben Sie die {quantity} Seriennummern von {sku} an, die in dieses Paket kommen, so wie sie kommissioniert wurden.",
  "A carton {carton} holds {max_weight_g} g, and these goods weigh {weight_g} g. Take a larger one, or two.": "Ein Karton {carton} trägt {max_weight_g} g, und diese Ware wiegt {weight_g} g. Nehmen Sie einen größeren oder zwei.",
  "There is no fulfilment {fulfilment_id}. Look for it at /api/fulfilments.": "Es gibt keine Ausführung {fulfilment_id}.",
  "There is no carton “{carton}” in use. Look at /api/cartons.": "Es gibt keinen Karton „{carton}“ in Gebrauch.",
  "There is no warehouse person {person_id}. Leave it out to pick yourself.": "Es gibt keine Lagerperson {person_id}. Lassen Sie die Angabe weg, um selbst zu kommissionieren.",
  "There is no put-back task {task_id}. Look for it at /api/put-backs.": "Es gibt keine Rücklage {task_id}.",
  "There is no shortage {shortage_id}. Look for it at /api/shortages.": "Es gibt keine Fehlmenge {shortage_id}.",
  "There is no pick wave {wave_id}. Look for it at /api/pick-waves.": "Es gibt keine Kommissionierwelle {wave_id}.",
  "This pick wave is {state}. Start a new one.": "Diese Kommissionierwelle ist „{state}“. Beginnen Sie eine neue.",
  "These goods belong at {location}. Scan that shelf, not “{scanned}”.": "Diese Ware gehört an {location}. Scannen Sie dieses Fach, nicht „{scanned}“.",
};
