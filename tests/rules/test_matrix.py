"""The matrix is whole: every rule and reading is shown, has nothing to do with software, or is named as due."""

import ast
from collections.abc import Iterator

from tests.rules.cases import ROOT, cases, ids, statements, unshown

DECIDING = {"ELG", "PAY"}
"""Who may join, what is due, who pays, when, from when cover runs: of such a rule at most a rest is due."""


def marked() -> Iterator[str]:
    """Every id in a mark `pytest.mark.rule(…)` of the tests, read from their source."""
    for path in sorted((ROOT / "tests").glob("**/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                yield from (str(ast.literal_eval(one)) for one in node.args if isinstance(one, ast.Constant))


def shown() -> set[str]:
    """Every id that some case shows."""
    of_cases = {one for case in cases() for one in case.shows} | {one for said in statements() for one in said.shows}
    return of_cases.union(marked())


def test_it_has_every_rule_and_reading():
    assert len(ids()["rules"]) == 208
    assert len(set(ids()["readings"])) == 82
    listed = {*ids()["rules"], *ids()["readings"]}
    assert sorted(listed - shown() - unshown()["exempt"].keys() - unshown()["due"].keys()) == []


def test_it_names_nothing_that_no_notice_has():
    listed = {*ids()["rules"], *ids()["readings"]}
    assert sorted(one for one in {*shown(), *unshown()["exempt"], *unshown()["due"]} if one not in listed) == []


def test_software_has_a_part_in_everything_but_the_work_of_people():
    tags = ids()["rules"]
    assert [one for one in unshown()["exempt"] if tags[one] != ["OPS"]] == []
    assert sorted(unshown()["exempt"].keys() & (shown() | unshown()["due"].keys())) == []
    assert all(text.strip() for kind in unshown().values() for text in kind.values())


def test_what_decides_is_shown():
    tags = ids()["rules"]
    deciding = {rule for rule in tags if DECIDING.intersection(tags[rule])}
    assert sorted(deciding - shown()) == []


def test_every_scheme_has_its_cases():
    schemes = {case.scheme for case in cases()}
    assert schemes == {path.stem for path in (ROOT / "services/registration/packages").glob("*.yaml")}
    names = [case.name for case in cases()] + [said.name for said in statements()]
    assert len(names) == len(set(names))
