const UNITS = [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const;

/** Bytes for people, in decimal units as disks and bills have them. */
export function bytes(count: number): string {
  for (const [unit, size] of UNITS) {
    if (count >= size) return `${Number((count / size).toPrecision(3))} ${unit}`;
  }
  return `${count} B`;
}

/** "500 MB" as bytes, or undefined when it is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*(\d{1,6})\s*(MB|GB|TB)\s*$/i.exec(text);
  const unit = UNITS.find(([name]) => name === match?.[2]?.toUpperCase());
  return match && unit && Number(match[1]) > 0 ? Number(match[1]) * unit[1] : undefined;
}
