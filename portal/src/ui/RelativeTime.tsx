import { useEffect, useState } from "react";

const STEPS: [limitSeconds: number, perSeconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, 1, "second"], [3_600, 60, "minute"], [86_400, 3_600, "hour"], [2_592_000, 86_400, "day"],
  [31_536_000, 2_592_000, "month"], [Number.POSITIVE_INFINITY, 31_536_000, "year"],
];
const EVERY_10_SECONDS = 10_000;
const CLOCKS_DIFFER_MS = 5_000;
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function relativeTime(instant: Date, now: Date): string {
  const seconds = Math.round((instant.getTime() - now.getTime()) / 1_000);
  const [, per, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? STEPS[5]!;
  return words.format(Math.trunc(seconds / per), unit);
}

/** "3 minutes ago", with the exact time on hover and for machines. */
export function RelativeTime({ at, never = "–" }: { at: string | null | undefined; never?: string }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), EVERY_10_SECONDS);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span>{never}</span>;
  const instant = new Date(at);
  return <time dateTime={at} title={exactTime(at)}>{relativeTime(instant, presentFor(instant))}</time>;
}

/** "22 Nov 07:40:45": for places where the second matters; UTC, as bills are. */
export function ExactMoment({ at }: { at: string }) {
  const text = new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });
  return <time className="moment" dateTime={at} title={exactTime(at)}>{text.replace(",", "")}</time>;
}

/** The present. What happened moments "after" it happened now: the server's clock and this one differ a little. */
function presentFor(instant: Date): Date {
  const ahead = instant.getTime() - Date.now();
  return ahead > 0 && ahead < CLOCKS_DIFFER_MS ? instant : new Date();
}

export function exactTime(at: string): string {
  return `${at.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, "")} UTC`;
}

/** 75 → "1 min 15 s" */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}
