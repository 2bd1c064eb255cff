/** Languages: sentences are written in English in the code and looked up for the others. */

export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español" } as const;
export type Language = keyof typeof LANGUAGES;
export type Sentences = Record<string, string>;

const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
let sentences: Sentences = {};
let saidByServer: Sentences = {};
let forms: Form[] | undefined;
export let locale = navigator.language;

/** The sentence in the person's language; {names} in it are filled in. */
export function t(english: string, values: Record<string, string | number> = {}): string {
  const sentence = sentences[english] ?? english;
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The same about so many of something: one sentence says it of exactly one, another of {n}. */
export const tn = (n: number, one: string, many: string, values: Record<string, string | number> = {}): string =>
  t(n === 1 ? one : many, { n, ...values });

/** Whether the person's language has this sentence. */
export const isKnown = (english: string): boolean => Object.hasOwn(sentences, english);

export function chosenLanguage(): Language {
  const wanted = [localStorage.getItem("language") ?? "", ...navigator.languages];
  const known = wanted.map((each) => each.slice(0, 2)).find((each) => each in LANGUAGES);
  return (known as Language | undefined) ?? "en";
}

/** Load the person's language and put it where the page itself has words. */
export async function speak(): Promise<void> {
  const language = chosenLanguage();
  const words = language === "de" ? await import("./words/de") : language === "es" ? await import("./words/es") : undefined;
  sentences = words?.default ?? {};
  forms = undefined;
  saidByServer = words?.SAID_BY_SERVER ?? {};
  if (!navigator.language.startsWith(language)) locale = language;
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  for (const each of document.querySelectorAll("[data-t]")) {
    each.textContent = t(each.textContent?.trim() ?? "");
  }
  for (const each of document.querySelectorAll<HTMLInputElement>("[data-t-placeholder]")) {
    each.placeholder = t(each.placeholder);
  }
  for (const each of document.querySelectorAll("[data-t-label]")) {
    each.ariaLabel = t(each.ariaLabel ?? "");
  }
}

/** What a sentence with its values in it already looks like: “{waybill} was added.” */
export interface Form { pattern: string; form: RegExp }

/** Of all sentences with values that the server may say, in the order in which to try them. */
export const serverForms = (): Form[] =>
  forms ??= Object.keys(saidByServer).filter((each) => each.includes("{"))
    .map((pattern) => ({ pattern, form: formOf(pattern) }));

function formOf(pattern: string): RegExp {
  const plain = pattern.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/[“”"]/g, "[“”\"']");
  const seen = new Set<string>();
  return new RegExp(`^${plain.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (seen.has(name)) return `\\k<${name}>`;
    seen.add(name);
    return `(?<${name}>.+)`;
  })}$`, "u");
}
