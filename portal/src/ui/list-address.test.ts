import { describe, expect, it } from "vitest";
import { filterChange, pageChange, sortChange, viewOf } from "./list-address";

describe("a list in the address", () => {
  it("is filtered, sorted and turned to a page", () => {
    expect(viewOf({ filter: "state=active", sort: "-created", page: "3" })).toEqual({
      filter: { operation: "and", tokens: [{ propertyKey: "__state", operator: "=", value: "active" }] },
      sort: { column: "created", descending: true }, page: 3,
    });
  });
  it("takes nonsense as nothing", () => {
    for (const page of ["0", "-1", "1e3", "2.5", "999999", "x"]) expect(viewOf({ page }).page).toBe(1);
    for (const sort of ["", "-", "a b", "--x", "<script>"]) expect(viewOf({ sort }).sort).toBeNull();
  });
  it("is written as it is read", () => {
    expect(sortChange({ sortingColumn: { sortingField: "__created" }, isDescending: true })).toEqual({ sort: "-created", page: undefined });
    expect(sortChange({ sortingColumn: { sortingField: "__name" } })).toEqual({ sort: "name", page: undefined });
    expect([pageChange(1), pageChange(4)]).toEqual([{ page: undefined }, { page: "4" }]);
  });
  it("begins at the first page with another filter", () => {
    expect(filterChange({ operation: "and", tokens: [{ operator: ":", value: "train" }] })).toEqual({ filter: ":train", page: undefined });
  });
});
