import { expect, test } from "vitest";
import { render } from "@testing-library/react";
import Markdown from "./Markdown";

const TEXT = "# A node is lost\n\nIts **agent** does `not` poll.\n\n1. Look at [the other](../../x/runbooks/y-z.md).\n2. Wait.\n\n<script>alert(1)</script>\n";

test("a runbook becomes headings, paragraphs and steps", () => {
  const { container } = render(<Markdown text={TEXT} hrefOf={(href) => `/to${href.replaceAll("..", "")}`} />);
  expect(container.querySelector("h2")?.textContent).toBe("A node is lost");
  expect(container.querySelectorAll("ol > li")).toHaveLength(2);
  expect(container.querySelector("strong")?.textContent).toBe("agent");
  expect(container.querySelector("code")?.textContent).toBe("not");
  expect(container.querySelector("a")?.getAttribute("href")).toContain("/to");
});

test("markup in the text is shown, not run, and a link without a place is plain text", () => {
  const { container } = render(<Markdown text={TEXT} />);
  expect(container.querySelector("script")).toBeNull();
  expect(container.textContent).toContain("<script>alert(1)</script>");
  expect(container.querySelector("a")).toBeNull();
});
