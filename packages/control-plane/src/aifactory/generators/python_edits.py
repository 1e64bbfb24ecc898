"""Puts one thing into a Python file where its neighbours are, found by syntax and never by line number."""

import ast
from collections.abc import Iterable

from aifactory.generators.refusal import Refused


def with_import(text: str, statement: str) -> str:
    """Behind the last import, or the docstring; sorting is the formatter's work."""
    body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    last = imports[-1] if imports else body[0] if body else None
    line = (last.end_lineno or 0) if last else 0
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:line], *([] if imports else ["\n"]), statement.rstrip() + "\n", *lines[line:]])


def with_public_names(text: str, names: Iterable[str]) -> str:
    found = _assigned(text, "__all__")
    if not isinstance(found, ast.List):
        raise Refused("facade.py has no `__all__ = [...]`. Add one: it says what the door opens to.")
    return _with_elements(text, found, [f'"{name}"' for name in names])


def with_element(text: str, name: str, element: str) -> str:
    """At the end of the tuple or list that is assigned to `name`."""
    found = _assigned(text, name)
    if not isinstance(found, ast.Tuple | ast.List):
        raise Refused(f"`{name}` is no tuple or list in brackets. Write it out, so that one can be added.")
    return _with_elements(text, found, [element])


def with_pair(text: str, name: str, pair: str) -> str:
    """At the end of the dict that is assigned to `name`."""
    found = _assigned(text, name)
    if not isinstance(found, ast.Dict) or not found.values:
        raise Refused(f"`{name}` is no dict with something in it. Write it out, so that one can be added.")
    return _inserted(text, _end(text, found.values[-1]), f",\n    {pair}")


def with_sorted_text(text: str, name: str, values: Iterable[str]) -> str:
    """Into the set of texts that is part of what is assigned to `name`, where the alphabet puts it."""
    for value in values:
        found = [node for node in ast.walk(_assigned(text, name)) if isinstance(node, ast.Set)]
        if not found:
            raise Refused(f"`{name}` has no set of texts to add {value!r} to.")
        later = [node for node in found[0].elts if isinstance(node, ast.Constant) and str(node.value) > value]
        at = _offset(text, later[0].lineno, later[0].col_offset) if later else _end(text, found[0].elts[-1])
        put = f'"{value}",\n' if later else f',\n"{value}"'
        text = text[:at] + put + text[at:]
    return text


def with_argument(text: str, call: str, keyword: str, element: str) -> str:
    """One more element in the tuple (or `key: value` in the dict) that `call` gets as `keyword`; begun when not there."""
    found = _call(text, call)
    given = next((one for one in found.keywords if one.arg == keyword), None)
    if given is None:
        last = (*found.args, *(one.value for one in found.keywords))[-1]
        begun = f"{{{element}}}" if ": " in element and keyword in ("permissions", "ports") else f"({element},)"
        return _inserted(text, _end(text, last), f",\n    {keyword}={begun}")
    if isinstance(given.value, ast.Dict):
        return _inserted(text, _end(text, given.value.values[-1]), f",\n        {element}")
    if isinstance(given.value, ast.Tuple):
        return _with_elements(text, given.value, [element])
    raise Refused(f"`{keyword}=` of {call} is not written out in brackets. Write it out, so that one can be added.")


def with_plain_argument(text: str, call: str, keyword: str, value: str) -> str:
    found = _call(text, call)
    last = (*found.args, *(one.value for one in found.keywords))[-1]
    return _inserted(text, _end(text, last), f",\n    {keyword}={value}")


def with_members(text: str, name: str, lines: Iterable[str]) -> str:
    """At the end of a class's body."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            rows = text.splitlines(keepends=True)
            end = node.end_lineno or node.lineno
            return "".join([*rows[:end], *(f"    {line}\n" for line in lines), *rows[end:]])
    raise Refused(f"There is no class {name}: was this resource made by `make new-route`, or in its shape?")


def with_function_before(text: str, name: str, code: str) -> str:
    """In front of the function `name`."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            rows = text.splitlines(keepends=True)
            return "".join([*rows[: node.lineno - 1], code.strip() + "\n\n\n", *rows[node.lineno - 1 :]])
    raise Refused(f"There is no function `{name}`: was this resource made by `make new-route`, or in its shape?")


def with_loop_element(text: str, function: str, element: str) -> str:
    """At the end of the tuple that the first loop of `function` goes over."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
            for loop in ast.walk(node):
                if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Tuple):
                    return _with_elements(text, loop.iter, [element])
    raise Refused(f"`{function}` has no loop over a tuple to add to.")


def defines(text: str, *names: str) -> bool:
    """Whether the module has all these names: its own functions, classes and constants, and what it imports."""
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {one.asname or one.name for one in node.names}
    return set(names) <= found


def imports_from(text: str, package: str) -> dict[str, list[str]]:
    """module below `package` -> the names that are imported from it."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(package + "."):
            found[node.module.removeprefix(package + ".")] = [one.name for one in node.names]
    return found


def _assigned(text: str, name: str) -> ast.expr:
    for node in ast.parse(text).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.expr) and any(isinstance(one, ast.Name) and one.id == name for one in targets):
            return value
    raise Refused(f"`{name} = …` was not found where it always is.")


def _call(text: str, name: str) -> ast.Call:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            return node
    raise Refused(f"There is no call of {name}(…) to add to.")


def _with_elements(text: str, found: ast.Tuple | ast.List, elements: Iterable[str]) -> str:
    """On a line of its own where the brackets have lines of their own; the formatter joins what fits into one."""
    joined, comma = ", ".join(elements), "," if isinstance(found, ast.Tuple) else ""
    if not found.elts:
        return _inserted(text, _offset(text, found.lineno, found.col_offset) + 1, joined + comma)
    last = found.elts[-1]
    between = ",\n    " if last.end_lineno != found.end_lineno else ", "
    has_comma = "," in text[_end(text, last) : _end(text, found)]
    return _inserted(text, _end(text, last), between + joined + ("" if has_comma else comma))


def _inserted(text: str, at: int, put: str) -> str:
    return text[:at] + put + text[at:]


def _end(text: str, node: ast.expr) -> int:
    return _offset(text, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _offset(text: str, line: int, column: int) -> int:
    """Syntax counts columns in bytes; texts are counted in characters."""
    rows = text.splitlines(keepends=True)
    return sum(map(len, rows[: line - 1])) + len(rows[line - 1].encode()[:column].decode())
