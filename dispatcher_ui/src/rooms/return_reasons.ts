/** Why things come back: the company's own reasons, in the words of who looks. */

import { get } from "../api";
import { chosenLanguage } from "../language";
import { words } from "../values";

export interface Reason {
  code: string;
  text_en: string;
  text_de: string;
  text_es: string;
  active: boolean;
}

export const reasonText = (reason: Reason): string => reason[`text_${chosenLanguage()}`] || reason.text_en;

/** What a code means; of one that is no reason of the company, such as a driver's word, itself. */
export async function readReasons(): Promise<(code: string | null) => string> {
  const reasons = await get<Reason[]>("/api/return-reasons").catch((): Reason[] => []);
  const texts = new Map(reasons.map((each) => [each.code, reasonText(each)]));
  return (code) => texts.get(code ?? "") ?? words(code);
}
