/** Colours of the runs, the same in the list and on the map, told apart by most colour-blind. */

const RUN_COLOURS = [
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5cc4", "#b08900", "#2f8fd0", "#a3394e",
] as const;

const given = new Map<string, string>();

/** Another one for each driver as long as there are enough, the same until the page is closed. */
export function colourOf(driverId: string): string {
  const colour = given.get(driverId) ?? RUN_COLOURS[given.size % RUN_COLOURS.length] ?? "";
  given.set(driverId, colour);
  return colour;
}

export const STOP_COLOURS = {
  waiting: "#5b6b7d",
  under_way: "#1668c7",
  done: "#188754",
  failed: "#c62f2f",
} as const;
