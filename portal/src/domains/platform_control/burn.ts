import type { Slo } from "../../api/types";

/** "99.95 %", with as many digits as it takes to see what is missing. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : `${Number((share * 100).toPrecision(5))} %`;
}

/** The share that was good, of how many; while those say nothing yet, how many there are of those that it takes. */
export function keptIn30Days(slo: Pick<Slo, "current" | "total" | "needed">): string {
  if (slo.total > 0 && slo.current === null) return `Too few measurements yet (${slo.total} of ${slo.needed})`;
  return slo.total > 0 ? `${percent(slo.current)} of ${slo.total}` : "–";
}

export function burnOf(slo: Pick<Slo, "windows">, window: "1h" | "6h" | "3d"): string {
  const burn = slo.windows.find((one) => one.window === window)?.burn;
  return burn === null || burn === undefined ? "–" : `${burn}×`;
}

const WORST_FIRST = ["exhausted", "burning", "ok", "too_few", "no_data", "not_measured"];
export function worstFirst(slos: Slo[]): Slo[] {
  return [...slos].sort((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state) || a.domain.localeCompare(b.domain));
}
