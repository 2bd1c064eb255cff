/** Spanish: how the room consignments refuses. */

import type { Sentences } from "../../../language";

export const CONSIGNMENTS: Sentences = {
  "The barcode “{barcode}” is already on another parcel. Leave it out to get a fresh one.": "El código «{barcode}» ya está en otro paquete. No lo indique para obtener uno nuevo.",
  "Consignment {waybill} is {state}; there is nothing left to change.": "El envío {waybill} está «{state}»; ya no hay nada que cambiar.",
  "A consignment has 1 to 999 parcels; this one has {count}.": "Un envío tiene de 1 a 999 paquetes; este tiene {count}.",
  "Consignment {waybill} is {state} and can no longer be cancelled. Only a return can bring it back.": "El envío {waybill} está «{state}» y ya no se puede cancelar. Solo una devolución lo trae de vuelta.",
  "There are no parcels {parcel_ids}.": "No existen estos paquetes: {parcel_ids}.",
  "{driver_id} is no driver. Only a driver can take parcels into a vehicle of ours.": "{driver_id} no es un conductor. Solo un conductor puede llevar paquetes a un vehículo propio.",
  "A hand-over is of 1 to {limit} parcels; this would be {count}.": "Un traspaso es de 1 a {limit} paquetes; este tendría {count}.",
  "There is no hand-over {handover_id}.": "No existe el traspaso {handover_id}.",
  "No cage, bag or pallet bears the licence plate “{barcode}”.": "Ningún contenedor lleva el código «{barcode}».",
  "{barcode} is already in {container}. Take it out there first.": "{barcode} ya está en {container}. Sáquelo antes de ahí.",
  "{barcode} is sealed. Open it before anything goes in or out.": "{barcode} está precintado. Ábralo antes de meter o sacar nada.",
  "A container holds at most {parcels} parcels, with all that stands in it.": "Un contenedor admite como mucho {parcels} paquetes, con todo lo que haya dentro.",
  "Parcel {barcode} is {state} and travels no more.": "El paquete {barcode} está «{state}» y ya no viaja.",
  "{barcode} cannot go into {container}, which stands in it.": "{barcode} no cabe en {container}, que está dentro de él.",
  "Containers stand at most {depth} deep in each other.": "Los contenedores se apilan como mucho {depth} uno dentro de otro.",
  "{barcode} is not in {container}.": "{barcode} no está en {container}.",
  "There is no consignment {consignment_id}, or it is not yours.": "No existe el envío {consignment_id}, o no es suyo.",
  "No parcel bears the barcode “{barcode}”.": "Ningún paquete lleva el código «{barcode}».",
  "Parcels of consignment {waybill} have left the depot already, so it cannot be packed otherwise any more. Send what is left with a new order.": "Hay paquetes del envío {waybill} que ya salieron del depósito, así que no se puede empaquetar de otro modo. Envíe el resto con otro pedido.",
  "There is no such proof or file, or it is not yours.": "No existe esa prueba o archivo, o no es suyo.",
  "The GS1 prefix {prefix} has no free number left. Ask GS1 for a further prefix.": "El prefijo GS1 {prefix} ya no tiene números libres. Pida otro a GS1.",
  "This tracking link is not valid, or not any more. Ask the sender for a new one.": "Este enlace de seguimiento no es válido, o ya no. Pida otro al remitente.",
};
