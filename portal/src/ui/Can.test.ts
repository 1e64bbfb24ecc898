import { describe, expect, it } from "vitest";
import { canAny, no, yes } from "./Can";

const can = (word: string) => (word === "fine" ? yes : no(`${word} cannot.`));

describe("an action on what is selected", () => {
  it("needs something selected", () => expect(canAny([], can, "volume")).toEqual(no("Select at least one volume in the list first.")));
  it("is possible when it is for one of them", () => expect(canAny(["other", "fine"], can, "volume")).toEqual(yes));
  it("says why not when it is for none", () => expect(canAny(["this", "that"], can, "volume")).toEqual(no("this cannot.")));
});
