import { describe, expect, it } from "vitest";
import { bytes, parseBytes } from "./size";

describe("sizes", () => {
  it("are shown in decimal units", () => expect([0, 999, 1_500, 5_000_000, 1_230_000_000, 2e12].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "5 MB", "1.23 GB", "2 TB"]));
  it("are read as they are written", () => expect(["500 MB", "10gb", " 2 TB "].map(parseBytes)).toEqual([5e8, 1e10, 2e12]));
  it("are not guessed", () => expect(["", "10", "0 GB", "-1 GB", "ten GB", "1.5 GB"].map(parseBytes)).toEqual(Array(6).fill(undefined)));
});
