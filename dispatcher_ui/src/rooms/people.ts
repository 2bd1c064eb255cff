/** Drivers, vehicles, shifts, phones paired by QR, depots, and the people who sign in. */

import { get, getAll, send } from "../api";
import { clockIsKnown, today } from "../clock";
import { t } from "../language";
import { h } from "../page";
import { openDialog } from "../parts/dialog";
import { formDialog, type Field } from "../parts/form";
import { showListing, showTabs } from "../parts/listing";
import { qrSvg } from "../parts/qr";
import type { View } from "../rooms";
import { clockTime, count, dateTime, kilograms, momentOf, words } from "../values";
import type { Place } from "./order_records";
import type { Depot, Driver } from "./plan_records";

interface Vehicle {
  id: string;
  label: string;
  profile: string;
  capacity_weight_g: number;
  capacity_volume_ml: number;
  capacity_parcels: number;
  skills: string[];
  active: boolean;
}

interface Shift {
  id: string;
  driver_id: string;
  vehicle_id: string;
  starts_at: string;
  ends_at: string;
  started_at: string | null;
  ended_at: string | null;
  broken_down_at: string | null;
}

interface Device {
  id: string;
  driver_id: string;
  model: string;
  paired_at: string;
  last_seen_at: string;
  revoked_at: string | null;
}

interface Person {
  id: string;
  name: string;
  email: string;
  role: string;
  active: boolean;
}

const ROLES = ["dispatcher", "clerk", "warehouse", "admin", "account_user"];
const toList = (typed: string | undefined): string[] => (typed ?? "").split(/[\s,]+/).filter(Boolean);

export async function open(view: View): Promise<void> {
  const [depots, drivers] = await Promise.all([get<Depot[]>("/api/depots"), get<Driver[]>("/api/drivers"), clockIsKnown()]);
  const names = new Map(drivers.map(({ id, name }) => [id, name]));
  const depotNames = new Map(depots.map(({ id, name }) => [id, name]));
  const inDepot: Field = {
    name: "depot_id", label: t("Depot"), kind: "select", required: true, options: depots.map(({ id, name }) => [id, name]),
  };
  return showTabs(view, "people", [
    { path: "", title: t("Drivers"), show: (place) => void showDrivers(view, place, inDepot, depotNames) },
    { path: "vehicles", title: t("Vehicles"), show: (place) => void showVehicles(view, place, inDepot) },
    { path: "shifts", title: t("Shifts"), show: (place) => showShifts(view, place, drivers, names) },
    { path: "phones", title: t("Phones"), show: (place) => void showPhones(view, place, names) },
    { path: "depots", title: t("Depots"), show: (place) => void showDepots(view, place) },
    { path: "staff", title: t("Staff"), show: (place) => void showStaff(view, place) },
  ]);
}

function showDrivers(view: View, place: HTMLElement, inDepot: Field, depotNames: Map<string, string>): void {
  const reload = showListing<Driver>(view, place, {
    label: t("Drivers"),
    path: "/api/drivers",
    keyOf: (driver) => driver.id,
    filters: [{ name: "name", label: t("Name"), kind: "search" }],
    isShown: (driver, { name = "" }) => driver.name.toLocaleLowerCase().includes(name.toLocaleLowerCase()),
    columns: [
      { title: t("Name"), text: (driver) => driver.name },
      { title: t("Depot"), text: (driver) => depotNames.get(driver.depot_id) ?? "" },
      { title: t("Can"), text: (driver) => driver.skills.join(", ") },
      { title: t("State"), kind: "state", text: (driver) => (driver.active ? t("Active") : t("Gone")) },
    ],
    open: (driver) => {
      const dialog = openDialog(driver.name, h("p", { class: "buttons" },
        h("button", { type: "button", class: "main", onclick: () => { dialog.close(); void pair(driver); } }, t("Pair a phone")),
        h("button", { type: "button", onclick: () => { dialog.close(); change(driver, () => void reload()); } }, t("Change"))));
    },
    create: {
      label: t("New driver"),
      form: () => ({
        fields: [
          { name: "name", label: t("Name"), required: true },
          { name: "email", label: t("Email"), kind: "email", required: true },
          inDepot,
          { name: "skills", label: t("Can"), hint: t("Such as adr or fridge, with spaces between") },
        ],
        button: t("Add"),
        submit: ({ skills, ...values }) => send("POST", "/api/drivers", { ...values, skills: toList(skills) }),
      }),
    },
    empty: t("There is no driver yet."),
  });
}

function change(driver: Driver, done: () => void): void {
  formDialog(driver.name, {
    fields: [
      { name: "skills", label: t("Can"), value: driver.skills.join(" ") },
      { name: "active", label: t("State"), kind: "select", value: String(driver.active), options: [["true", t("Active")], ["false", t("Gone")]] },
    ],
    button: t("Save"),
    submit: async ({ skills, active }) => {
      await send("PATCH", `/api/drivers/${driver.id}`, { skills: toList(skills), active: active === "true" });
      done();
    },
  });
}

