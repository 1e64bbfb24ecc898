"""Puts one thing into a file that is not Python, where its neighbours are."""

import re

from aifactory.generators.refusal import Refused


def with_noun(readme: str, line: str) -> str:
    """Behind the nouns that a domain's README explains; begins that chapter where there is none."""
    head, found, rest = readme.partition("\n## Nouns\n")
    if not found:
        return readme.rstrip("\n") + f"\n\n## Nouns\n\n{line}\n"
    nouns, chapter, after = rest.partition("\n## ")
    return f"{head}{found}{nouns.rstrip()}\n{line}\n{chapter}{after}"


def with_owned_path(described: str, path: str) -> str:
    """One more line in the `paths` of a domain.toml."""
    found = re.search(r"^paths = \[\n(?:.*\n)*?\]", described, re.MULTILINE)
    if not found:
        raise Refused("domain.toml has no `paths = [` with one path a line.")
    return described[: found.end() - 1] + f'  "{path}",\n' + described[found.end() - 1 :]


def with_expectations(expectations: str, domain: str, entries: str) -> str:
    """At the end of the domain's chapter; begins one at the end where there is none."""
    heading = f"# -------- {domain}\n"
    head, found, rest = expectations.partition(heading)
    if not found:
        return f"{expectations.rstrip()}\n\n{heading}\n{entries.rstrip()}\n"
    chapter, following, after = rest.partition("# -------- ")
    return f"{head}{heading}{chapter.rstrip()}\n\n{entries.rstrip()}\n" + (f"\n{following}{after}" if following else "")


def with_portal_type(types: str, name: str) -> str:
    line = f'export type {name} = Schemas["{name}View"];'
    if re.search(rf"^export (type|interface) {name}\b", types, re.MULTILINE):
        raise Refused(f"portal/src/api/types.ts has a {name} already. Choose another RESOURCE or NOUN.")
    return _before(types, "export type ProblemDetails", line + "\n", "portal/src/api/types.ts")


def with_portal_page(pages: str, domain: str, path: str) -> str:
    line = f'  own("/{path}", () => import("../domains/{domain}/{path}")),\n'
    return _before(pages, '  operator("/admin/nodes"', line, "portal/src/shell/pages.ts")


def with_portal_link(navigation: str, path: str, title: str) -> str:
    """In the section Run of the side navigation, and among the titles of the breadcrumbs."""
    linked, count = re.subn(
        r'(text: "Run", items: \[[^\]]*)\]', rf'\1, link("/{path}", "{title}")]', navigation, count=1
    )
    if not count:
        raise Refused('portal/src/shell/navigation.ts has no section `text: "Run", items: […]` in one line.')
    key = f'"{path}"' if "-" in path else path
    return _before(linked, "  admin: ", f'  {key}: "{title}",\n', "portal/src/shell/navigation.ts")


def with_line_sorted(lines: str, fresh: list[str]) -> str:
    return "\n".join(sorted({*lines.split(), *fresh})) + "\n"


def _before(text: str, mark: str, put: str, path: str) -> str:
    head, found, rest = text.partition(mark)
    if not found:
        raise Refused(f"{path} has no `{mark.strip()}` to put something in front of.")
    return head + put + found + rest
