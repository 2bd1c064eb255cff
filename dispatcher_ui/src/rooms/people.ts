/** Drivers, vehicles, shifts, phones paired by QR, depots, and the people who sign in. */

import { get, getAll, isOneOf, send } from "../api";
import { clockIsKnown, today } from "../clock";
import { t } from "../language";
import { h } from "../page";
import { openDialog } from "../parts/dialog";
import { edit } from "../parts/edit";
import type { Field, Values } from "../parts/form";
import { showListing, showTabs } from "../parts/listing";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, dateTime, kilograms, momentOf, words } from "../values";
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
  max_speed_kmh: number;
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
  is_tracker: boolean;
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
  const [first, id] = view.segments;
  if (first === "drivers" && id) return (await import("./driver")).showDriver(view, id);
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
    { path: "phones", title: t("Phones and trackers"), show: (place) => void showPhones(view, place, names) },
    { path: "depots", title: t("Depots"), show: (place) => void showDepots(view, place) },
    ...(isOneOf("admin", "dispatcher") ? [
      { path: "geofences", title: t("Geofences"), show: async (place: HTMLElement) => (await import("./geofences")).showGeofences(view, place, depots) },
    ] : []),
    { path: "staff", title: t("Staff"), show: (place) => void showStaff(view, place) },
  ]);
}

function showDrivers(view: View, place: HTMLElement, inDepot: Field, depotNames: Map<string, string>): void {
  showListing<Driver>(view, place, {
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
    open: (driver) => go(roomUrl("people", "drivers", driver.id)),
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

/** The fields that can be changed later too; weights in kilograms, volumes in litres. */
const vehicleFields = (vehicle?: Vehicle): Field[] => [
  { name: "kg", label: t("Carries, kg"), kind: "number", required: true, width: "third", value: (vehicle?.capacity_weight_g ?? 800_000) / 1000 },
  { name: "litres", label: t("Litres"), kind: "number", required: true, width: "third", value: (vehicle?.capacity_volume_ml ?? 6_000_000) / 1000 },
  { name: "parcels", label: t("Parcels"), kind: "number", required: true, width: "third", value: vehicle?.capacity_parcels ?? 120 },
  { name: "skills", label: t("Can"), value: vehicle?.skills.join(" ") ?? "", hint: t("Such as adr or fridge, with spaces between") },
];

const vehicleOf = ({ kg, litres, parcels, skills }: Values): object => ({
  capacity_weight_g: Math.round(Number(kg) * 1000), capacity_volume_ml: Math.round(Number(litres) * 1000),
  capacity_parcels: Number(parcels), skills: toList(skills),
});

const setActive = (active: boolean) => ({ id }: Vehicle): Promise<unknown> => send("PATCH", `/api/vehicles/${id}`, { active });

function changeVehicle({ id, label }: Vehicle, saved: () => unknown): void {
  void edit<Vehicle>({
    title: label,
    read: async () => (await get<Vehicle[]>("/api/vehicles")).find((each) => each.id === id) as Vehicle,
    fields: (now) => [
      ...vehicleFields(now),
      { name: "max_speed_kmh", label: t("Drives at most, km/h"), kind: "number", required: true, value: now.max_speed_kmh, hint: t("Faster is told to dispatch.") },
    ],
    save: (typed) => send("PATCH", `/api/vehicles/${id}`, { ...vehicleOf(typed), max_speed_kmh: Number(typed["max_speed_kmh"]) }),
    saved,
  });
}

function showVehicles(view: View, place: HTMLElement, inDepot: Field): void {
  const reload = showListing<Vehicle>(view, place, {
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
      { title: t("At most"), kind: "number", text: (vehicle) => `${vehicle.max_speed_kmh} km/h`, by: (vehicle) => vehicle.max_speed_kmh },
      { title: t("State"), kind: "state", text: (vehicle) => (vehicle.active ? t("Active") : t("Gone")) },
    ],
    open: (vehicle) => changeVehicle(vehicle, () => void reload()),
    actions: [
      { label: t("Take out of service"), isFor: (vehicle) => vehicle.active, act: setActive(false), undo: setActive(true) },
      { label: t("Back into service"), isFor: (vehicle) => !vehicle.active, act: setActive(true), undo: setActive(false) },
    ],
    create: {
      label: t("New vehicle"),
      form: () => ({
        fields: [
          { name: "label", label: t("Name"), required: true, width: "half" },
          { name: "profile", label: t("Kind"), kind: "select", width: "half", options: [["car", t("Car")], ["bicycle", t("Bicycle")]] },
          inDepot,
          ...vehicleFields(),
        ],
        button: t("Add"),
        submit: ({ label, profile, depot_id, ...values }) => send("POST", "/api/vehicles", { label, profile, depot_id, ...vehicleOf(values) }),
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
      { title: t("Kind"), text: (device) => (device.is_tracker ? t("Tracker") : t("Phone")) },
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
      { title: t("Opens"), text: (depot) => depot.opens_local.slice(0, 5) },
      { title: t("Closes"), text: (depot) => depot.closes_local.slice(0, 5) },
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

const setIn = (active: boolean) => ({ id }: Person): Promise<unknown> => send("PATCH", `/api/people/${id}`, { active });

function showStaff(view: View, place: HTMLElement): void {
  const tellPassword = (password: string): unknown => openDialog(
    t("One-time password, shown this once"),
    h("p", { class: "pin-code" }, password),
    h("p", { class: "hint" }, t("Whoever signs in with it chooses a new one.")),
  );
  const change = ({ id, name }: Person): unknown => edit<Person>({
    title: name,
    read: () => get<Person>(`/api/people/${id}`),
    fields: (now) => [
      { name: "name", label: t("Name"), value: now.name, required: true },
      { name: "email", label: t("Email"), kind: "email", value: now.email, required: true },
    ],
    save: (typed) => send("PATCH", `/api/people/${id}`, typed),
    saved: () => reload(),
  });
  const reload = showListing<Person>(view, place, {
    label: t("Staff"),
    open: (person) => void change(person),
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
      { label: t("Lock out"), isFor: (person) => person.active, act: setIn(false), undo: setIn(true) },
      { label: t("Let in again"), isFor: (person) => !person.active, act: setIn(true), undo: setIn(false) },
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
