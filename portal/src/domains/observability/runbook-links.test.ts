import { expect, test } from "vitest";
import { runbookHref } from "./runbook-links";

test("a runbook is found by its path, its address, and by links between runbooks", () => {
  expect(runbookHref("packages/control-plane/src/aifactory/domains/billing/runbooks/books-do-not-balance.md")).toBe("/admin/runbooks/billing/books-do-not-balance");
  expect(runbookHref("/api/v3/runbooks/iam/key-leaked")).toBe("/admin/runbooks/iam/key-leaked");
  expect(runbookHref("../../platform_control/runbooks/flow-stuck.md")).toBe("/admin/runbooks/platform_control/flow-stuck");
  expect(runbookHref("process-silent.md", "platform_control")).toBe("/admin/runbooks/platform_control/process-silent");
});

test("what is no runbook leads nowhere", () => {
  expect(runbookHref(null)).toBeUndefined();
  expect(runbookHref("https://elsewhere.example")).toBeUndefined();
});
