"""Rosters (花名册) as villages and schools hand them in: rows of a sheet → values, or what is wrong with a row.

A village's roster names household and head, a school's the class; both name the person, where the person belongs,
and whether they join anew (新参) or again (续保). The column 性别 is required but not read: the register knows it from
the number. The columns 居住证, 原参保制度, 断缴年数 and 已补缴年数 may be absent: only some notices go by them.
A row that cannot be read goes back with every fault named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared import sheets
from shared.identity import NumberFault, mask_number, normal_name, read_resident_number
from shared.regions import is_region
from shared.sheets import Sheet, SheetRow

from ..rules import EnrolmentKind

_COLUMNS = ("姓名", "身份证号", "性别", "户籍地代码", "居住地代码", "参保方式")
_UNIT_COLUMNS = {"village": ("户号", "户主", *_COLUMNS), "school": ("班级", *_COLUMNS), "institution": _COLUMNS}
_PERMITS = {"": False, "否": False, "是": True}
_FORMER: dict[str, Literal["urban", "nrcms"] | None] = {"": None, "城镇": "urban", "新农合": "nrcms"}
_YEARS = frozenset(str(years) for years in range(100)) | {""}
_KINDS = {"新参": EnrolmentKind.NEW, "续保": EnrolmentKind.RENEWAL}


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person on a roster. `household_no` is the village's own number of the household, or empty."""

    row: int
    name: str
    number: str
    hukou: str
    residence: str
    kind: EnrolmentKind
    household_no: str
    residence_permit: bool = False
    former_scheme: Literal["urban", "nrcms"] | None = None
    missed_years: int = 0
    repaired_years: int = 0


@dataclass(frozen=True, slots=True)
class RowFault:
    """One reason for which a row goes back: a stable code and a sentence for the clerk."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that is no person, with everything that is wrong with it."""

    row: int
    faults: tuple[RowFault, ...]


def read_roster(file_name: str, data: bytes, unit_kind: str) -> Sheet:
    """The sheet of a roster, rows not yet judged. Raises SheetUnreadable, also where a column is missing."""
    return sheets.read_sheet(file_name, data, required=_UNIT_COLUMNS[unit_kind])


def read_row(row: SheetRow, *, today: date) -> RosterRow | UnreadableRow:
    """One row of a roster; `today` bounds birth dates."""
    cells = row.cells
    name, kind = normal_name(cells["姓名"]), _KINDS.get(cells["参保方式"])
    number = read_resident_number(cells["身份证号"], today=today)
    permit, former = cells.get("居住证", ""), cells.get("原参保制度", "")
    missed, repaired = cells.get("断缴年数", ""), cells.get("已补缴年数", "")
    faults = [
        *([] if name else [RowFault("name_missing", "缺少姓名")]),
        *([RowFault(number.code, number.detail)] if isinstance(number, NumberFault) else []),
        *_region_faults(cells, "户籍地代码"),
        *_region_faults(cells, "居住地代码"),
        *([] if kind else [RowFault("enrolment_unknown", "参保方式应为“新参”或“续保”")]),
        *([] if permit in _PERMITS else [RowFault("permit_unknown", "居住证应为“是”或“否”")]),
        *([] if former in _FORMER else [RowFault("former_scheme_unknown", "原参保制度应为“城镇”或“新农合”")]),
        *([] if {missed, repaired} <= _YEARS else [RowFault("years_unknown", "断缴年数、已补缴年数应为整数")]),
    ]
    if faults or kind is None or isinstance(number, NumberFault):
        return UnreadableRow(row.number, tuple(faults))
    return RosterRow(
        row=row.number,
        name=name,
        number=number.number,
        hukou=cells["户籍地代码"],
        residence=cells["居住地代码"],
        kind=kind,
        household_no=cells.get("户号", ""),
        residence_permit=_PERMITS[permit],
        former_scheme=_FORMER[former],
        missed_years=int(missed or 0),
        repaired_years=int(repaired or 0),
    )


def write_returned(sheet: Sheet, details: Mapping[int, Sequence[str]], *, masked: bool) -> bytes:
    """The rows named in `details` as they came (numbers `masked` on demand), with their reasons in 退回原因."""
    returned = [
        (_masked(row.cells) if masked else row.cells, "；".join(details[row.number]))
        for row in sheet.rows
        if row.number in details
    ]
    return sheets.write_returned(sheet.form, sheet.columns, returned)


def _masked(cells: Mapping[str, str]) -> dict[str, str]:
    return {**cells, "身份证号": mask_number(cells["身份证号"])}


def _region_faults(cells: Mapping[str, str], column: str) -> list[RowFault]:
    return [] if is_region(cells[column]) else [RowFault("region_unknown", f"{column}应为6、9或12位区划代码")]
