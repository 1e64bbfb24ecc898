import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { afterEach, describe, expect, it } from "vitest";
import type { ListState } from "../api/list";
import { EmptyState } from "./EmptyState";
import { ListPage, type Column } from "./ListPage";

interface Thing { id: string; name: string; size: number }
const things = Array.from({ length: 25 }, (_, n): Thing => ({ id: `t${n}`, name: `thing-${String(n).padStart(2, "0")}`, size: n }));
const list: ListState<Thing> = { items: things, isPending: false, error: null, hasMore: false, updatedAt: 0, loadMore: () => undefined, refresh: () => undefined };
const columns: Column<Thing>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (thing) => thing.name, cell: (thing) => thing.name },
  { id: "size", header: "Size", value: (thing) => thing.size, cell: (thing) => thing.size },
];

async function openAt(address: string) {
  const Page = () => <ListPage<Thing> title="Things" noun="things" variant="container" list={list} columns={columns} itemKey={({ id }) => id} empty={<EmptyState title="None">None.</EmptyState>} />;
  const router = createRouter({
    routeTree: createRootRoute({ component: Page }), history: createMemoryHistory({ initialEntries: [address] }),
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)), stringifySearch: (search) => `?${new URLSearchParams(JSON.parse(JSON.stringify(search)) as Record<string, string>)}`,
  });
  await router.load();
  render(<RouterProvider router={router as never} />);
  await screen.findAllByText(/^thing-\d\d$/);
  return router;
}
const firstRow = () => screen.getAllByText(/^thing-\d\d$/)[0]?.textContent;

afterEach(cleanup);

describe("a list", () => {
  it("opens as the address says: order, page and filter", async () => {
    await openAt("/?sort=-name&page=2");
    expect(firstRow()).toBe("thing-04");
    cleanup();
    await openAt("/?filter=size%3D7&sort=-name");
    expect(screen.getAllByText(/^thing-\d\d$/).map((cell) => cell.textContent)).toEqual(["thing-07"]);
  });
  it("takes an order and a page that it does not have as none", async () => {
    await openAt("/?sort=-colour&page=77");
    expect(firstRow()).toBe("thing-00");
  });
  it("writes its order and page into the address, and a new order begins at the first page", async () => {
    const router = await openAt("/?page=2");
    fireEvent.click(screen.getByText("Size"));
    await waitFor(() => expect(router.state.location.search).toEqual({ sort: "size" }));
    fireEvent.click(screen.getByText("Size"));
    await waitFor(() => expect(router.state.location.search).toEqual({ sort: "-size" }));
    expect(firstRow()).toBe("thing-24");
    fireEvent.click(screen.getAllByRole("button", { name: "2" })[0]!);
    await waitFor(() => expect(router.state.location.search).toEqual({ sort: "-size", page: "2" }));
  });
  it("follows the address when one goes back", async () => {
    const router = await openAt("/?sort=name");
    await router.navigate({ to: "/", search: { sort: "-name" } as never });
    await waitFor(() => expect(firstRow()).toBe("thing-24"));
    router.history.back();
    await waitFor(() => expect(firstRow()).toBe("thing-00"));
  });
});
