/** German: how the room consignments refuses. */

import type { Sentences } from "../../../language";

export const CONSIGNMENTS: Sentences = {
  "The barcode “{barcode}” is already on another parcel. Leave it out to get a fresh one.": "Der Strichcode „{barcode}“ ist schon auf einem anderen Paket. Lassen Sie ihn weg, um einen neuen zu bekommen.",
  "Consignment {waybill} is {state}; there is nothing left to change.": "Sendung {waybill} ist „{state}“; es gibt nichts mehr zu ändern.",
  "A consignment has 1 to 999 parcels; this one has {count}.": "Eine Sendung hat 1 bis 999 Pakete; diese hat {count}.",
  "Consignment {waybill} is {state} and can no longer be cancelled. Only a return can bring it back.": "Sendung {waybill} ist „{state}“ und lässt sich nicht mehr stornieren. Nur eine Retoure bringt sie zurück.",
  "There are no parcels {parcel_ids}.": "Diese Pakete gibt es nicht: {parcel_ids}.",
  "{driver_id} is no driver. Only a driver can take parcels into a vehicle of ours.": "{driver_id} gehört zu keinem Fahrer. Nur ein Fahrer kann Pakete in ein eigenes Fahrzeug übernehmen.",
  "A hand-over is of 1 to {limit} parcels; this would be {count}.": "Eine Übergabe umfasst 1 bis {limit} Pakete; diese hätte {count}.",
  "There is no hand-over {handover_id}.": "Es gibt keine Übergabe {handover_id}.",
  "No cage, bag or pallet bears the licence plate “{barcode}”.": "Kein Behälter trägt den Strichcode „{barcode}“.",
  "{barcode} is already in {container}. Take it out there first.": "{barcode} ist schon in {container}. Nehmen Sie es dort zuerst heraus.",
  "{barcode} is sealed. Open it before anything goes in or out.": "{barcode} ist verplombt. Öffnen Sie ihn, bevor etwas hinein- oder herauskommt.",
  "A container holds at most {parcels} parcels, with all that stands in it.": "Ein Behälter fasst höchstens {parcels} Pakete, mit allem, was darin steht.",
  "Parcel {barcode} is {state} and travels no more.": "Paket {barcode} ist „{state}“ und reist nicht mehr.",
  "{barcode} cannot go into {container}, which stands in it.": "{barcode} kann nicht in {container} hinein, denn dieser steht selbst darin.",
  "Containers stand at most {depth} deep in each other.": "Behälter stehen höchstens {depth}-fach ineinander.",
  "{barcode} is not in {container}.": "{barcode} ist nicht in {container}.",
  "There is no consignment {consignment_id}, or it is not yours.": "Es gibt keine Sendung {consignment_id}, oder sie gehört nicht Ihnen.",
  "No parcel bears the barcode “{barcode}”.": "Kein Paket trägt den Strichcode „{barcode}“.",
  "Parcels of consignment {waybill} have left the depot already, so it cannot be packed otherwise any more. Send what is left with a new order.": "Pakete der Sendung {waybill} haben das Depot schon verlassen, daher lässt sie sich nicht mehr anders packen. Schicken Sie den Rest mit einem neuen Auftrag.",
  "There is no such proof or file, or it is not yours.": "Diesen Nachweis oder diese Datei gibt es nicht, oder sie gehören nicht Ihnen.",
  "The GS1 prefix {prefix} has no free number left. Ask GS1 for a further prefix.": "Das GS1-Präfix {prefix} hat keine freie Nummer mehr. Bitten Sie GS1 um ein weiteres.",
  "This tracking link is not valid, or not any more. Ask the sender for a new one.": "Dieser Verfolgungslink gilt nicht oder nicht mehr. Bitten Sie den Absender um einen neuen.",
};
