import { expect, test } from "vitest";
import { quantity, scaleOf } from "./units";

const shown = (value: number, unit: string) => {
  const scale = scaleOf(value, unit);
  return quantity(value / scale.per, scale);
};

test("bytes are written with the prefix that people read", () => {
  expect(shown(0, "By")).toBe("0 B");
  expect(shown(1536, "By/s")).toBe("1.5 KiB/s");
  expect(shown(3 * 1024 ** 3, "By")).toBe("3 GiB");
});

test("shares are percent, cores and degrees keep their unit", () => {
  expect(shown(0.37, "1")).toBe("37 %");
  expect(shown(0.987, "{cpu}")).toBe("0.99 CPU");
  expect(shown(61, "Cel")).toBe("61 °C");
});

test("one scale holds for a whole chart, so that a small line is read in the unit of the large one", () => {
  const scale = scaleOf(1024 ** 3, "By");
  expect(quantity((25 * 1024 ** 2) / scale.per, scale)).toBe("0.02 GiB");
});

test("an idle chart still has a height, and a busy one some air", () => {
  expect(scaleOf(0, "{cpu}").top).toBe(1);
  expect(scaleOf(0.1, "1").top).toBe(100);
  expect(scaleOf(100, "W").top).toBeCloseTo(110);
});