/** The code as a picture for the phone's camera, and in letters for typing. */
async function pair(driver: Driver): Promise<void> {
  const { code, expires_at: until } = await send<{ code: string; expires_at: string }>("POST", `/api/drivers/${driver.id}/pairing-codes`);
  const picture = qrSvg(`${location.origin}/pair#${code}`);
  picture.classList.add("qr");
  picture.setAttribute("aria-label", t("The pairing code as a QR code"));
  openDialog(
    t("Pair the phone of {name}", { name: driver.name }),
    h("p", {}, t("Scan this with the driver's phone, or type the code there.")),
    picture,
    h("p", { class: "pin-code" }, code),
    h("p", { class: "hint" }, t("It works once, until {time}.", { time: clockTime(until) })),
  );
}

function showVehicles(view: View, place: HTMLElement, inDepot: Field): void {
  showListing<Vehicle>(view, place, {
    label: t("Vehicles"),
    path: "/api/vehicles",
    keyOf: (vehicle) => vehicle.id,
    columns: [
      { title: t("Name"), text: (vehicle) => vehicle.label },
      { title: t("Kind"), text: (vehicle) => words(vehicle.profile) },
      { title: t("Carries"), kind: "number", text: (vehicle) => kilograms(vehicle.capacity_weight_g), by: (vehicle) => vehicle.capacity_weight_g },
      { title: t("Litres"), kind: "number", text: (vehicle) => count(vehicle.capacity_volume_ml / 1000), by: (vehicle) => vehicle.capacity_volume_ml },
      { title: t("Parcels"), kind: "number", text: (vehicle) => count(vehicle.capacity_parcels), by: (vehicle) => vehicle.capacity_parcels },
      { title: t("Can"), text: (vehicle) => vehicle.skills.join(", ") },
      { title: t("State"), kind: "state", text: (vehicle) => (vehicle.active ? t("Active") : t("Gone")) },
    ],
    actions: [
      { label: t("Take out of service"), isFor: (vehicle) => vehicle.active, act: (vehicle) => send("PATCH", `/api/vehicles/${vehicle.id}`, { active: false }) },
      { label: t("Back into service"), isFor: (vehicle) => !vehicle.active, act: (vehicle) => send("PATCH", `/api/vehicles/${vehicle.id}`, { active: true }) },
    ],
    create: {
      label: t("New vehicle"),
      form: () => ({
        fields: [
          { name: "label", label: t("Name"), required: true, width: "half" },
          { name: "profile", label: t("Kind"), kind: "select", width: "half", options: [["car", t("Car")], ["bicycle", t("Bicycle")]] },
          inDepot,
          { name: "kg", label: t("Carries, kg"), kind: "number", required: true, width: "third", value: 800 },
          { name: "litres", label: t("Litres"), kind: "number", required: true, width: "third", value: 6000 },
          { name: "parcels", label: t("Parcels"), kind: "number", required: true, width: "third", value: 120 },
        ],
        button: t("Add"),
        submit: ({ kg, litres, parcels, ...values }) => send("POST", "/api/vehicles", {
          ...values, capacity_weight_g: Number(kg) * 1000, capacity_volume_ml: Number(litres) * 1000, capacity_parcels: Number(parcels),
        }),
      }),
    },
    empty: t("There is no vehicle yet."),
  });
}

async function showShifts(view: View, place: HTMLElement, drivers: Driver[], names: Map<string, string>): Promise<void> {
  const vehicles = await getAll<Vehicle>("/api/vehicles");
  const labels = new Map(vehicles.map(({ id, label }) => [id, label]));
  const start = new Date(`${today()}T00:00:00`);
  showListing<Shift>(view, place, {
    label: t("Shifts"),
    path: "/api/shifts",
    query: { since: start.toISOString() },
    keyOf: (shift) => shift.id,
    columns: [
      { title: t("Driver"), text: (shift) => names.get(shift.driver_id) ?? "" },
      { title: t("Vehicle"), text: (shift) => labels.get(shift.vehicle_id) ?? "" },
      { title: t("Starts"), text: (shift) => dateTime(shift.starts_at), by: (shift) => shift.starts_at },
      { title: t("Ends"), text: (shift) => dateTime(shift.ends_at), by: (shift) => shift.ends_at },
      { title: t("State"), kind: "state", text: (shift) => (shift.broken_down_at ? t("Broken down") : shift.ended_at ? t("Finished") : shift.started_at ? t("At work") : t("To come")) },
    ],
    actions: [{ label: t("Delete"), isFor: (shift) => shift.started_at === null, act: (shift) => send("DELETE", `/api/shifts/${shift.id}`) }],
    create: {
      label: t("New shift"),
      form: () => ({
        fields: [
          { name: "driver_id", label: t("Driver"), kind: "select", required: true, options: drivers.filter((each) => each.active).map(({ id, name }) => [id, name]) },
          { name: "vehicle_id", label: t("Vehicle"), kind: "select", required: true, options: vehicles.filter((each) => each.active).map(({ id, label }) => [id, label]) },
          { name: "starts_at", label: t("Starts"), kind: "datetime-local", required: true, width: "half", value: `${today()}T08:00` },
          { name: "ends_at", label: t("Ends"), kind: "datetime-local", required: true, width: "half", value: `${today()}T17:00` },
        ],
        button: t("Add"),
        submit: (values) => send("POST", "/api/shifts", { ...values, starts_at: momentOf(values["starts_at"]), ends_at: momentOf(values["ends_at"]) }),
      }),
    },
    empty: t("Nobody has a shift from today on."),
  });
}

