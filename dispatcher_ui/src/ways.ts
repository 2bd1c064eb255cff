/** The roads of the runs, asked for one at a time; until they come a run is a line between stops. */

import { getWay } from "./api";
import type { LonLat } from "./frames";

const RETRY_MS = 10_000;

interface Driven {
  id: string;
  stops: { position: LonLat | null }[];
}

interface Way {
  /** Which stops it leads through, in which order. */
  through: string;
  line: LonLat[];
}

export class Ways {
  private readonly known = new Map<string, Way>();
  private readonly wanted = new Map<string, string>();
  private isAsking = false;

  /** come: called with a run that has got its roads. */
  constructor(private readonly come: (runId: string) => void) {}

  /** The best that is known now; a run whose stops have changed keeps its old way for a moment.
   * asks: whether the roads are wanted at all. */
  lineOf(run: Driven, asks = true): LonLat[] {
    const stops = run.stops.flatMap((stop) => (stop.position ? [stop.position] : []));
    const through = stops.join(" ");
    const way = this.known.get(run.id);
    if (way?.through === through) return way.line;
    if (asks && stops.length > 0) this.wanted.set(run.id, through);
    void this.ask();
    return way?.line ?? stops;
  }

  askNoMore(): void {
    this.wanted.clear();
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    for (const [runId, through] of this.wanted) {
      this.wanted.delete(runId);
      try {
        const { coordinates } = await getWay(runId);
        this.known.set(runId, { through, line: coordinates });
        this.come(runId);
      } catch {
        // The lines between the stops serve meanwhile.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.isAsking = false;
  }
}
