"""The matrix (`make rules`): which case shows which rule, and what is still due.

A test shows rules by the mark `rule("S004-24", "A004-3")`: the cases of the files here carry it, other tests where they
truly show one. This is the command that runs exactly these and counts them as they run.
It fails where a case fails, and where a rule or reading has neither a case nor a word in `unshown.yaml`.
"""

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from tests.rules.cases import ROOT, ids, unshown

OUT = ROOT / "out"
UNSHOWN = "tests/rules/unshown.yaml"
SHOWS = "shows"


@dataclass
class Row:
    """What stands for one rule or reading."""

    rule: str
    cases: int = 0
    passed: int = 0
    places: set[str] = field(default_factory=set)

    @property
    def exempt(self) -> str | None:
        """Why software has no part in it."""
        return unshown()["exempt"].get(self.rule)

    @property
    def due(self) -> str | None:
        """What is still to be built."""
        return unshown()["due"].get(self.rule)

    @property
    def fault(self) -> str | None:
        """What is wrong with the row."""
        if self.passed < self.cases:
            return f"{self.cases - self.passed} 例未通过 failed"
        return None if self.cases or self.exempt or self.due else "没有出处 not shown"

    def written(self) -> dict[str, Any]:
        """The row as outsiders read it."""
        places = sorted(self.places) or [UNSHOWN]
        counted = {"rule": self.rule, "cases": self.cases, "passed": self.passed, "where": "; ".join(places)}
        return counted | {"exempt": self.exempt, "due": self.due}


class Matrix:
    """Counts what each test shows, by the reports of one run."""

    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {}
        self._passed: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test shows and whether it passed; under xdist the reports come from the workers."""
        shows = [rule for name, rules in report.user_properties if name == SHOWS for rule in str(rules).split()]
        self._shown[report.nodeid] = shows
        if report.when == "call" or not report.passed:
            self._passed[report.nodeid] = report.passed and self._passed.get(report.nodeid, True)

    def rows(self) -> dict[str, Row]:
        """The row of every rule and reading. Raises KeyError for an id that no notice has."""
        rows = {one: Row(one) for one in (*ids()["rules"], *ids()["readings"])}
        for test, shows in self._shown.items():
            for rule in shows:
                row = rows[rule]
                row.cases += 1
                row.passed += self._passed.get(test, False)
                row.places.add(_place(test))
        return rows


def write_matrix(rows: dict[str, Row]) -> None:
    """Write the rows of the rules and those of the readings."""
    OUT.mkdir(exist_ok=True)
    for name, listed in (("rules", "rules"), ("ambiguities", "readings")):
        text = json.dumps([rows[one].written() for one in ids()[listed]], ensure_ascii=False, indent=1)
        (OUT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def print_matrix(rows: dict[str, Row]) -> None:
    """The matrix as tables, one a notice, and what is wrong at the end."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print()
    tables: dict[str, list[Row]] = defaultdict(list)
    for row in rows.values():
        tables[row.rule.rsplit("-", 1)[0]].append(row)
    for name, listed in tables.items():
        console.print(_table(name, listed))
    for kind, of in (("规则 rules", "rules"), ("解读 readings", "readings")):
        mine = [rows[one] for one in ids()[of]]
        shown = sum(row.cases > 0 for row in mine)
        exempt = sum(row.exempt is not None for row in mine)
        due = sum(row.due is not None for row in mine)
        console.print(f"{kind}: {len(mine)} · 有例 shown {shown} · 无须软件 exempt {exempt} · 待建 due {due}")
    for row in rows.values():
        if row.fault:
            console.print(f"[red]{row.rule}: {row.fault}")


def _table(name: str, rows: list[Row]) -> Table:
    table = Table(title=name, title_justify="left", header_style="bold")
    table.add_column("编号 id", no_wrap=True)
    table.add_column("例 cases", justify="right", no_wrap=True)
    table.add_column("过 passed", justify="right", no_wrap=True)
    table.add_column("出处 where · 无须软件 exempt · 待建 due", overflow="fold")
    for row in rows:
        said = [", ".join(sorted(row.places))]
        said += [f"无须软件：{row.exempt}"] if row.exempt else []
        said += [f"待建：{row.due}"] if row.due else []
        colour = "red" if row.fault else ("yellow" if row.due else "")
        counted = (str(row.cases or ""), str(row.passed or "") if row.cases else "")
        table.add_row(row.rule, *counted, " · ".join(filter(None, said)) or str(row.fault), style=colour)
    return table


def _place(test: str) -> str:
    """Where a test stands: a case in the file of its scheme, another test in its module."""
    module, _, name = test.partition("::")
    if module != "tests/rules/test_cases.py":
        return module
    scheme = "-".join(name.partition("[")[2].split("-")[:2])
    return f"tests/rules/{scheme}.yaml"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the report of a test tell what it shows; a worker of xdist loads this module for it."""
    shows = [rule for mark in item.iter_markers("rule") for rule in mark.args]
    if shows:
        item.user_properties.append((SHOWS, " ".join(shows)))


def main(arguments: list[str]) -> int:
    """Run every test that shows a rule, write and print the matrix; 0 only where it is whole and all passed."""
    matrix = Matrix()
    status = pytest.main(["-n", "auto", "-m", "rule", "-p", "tests.rules.matrix", *arguments], plugins=[matrix])
    rows = matrix.rows()
    write_matrix(rows)
    print_matrix(rows)
    return int(status) or int(any(row.fault for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
