"""One thing is put where its neighbours are, whatever form they have."""

import ast

import pytest

from aifactory.generators import python_edits as python
from aifactory.generators import text_edits as texts
from aifactory.generators.refusal import Refused

CALL = 'M = Manifest("ä", routers=(a.router,), permissions={"a.read": "see"}, flows=FLOWS)  # ü\n'


def argument(text: str, name: str) -> str:
    call = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return ast.unparse(next(one.value for one in call.keywords if one.arg == name))


def test_elements_and_pairs_join_what_a_call_is_given():
    text = python.with_argument(CALL, "Manifest", "routers", "b.router")
    text = python.with_argument(text, "Manifest", "permissions", '"b.read": "look"')
    assert argument(text, "routers") == "(a.router, b.router)"
    assert argument(text, "permissions") == "{'a.read': 'see', 'b.read': 'look'}"


def test_what_a_call_is_not_given_yet_is_begun():
    text = python.with_argument(CALL, "Manifest", "schedules", "EACH_HOUR")
    assert argument(python.with_argument(text, "Manifest", "ports", "A: make"), "ports") == "{A: make}"
    assert argument(text, "schedules") == "(EACH_HOUR,)"


def test_what_is_not_written_out_is_refused():
    with pytest.raises(Refused, match="Write it out"):
        python.with_argument(CALL, "Manifest", "flows", "Another")


@pytest.mark.parametrize("before", ["()", "(1,)", "(1, 2)", "(\n    1,\n    2,\n)", "[1]", "[]"])
def test_elements_join_a_tuple_or_list_of_any_form(before):
    text = python.with_element(f"THINGS = {before}\n", "THINGS", "9")
    assert list(ast.literal_eval(text.removeprefix("THINGS = "))) == [*ast.literal_eval(before), 9]


def test_texts_find_their_place_in_the_alphabet():
    text = 'SEE = frozenset(\n    {\n        "b",\n        "d",\n    }\n)\n'
    found = python.with_sorted_text(python.with_sorted_text(text, "SEE", ["c", "a"]), "SEE", ["z"])
    assert [line.strip(' ",') for line in found.splitlines() if '"' in line] == ["a", "b", "c", "d", "z"]
    ast.parse(found)


def test_imports_come_behind_the_others_or_the_docstring():
    assert python.with_import('"""Says."""\nX = 1\n', "import a").splitlines()[:3] == ['"""Says."""', "", "import a"]
    assert python.with_import("import b\nX = 1\n", "import a").splitlines()[:2] == ["import b", "import a"]


def test_a_chapter_of_expectations_is_begun_or_continued():
    text = "[groups]\n\n# -------- a\n\n[[route]]\nroute = 1\n\n# -------- b\n\n[[route]]\nroute = 2\n"
    inside = texts.with_expectations(text, "a", "[[route]]\nroute = 3\n")
    assert (
        inside.index("route = 1") < inside.index("route = 3") < inside.index("# -------- b") < inside.index("route = 2")
    )
    assert texts.with_expectations(text, "c", "[[route]]\nroute = 4\n").endswith(
        "# -------- c\n\n[[route]]\nroute = 4\n"
    )
