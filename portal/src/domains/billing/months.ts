/** "2026-11", "2026-10", … beginning with the month of `now`, in UTC as bills are. */
export function monthsBack(now: Date, count: number): string[] {
  return Array.from({ length: count }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
}

export function monthName(month: string): string {
  const instant = new Date(`${month}-01T00:00:00Z`);
  if (Number.isNaN(instant.getTime())) return month;
  return instant.toLocaleDateString("en", { month: "long", year: "numeric", timeZone: "UTC" });
}
