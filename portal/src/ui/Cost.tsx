import { useEffect, useState } from "react";
import type { Allocation, Money } from "../api/types";
import { costOf, formatMoney, plus } from "./money";

interface CostProps { value: Money | null | undefined; per?: "hour"; places?: number }

/** An amount of money, exact as the API sent it. */
export function Cost({ value, per, places }: CostProps) {
  if (!value) return <span>–</span>;
  return (
    <span className="cost" title={`${value.amount} ${value.currency}${per ? ` per ${per}` : ""}`}>
      {formatMoney(value, places)}
      {per && <span className="cost-per"> per {per}</span>}
    </span>
  );
}

/** Seconds since this moment, moving on by itself while `moving`. */
export function useSecondsSince(moving: boolean, origin: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!moving) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [moving, origin]);
  return Math.max(0, Math.floor((now - origin) / 1_000));
}

/** What an allocation has cost so far. Between two answers of the API it goes on by the price, second by second. */
export function RunningCost({ allocation, asOf }: { allocation: Allocation; asOf: number }) {
  const billing = allocation.state === "active" && !allocation.release_requested_at;
  const seconds = useSecondsSince(billing, asOf);
  const known = allocation.running_cost;
  if (!known) return <span>{allocation.activated_at ? "On the statement" : "Nothing"}</span>;
  if (!billing) return <Cost value={known} />;
  const amount = plus(known.amount, costOf(allocation.price.amount, seconds));
  return <Cost value={{ amount, currency: known.currency }} places={4} />;
}
