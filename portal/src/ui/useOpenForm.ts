import { useSearchParam } from "./useSearchParam";

/** Whether the page's form is open, kept in the address: `?new=1` opens it from anywhere. */
export function useOpenForm(): [open: boolean, set: (open: boolean) => void] {
  const [value, set] = useSearchParam("new");
  return [value !== undefined, (open) => set(open ? "1" : undefined)];
}
