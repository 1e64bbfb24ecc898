import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ProblemError } from "../api/problem";
import { BulkDialog } from "./BulkDialog";
import { no, yes } from "./Can";

const three = ["one", "two", "three"].map((name) => ({ id: name, name }));
const busy = new ProblemError({ type: "about:blank", status: 409, code: "busy", title: "In use", detail: "It is attached.", todo: "Release it first." });

function open(act: (item: { id: string }) => Promise<unknown>, more: object = {}) {
  const onClose = vi.fn();
  render(<BulkDialog action="Delete" noun="volume" done="deleted" items={three} act={act} onClose={onClose} {...more}>All data is lost.</BulkDialog>);
  return onClose;
}
const type = (text: string) => fireEvent.change(screen.getByPlaceholderText(text), { target: { value: text } });
const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

afterEach(cleanup);

describe("one action on several things", () => {
  it("goes on after a failure, says what failed and why, and tries again only that", async () => {
    const tried: string[] = [];
    const onClose = open(async ({ id }) => { tried.push(id); if (id === "two" && tried.length < 4) throw busy; });
    type("3 volumes");
    press("Delete");
    await screen.findByText("It is attached. Release it first.");
    await waitFor(() => expect(screen.getAllByText("Deleted")).toHaveLength(2));
    expect(onClose).not.toHaveBeenCalled();
    press("Try again (1)");
    await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
    expect(tried).toEqual(["one", "two", "three", "two"]);
  });
  it("leaves out what it cannot be done to, and says so", async () => {
    const tried: string[] = [];
    const onClose = open(async ({ id }) => { tried.push(id); }, { can: ({ id }: { id: string }) => (id === "one" ? no("It is attached to a machine.") : yes), harmless: true });
    expect(screen.getByText("It is attached to a machine.")).toBeTruthy();
    press("Delete");
    await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
    expect(tried).toEqual(["two", "three"]);
  });
  it("asks for the name before anything that is for good", () => {
    const act = vi.fn(async () => undefined);
    open(act, { items: three.slice(0, 1) });
    press("Delete");
    expect(act).not.toHaveBeenCalled();
    expect(screen.getByText("Delete volume one?")).toBeTruthy();
  });
});
