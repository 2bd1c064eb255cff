/** Forms that say what is wrong at the field, and keep what was typed until it is taken. */

import { newKey, Refusal } from "../api";
import { t } from "../language";
import { h, tell } from "../page";
import { faultWords } from "../server_words";
import { openDialog } from "./dialog";
import { makeRows, type RowColumn } from "./rows";

export interface Field {
  name: string;
  label: string;
  kind?: "text" | "number" | "date" | "datetime-local" | "select" | "textarea" | "email" | "tel" | "time" | "checkbox" | "search" | "color" | "rows" | "heading";
  options?: [value: string, label: string][];
  value?: string | number;
  required?: boolean;
  hint?: string;
  suggestions?: string[];
  /** Of a field that is a table of rows. */
  columns?: RowColumn[];
  width?: "half" | "third";
}

export type Values = Record<string, string>;
/** key: the same for every attempt of one form, so that trying again does nothing twice. */
export type Submit = (values: Values, key: string) => Promise<unknown>;

export interface FormSpec {
  fields: Field[];
  button: string;
  submit: Submit;
  note?: string;
  /** Under this name what was typed outlives the page, until it is taken. */
  keep?: string;
}

export function makeForm({ fields, button, submit, note, keep }: FormSpec): HTMLFormElement {
  const key = newKey();
  const draft = keep === undefined ? undefined : new Draft(keep);
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const main = h("button", { class: "main" }, button);
  const typed = draft?.read() ?? {};
  const controls = fields.map((field) => makeField({ ...field, value: typed[field.name] ?? field.value ?? "" }));
  const form = h(
    "form",
    { class: "form", novalidate: true },
    note && h("p", { class: "hint" }, note),
    ...controls,
    notice,
    h("p", { class: "buttons" }, main),
  );
  if (draft) form.addEventListener("input", () => draft.write(valuesOf(form)));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (main.disabled) return;
    clearFaults(form);
    notice.hidden = true;
    if (!showMissing(form)) return;
    main.disabled = true;
    try {
      await submit(valuesOf(form), key);
      draft?.forget();
    } catch (error) {
      showRefusal(form, notice, error as Error);
    } finally {
      main.disabled = false;
    }
  };
  return form;
}

/** What was typed and not taken yet, in this tab of the browser. */
class Draft {
  constructor(private readonly name: string) {}

  read(): Values {
    return JSON.parse(sessionStorage.getItem(this.key) ?? "{}") as Values;
  }

  write(values: Values): void {
    sessionStorage.setItem(this.key, JSON.stringify(values));
  }

  forget(): void {
    sessionStorage.removeItem(this.key);
  }

  private get key(): string {
    return `typed:${this.name}`;
  }
}

/** A form in a window; it closes when what was typed has been taken. */
export function formDialog(title: string, spec: FormSpec, done?: string): HTMLDialogElement {
  const form = makeForm({
    ...spec,
    submit: async (values, key) => {
      await spec.submit(values, key);
      dialog.close();
      if (done) tell(done);
    },
  });
  const dialog = openDialog(title, form);
  return dialog;
}

export function valuesOf(form: HTMLFormElement): Values {
  const typed = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
  return Object.fromEntries(typed) as Values;
}

export function makeField(field: Field): HTMLElement {
  const { name, kind = "text", value, required } = field;
  if (kind === "heading") return h("h4", {}, field.label, field.hint && h("small", {}, field.hint));
  if (kind === "rows") return rowsField(field);
  const id = `field-${name}-${newKey().slice(0, 6)}`;
  const attributes = { name, id, required: required ?? false, "aria-describedby": `${id}-fault` };
  const control =
    kind === "select"
      ? h("select", attributes, ...(field.options ?? []).map(([each, label]) =>
          h("option", { value: each, selected: each === String(value ?? "") }, label)))
      : kind === "textarea"
        ? h("textarea", { ...attributes, rows: 3 }, value)
        : h("input", {
            ...attributes, value, type: kind === "number" ? "text" : kind,
            inputmode: kind === "number" ? "decimal" : false,
            autocomplete: "off", list: field.suggestions ? `${id}-list` : false,
          });
  const list = field.suggestions &&
    h("datalist", { id: `${id}-list` }, ...field.suggestions.map((each) => h("option", { value: each })));
  return h(
    "div",
    { class: `field ${field.width ?? ""}`, "data-field": name },
    h("label", { for: id }, field.label, required ? h("abbr", { title: t("required") }, " *") : null),
    control,
    list || null,
    field.hint && h("small", {}, field.hint),
    h("span", { class: "fault", id: `${id}-fault` }),
  );
}

function rowsField({ name, label, columns = [], value, hint }: Field): HTMLElement {
  return h("div", { class: "field rows", "data-field": name, role: "group", "aria-label": label },
    h("h4", {}, label, hint && h("small", {}, hint)),
    ...makeRows(name, label, columns, String(value || "[]")),
    h("span", { class: "fault" }));
}

export function faultAt(form: HTMLFormElement, name: string, sentence: string): boolean {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const fault = field?.querySelector(".fault");
  if (!field || !fault) return false;
  fault.textContent = sentence;
  const control = field.querySelector<HTMLElement>("input, select, textarea");
  if (control) control.ariaInvalid = "true";
  return true;
}

function clearFaults(form: HTMLFormElement): void {
  for (const fault of form.querySelectorAll(".fault")) fault.textContent = "";
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

function showMissing(form: HTMLFormElement): boolean {
  type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
  const wrong = [...form.elements].filter(
    (each): each is Control => "checkValidity" in each && !(each as Control).checkValidity(),
  );
  for (const control of wrong) faultAt(form, control.name, control.validationMessage);
  wrong[0]?.focus();
  return wrong.length === 0;
}

/** The server names fields as it knows them: consignee.address.line; the form's may be shorter. */
function showRefusal(form: HTMLFormElement, notice: HTMLElement, error: Error): void {
  const problem = error instanceof Refusal ? error.problem : undefined;
  const named = (problem?.fields ?? []).map(({ key = "", message }) => [key, message, faultWords(message)] as const);
  if (typeof problem?.["field"] === "string") named.push([problem["field"], problem.detail, error.message]);
  const names = [...form.querySelectorAll<HTMLElement>("[data-field]")].map((each) => each.dataset["field"] ?? "");
  const unplaced = named.filter(([key, message, sentence]) => {
    const said = `${key} ${message}`;
    const name = names.find((each) => each === key) ??
      names.find((each) => new RegExp(`\\b${each.split(".").join("\\b.*\\b")}\\b`).test(said));
    return name === undefined || !faultAt(form, name, sentence);
  });
  if (named.length === 0 || unplaced.length > 0) {
    notice.textContent = error.message;
    notice.hidden = false;
  }
  (form.querySelector<HTMLElement>("[aria-invalid]") ?? notice).focus();
}
