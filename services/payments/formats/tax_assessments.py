"""The bureau's batch of assessments (protocols §3.2): our lines ↔ its JSON, under the names that its settings give.

    push      {"cspch", "gryzmx": {count, date}, "insertGryzmxGrid": [line], "deleteGryzmxGrid": [line]}
    results   {"returnCode", "returnMsg", "results": [{xh, dqjglxDm, errorMsg}]}

A grid may come as one object where it has one element (the same trap as `v`): both are read.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..rules.tax_assessments import TaxLineKind
from .tax_envelope import elements

FIELDS: Mapping[str, str] = {
    "batch_no": "cspch",
    "summary": "gryzmx",
    "saves": "insertGryzmxGrid",
    "cancels": "deleteGryzmxGrid",
    "line_no": "xh",
    "bill_no": "sbYzXh",
    "version": "sbYzmxXh",
    "agency": "sbjbjgDm",
    "unit": "dwbh",
    "person": "grbh",
    "insurance": "xzlxDm",
    "item": "zsxmDm",
    "sub_item": "zspmDm",
    "detail_item": "zszmDm",
    "amount": "yjje",
    "period_from": "sfssqQsrq",
    "period_to": "sfssqZzrq",
    "due": "jkQx",
    "code": "returnCode",
    "message": "returnMsg",
    "results": "results",
    "result": "dqjglxDm",
    "error": "errorMsg",
    "echo": "fkxx",
}
"""Our names and the bureau's."""

_LINE_NO = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class AssessmentLine:
    """A bill as the bureau is told of it."""

    line_no: int
    kind: TaxLineKind
    bill_no: str
    version: int
    unit: str
    person: str
    amount_fen: int
    due: date
    period: tuple[date, date] | None


@dataclass(frozen=True)
class LineResult:
    """What the bureau says of a line; `kept` None: it has not looked at it yet."""

    line_no: int
    kept: bool | None
    reason: str


@dataclass(frozen=True)
class BatchResult:
    """What the bureau says of a batch."""

    code: str
    message: str
    lines: Sequence[LineResult]
    bad_line: int | None = None
    """The line for which it refuses the whole."""


class AssessmentWire:
    """Writes and reads under the names of one bureau."""

    def __init__(
        self, constants: Mapping[str, str], fields: Mapping[str, str], kept: frozenset[str], waiting: frozenset[str]
    ) -> None:
        """`constants`: agency, insurance and item codes; `fields`: names that differ from `FIELDS`; `kept`, `waiting`:
        values of the result. Raises ValueError for a name that we do not have."""
        if unknown := set(fields) - set(FIELDS):
            raise ValueError(f"no field of an assessment is called {', '.join(sorted(unknown))}")
        self._constants, self._kept, self._waiting = constants, kept, waiting
        self._names = {**FIELDS, **fields}

    def write(self, batch_no: str, day: date, lines: Sequence[AssessmentLine]) -> bytes:
        """A batch; the same lines give the same bytes."""
        grids = {
            grid: [self._line(line) for line in lines if line.kind is kind]
            for grid, kind in (("saves", TaxLineKind.SAVE), ("cancels", TaxLineKind.CANCEL))
        }
        summary = {"count": len(lines), "date": f"{day}"}
        whole = {"batch_no": batch_no, "summary": summary, **grids}
        return json.dumps(self._named(whole), ensure_ascii=False, separators=(",", ":")).encode()

    def ask(self, batch_no: str) -> bytes:
        """The question for a batch's results."""
        return json.dumps(self._named({"batch_no": batch_no, "agency": self._constants.get("agency", "")})).encode()

    def read(self, raw: bytes) -> BatchResult:
        """What the bureau says. Raises ValueError for what is not its answer."""
        try:
            return self._read(json.loads(raw))
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("not an answer about a batch") from error

    def _read(self, data: Any) -> BatchResult:
        if not isinstance(data, dict):
            raise ValueError("an answer is an object")  # noqa: TRY004 -- of the bytes
        names = self._names
        lines = list(self._results(elements(data.get(names["results"]))))
        echo = data.get(names["echo"])
        bad = _line_no(echo[names["line_no"]]) if isinstance(echo, dict) and names["line_no"] in echo else None
        return BatchResult(str(data.get(names["code"], "")), str(data.get(names["message"], "")), lines, bad)

    def _results(self, found: Iterable[Any]) -> Iterable[LineResult]:
        names = self._names
        for each in found:
            if not isinstance(each, dict):
                raise ValueError("a result is an object")  # noqa: TRY004 -- of the bytes
            result = str(each.get(names["result"], ""))
            kept = None if result in self._waiting else result in self._kept
            yield LineResult(_line_no(each[names["line_no"]]), kept, str(each.get(names["error"]) or result))

    def _line(self, line: AssessmentLine) -> dict[str, Any]:
        period = line.period or ("", "")
        return self._named(
            {
                "line_no": line.line_no,
                "bill_no": line.bill_no,
                "version": f"{line.bill_no}-{line.version}",
                "unit": line.unit,
                "person": line.person,
                **self._constants,
                "amount": f"{line.amount_fen // 100}.{line.amount_fen % 100:02d}",
                "period_from": f"{period[0]}",
                "period_to": f"{period[1]}",
                "due": f"{line.due}",
            }
        )

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self._names[name]: value for name, value in values.items()}


def _line_no(value: Any) -> int:
    """A line's number, which comes as a number or as a text."""
    text = str(value)
    if not _LINE_NO.fullmatch(text):
        raise ValueError("a line is named by its number")
    return int(text)