function showPhones(view: View, place: HTMLElement, names: Map<string, string>): void {
  showListing<Device>(view, place, {
    label: t("Phones"),
    path: "/api/devices",
    keyOf: (device) => device.id,
    columns: [
      { title: t("Driver"), text: (device) => names.get(device.driver_id) ?? "" },
      { title: t("Model"), text: (device) => device.model },
      { title: t("State"), kind: "state", text: (device) => (device.revoked_at ? t("Revoked") : t("Paired")) },
      { title: t("Paired"), text: (device) => dateTime(device.paired_at), by: (device) => device.paired_at },
      { title: t("Last heard of"), text: (device) => dateTime(device.last_seen_at), by: (device) => device.last_seen_at },
    ],
    actions: [{ label: t("Revoke"), isFor: (device) => device.revoked_at === null, act: (device) => send("DELETE", `/api/devices/${device.id}`) }],
    empty: t("No phone is paired. Open a driver to pair one."),
  });
}

function showDepots(view: View, place: HTMLElement): void {
  showListing<Depot>(view, place, {
    label: t("Depots"),
    path: "/api/depots",
    keyOf: (depot) => depot.id,
    columns: [
      { title: t("Name"), text: (depot) => depot.name },
      { title: t("Opens"), text: (depot) => depot.opens_local },
      { title: t("Closes"), text: (depot) => depot.closes_local },
      { title: t("Time zone"), text: (depot) => depot.timezone },
      { title: t("Position"), text: (depot) => `${depot.position[1].toFixed(5)}, ${depot.position[0].toFixed(5)}` },
    ],
    create: {
      label: t("New depot"),
      form: () => ({
        fields: [
          { name: "name", label: t("Name"), required: true },
          { name: "street", label: t("Street"), required: true, width: "half" },
          { name: "house_number", label: t("Number"), width: "half" },
          { name: "city", label: t("Town"), required: true, width: "half" },
          { name: "timezone", label: t("Time zone"), required: true, width: "half", value: Intl.DateTimeFormat().resolvedOptions().timeZone },
        ],
        button: t("Add"),
        submit: async ({ name, timezone, ...address }) => {
          const made = await send<Place>("POST", "/api/places", { ...address, name });
          await send("POST", "/api/depots", { name, timezone, place_id: made.id });
        },
      }),
    },
    empty: t("There is no depot yet."),
  });
}

function showStaff(view: View, place: HTMLElement): void {
  const tellPassword = (password: string): unknown => openDialog(
    t("One-time password, shown this once"),
    h("p", { class: "pin-code" }, password),
    h("p", { class: "hint" }, t("Whoever signs in with it chooses a new one.")),
  );
  showListing<Person>(view, place, {
    label: t("Staff"),
    path: "/api/people",
    keyOf: (person) => person.id,
    filters: [{ name: "role", label: t("Role"), kind: "select", options: [["", t("All")], ...ROLES.map((role): [string, string] => [role, words(role)])] }],
    columns: [
      { title: t("Name"), text: (person) => person.name },
      { title: t("Email"), text: (person) => person.email },
      { title: t("Role"), kind: "state", text: (person) => words(person.role) },
      { title: t("State"), text: (person) => (person.active ? t("Active") : t("Gone")) },
    ],
    actions: [
      { label: t("New one-time password"), act: async (person) => tellPassword((await send<{ password: string }>("POST", `/api/people/${person.id}/one-time-password`)).password) },
      { label: t("Lock out"), isFor: (person) => person.active, act: (person) => send("PATCH", `/api/people/${person.id}`, { active: false }) },
      { label: t("Let in again"), isFor: (person) => !person.active, act: (person) => send("PATCH", `/api/people/${person.id}`, { active: true }) },
    ],
    create: {
      label: t("New person"),
      form: () => ({
        fields: [
          { name: "name", label: t("Name"), required: true },
          { name: "email", label: t("Email"), kind: "email", required: true },
          { name: "role", label: t("Role"), kind: "select", options: ROLES.filter((role) => role !== "account_user").map((role) => [role, words(role)]) },
        ],
        button: t("Add"),
        submit: async (values) => {
          const person = await send<Person>("POST", "/api/people", values);
          tellPassword((await send<{ password: string }>("POST", `/api/people/${person.id}/one-time-password`)).password);
        },
      }),
    },
    empty: t("Nobody has this role."),
  });
}
