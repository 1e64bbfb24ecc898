const PREFIXES = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
const WORDS: Record<string, string> = { "{cpu}": "CPU", W: "W", Cel: "°C" };

/** How a chart of values up to `most` is drawn: what each is divided by, so that its ticks are round, and the unit then. */
export interface Scale { per: number; unit: string; top: number }

/** Of a UCUM unit (as OpenTelemetry has them): bytes by powers of 1024, shares as percent, the rest as it is. */
export function scaleOf(most: number, unit: string): Scale {
  const { per, word } = unit === "1" ? { per: 0.01, word: "%" } : unit.startsWith("By") ? bytes(most, unit) : { per: 1, word: WORDS[unit] ?? unit };
  // A little air above the largest value, and never a chart without height.
  const least = unit === "1" ? 100 : 1;
  return { per, unit: word, top: Math.max(least, (most / per) * 1.1) };
}

function bytes(most: number, unit: string) {
  const power = most < 1 ? 0 : Math.min(PREFIXES.length - 1, Math.floor(Math.log(most) / Math.log(1024)));
  return { per: 1024 ** power, word: `${PREFIXES[power]}B${unit.slice(2)}` };
}

/** A value that was divided by its scale, as people write it. */
export function quantity(value: number, scale: Scale): string {
  return `${Number(value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0))} ${scale.unit}`;
}
