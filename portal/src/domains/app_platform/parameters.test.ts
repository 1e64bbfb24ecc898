import { expect, it } from "vitest";
import type { AppParameter } from "../../api/types";
import { defaultsOf, isLong, valuesOf } from "./parameters";

const parameter = (type: string, extra = {}): AppParameter => ({ type, title: "", description: "", ...extra }) as AppParameter;
const app = { parameters: { text: parameter("string", { default: "x" }), count: parameter("integer", { default: 2 }), loud: parameter("boolean"), more: parameter("string") } };

it("begins with the app's defaults", () => expect(defaultsOf(app)).toEqual({ text: "x", count: "2", loud: false, more: "" }));
it("sends numbers as numbers and leaves out what is empty or not the app's", () =>
  expect(valuesOf(app, { text: "y", count: "3", loud: true, more: "", other: "z" })).toEqual({ text: "y", count: 3, loud: true }));
it("gives long texts room", () => {
  expect(isLong(parameter("string", { maxLength: 8000 }))).toBe(true);
  expect(isLong(parameter("string", { maxLength: 100 }))).toBe(false);
});
