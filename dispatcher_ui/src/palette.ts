/** Colours of the runs, the same in the list and on the map, told apart by most colour-blind. */

const RUN_COLOURS = [
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5cc4", "#b08900", "#2f8fd0", "#a3394e",
] as const;

/** Always the same one for the same driver. */
export function colourOf(driverId: string): string {
  let sum = 0;
  for (const letter of driverId) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return RUN_COLOURS[sum % RUN_COLOURS.length] ?? RUN_COLOURS[0];
}

export const STOP_COLOURS = {
  waiting: "#5b6b7d",
  under_way: "#1668c7",
  done: "#188754",
  failed: "#c62f2f",
} as const;
