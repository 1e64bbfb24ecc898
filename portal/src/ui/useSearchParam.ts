import { useCallback } from "react";
import { useNavigate, useSearch } from "@tanstack/react-router";

type Values = Record<string, string | undefined>;

/** What is kept in the address, so that a link to what you see can be shared. Setting changes only what is named. */
export function useSearchParams(): [values: Values, set: (change: Values) => void] {
  const search = useSearch({ strict: false }) as Values;
  const navigate = useNavigate();
  const set = useCallback(
    (change: Values) =>
      void navigate({
        to: ".",
        search: (previous: Record<string, unknown>) => ({ ...previous, ...change }) as never,
        replace: true,
        resetScroll: false, // what one reads stays where it is
      }),
    [navigate],
  );
  return [search, set];
}

/** One value of it. */
export function useSearchParam(name: string): [string | undefined, (value: string | undefined) => void] {
  const [search, set] = useSearchParams();
  const setOne = useCallback((value: string | undefined) => set({ [name]: value || undefined }), [set, name]);
  return [search[name], setOne];
}
