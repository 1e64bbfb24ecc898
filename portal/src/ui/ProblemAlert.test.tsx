import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fieldError, ProblemError } from "../api/problem";
import { ProblemAlert } from "./ProblemAlert";

const refused = new ProblemError({
  type: "x", status: 409, code: "quota_exceeded", title: "The quota is used up", detail: "4 of 4 allocations run.",
  todo: "Release one.", request_id: "req_1", errors: [{ field: "body.name", code: "taken", detail: "This name is taken." }],
});

describe("a problem", () => {
  it("is shown with its reason, what to do and the reference", () => {
    render(<ProblemAlert error={refused} doing="Not launched" />);
    for (const text of [/Not launched: The quota is used up/, /4 of 4 allocations run/, /Release one/, /req_1/]) {
      expect(screen.getByText(text)).toBeTruthy();
    }
  });
  it("stands at the field it belongs to", () => {
    expect(fieldError(refused, "name")).toBe("This name is taken.");
    expect(fieldError(refused, "sku")).toBeUndefined();
  });
  it("is nothing when there is none", () => {
    expect(render(<ProblemAlert error={null} />).container.textContent).toBe("");
  });
});
