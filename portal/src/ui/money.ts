import type { Money } from "../api/types";

// Exact decimal arithmetic with nine places, as in the ledger. A float never touches an amount.
const PLACES = 9;
const SCALE = 10n ** BigInt(PLACES);

export function toNano(amount: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount.trim());
  if (!match) throw new Error(`not a decimal amount: ${amount}`);
  const [, sign, whole = "0", fraction = ""] = match;
  const value = BigInt(whole) * SCALE + BigInt(fraction.slice(0, PLACES).padEnd(PLACES, "0"));
  return sign ? -value : value;
}

export function fromNano(value: bigint): string {
  const positive = value < 0n ? -value : value;
  const fraction = (positive % SCALE).toString().padStart(PLACES, "0").replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${positive / SCALE}${fraction ? `.${fraction}` : ""}`;
}

/** Price per hour × seconds, in the ledger's nine places, rounded half to even. */
export function costOf(pricePerHour: string, seconds: number): string {
  const product = toNano(pricePerHour) * BigInt(Math.max(0, Math.floor(seconds)));
  return fromNano(divideHalfEven(product, 3600n));
}

export function times(amount: string, factor: number): string {
  return fromNano(divideHalfEven(toNano(amount) * BigInt(Math.round(factor * 1000)), 1000n));
}

export function plus(left: string, right: string): string {
  return fromNano(toNano(left) + toNano(right));
}

export function isLess(left: Money, right: Money): boolean {
  return toNano(left.amount) < toNano(right.amount);
}

function divideHalfEven(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  const doubled = (value % by) * 2n;
  if (doubled < by) return quotient;
  if (doubled > by) return quotient + 1n;
  return quotient % 2n === 0n ? quotient : quotient + 1n;
}

/** "€0.12"; `places` shows that many decimals, otherwise the currency's own (more only when the amount has more). */
export function formatMoney(money: Money, places?: number): string {
  const digits = places === undefined ? {} : { minimumFractionDigits: places, maximumFractionDigits: places };
  const format = new Intl.NumberFormat("en", { style: "currency", currency: money.currency, ...digits });
  const significant = fromNano(toNano(money.amount));
  const fraction = significant.split(".")[1]?.length ?? 0;
  const own = format.resolvedOptions().maximumFractionDigits ?? 2;
  // A decimal string keeps every digit; only TypeScript's older signature insists on a number.
  if (places !== undefined || fraction <= own) return format.format(significant as unknown as number);
  return new Intl.NumberFormat("en", {
    style: "currency", currency: money.currency, minimumFractionDigits: fraction, maximumFractionDigits: fraction,
  }).format(significant as unknown as number);
}
