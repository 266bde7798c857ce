"""What departments do besides handing over the autumn's lists, and what an auditor asks of it all.

A full list comes cut in half and is rejected by a second person; another one leaves out a whole kind of help, and a
second person lets it. A third comes in two files, a fourth from a department's own system, signed. A list names
somebody without a number, another one not even the place; people show other documents than a resident's. A list is
taken back that named the wrong people (`changes.py`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .feeds import HELP_HEADERS, moment, said
from .people import OTHER_PLACES, Fact, Person, Town
from .sheets import Cell, write_csv, write_jsonl, write_xlsx
from .slips import Row, cells
from .timed import Act, Timed

CIVIL, RURAL, DISABLED, VETERANS, OVERSEAS = (
    "civil_affairs",
    "rural_revitalisation",
    "disabled_federation",
    "veterans",
    "overseas_chinese_affairs",
)
FULL_LIST, ENDED_LIST = date(2021, 8, 30), date(2021, 8, 31)
NO_NUMBER, NO_PLACE, AGAIN = date(2021, 9, 2), date(2021, 9, 3), date(2021, 9, 6)
OTHER_DOCUMENTS = date(2021, 8, 24)
ASKED = date(2021, 12, 28)
ASKED_TWICE = date(2022, 1, 7)
"""When it is decided who stays although an employer has registered them."""

_ENDED = "稳定脱贫"
_SHRINK = 0.10
_HELD = {"state": "held"}
_SECOND = "agency-officer-b"
_MOMENTS = (
    (date(2021, 8, 20), "2021-08-19T12:00:00+08:00"),  # before the corrected lists
    (date(2021, 8, 25), None),
    (date(2021, 12, 25), "2021-09-30T12:00:00+08:00"),  # before anything was found out in the midst of the season
    (date(2021, 12, 25), "2021-11-20T12:00:00+08:00"),
    (date(2021, 12, 25), None),
)
_MOST_ASKED = 200


@dataclass
class _Desk:
    """Where lists are written and acts collected."""

    folder: Path
    acts: list[Timed]

    def hand_in(self, supplier: str, day: date, file: str, header: list[str], rows: Sequence[Row], **more: Any) -> None:
        """Write a list in the form that its name says, and hand it over with its manifest."""
        table: list[list[Cell]] = cells(rows, header)
        path = self.folder / file
        if file.endswith(".xlsx"):
            write_xlsx(path, "全量名单", header, table)
        elif file.endswith(".jsonl"):
            write_jsonl(path, header, table)
        else:
            write_csv(path, header, table, "utf-8")
        manifest = {
            "rows": len(rows),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "list_day": f"{day}",
            "kind": more.pop("kind", "changes"),
            **more.pop("of_list", {}),
        }
        told = {"act": "hand_in_feed", "by": f"{supplier}-clerk", "supplier": supplier, "file": file}
        hour = more.pop("hour", 9)
        self.act(day, hour, {**told, "manifest": manifest, **more})

    def act(self, day: date, hour: int, fields: Act) -> None:
        self.acts.append(Timed(moment(day, hour), 0, fields))


def department_acts(town: Town, folder: Path) -> list[Timed]:
    """Write these lists; the acts of handing them over, of deciding on them and of asking."""
    desk = _Desk(folder, [])
    _shrunken(town, desk)
    _ended(town, desk)
    _in_parts(town, desk)
    _signed(town, desk)
    _without_number(town, desk)
    _other_documents(desk)
    _questions(town, desk)
    return desk.acts


def _facts(town: Town, supplier: str) -> list[tuple[Person, Fact]]:
    return [(person, fact) for person in town.people() for fact in person.facts if fact.supplier == supplier]


def _rows(supplier: str, told: Iterable[tuple[Person, Fact]]) -> list[Row]:
    return [said(HELP_HEADERS[supplier], person, fact) for person, fact in told]


def _shrunken(town: Town, desk: _Desk) -> None:
    """Half of a full list is missing: held, rejected by a second person, and sent again whole."""
    header, whole = HELP_HEADERS[CIVIL], _rows(CIVIL, _facts(town, CIVIL))
    half = whole[: len(whole) // 2]
    cut, right = (f"feeds/{CIVIL}-{FULL_LIST}-{part}.xlsx" for part in ("cut", "whole"))
    desk.hand_in(CIVIL, FULL_LIST, cut, header, half, kind="full", **_HELD)
    decided = {"act": "decide_feed", "by": _SECOND, "file": cut, "result": "rejected"}
    desk.act(FULL_LIST, 10, decided)
    desk.hand_in(CIVIL, FULL_LIST, right, header, whole, kind="full", hour=11)


def _ended(town: Town, desk: _Desk) -> None:
    """A kind of help that ends altogether: whom the full list does not name any more loses it by two people's word."""
    told = _facts(town, RURAL)
    left = [(person, fact) for person, fact in told if fact.word != _ENDED]
    if not left or len(left) == len(told):
        return
    file = f"feeds/{RURAL}-{ENDED_LIST}-whole.xlsx"
    held = len(told) - len(left) > _SHRINK * len(told)
    more = _HELD if held else {}
    desk.hand_in(RURAL, ENDED_LIST, file, HELP_HEADERS[RURAL], _rows(RURAL, left), kind="full", **more)
    if held:
        desk.act(ENDED_LIST, 10, {"act": "decide_feed", "by": _SECOND, "file": file, "result": "approved"})


def _in_parts(town: Town, desk: _Desk) -> None:
    """A full list in two files, of which the second comes first."""
    whole = _rows(DISABLED, _facts(town, DISABLED))
    middle = len(whole) // 2
    if not middle:
        return
    for part, rows in ((2, whole[middle:]), (1, whole[:middle])):
        file = f"feeds/{DISABLED}-{ENDED_LIST}-{part}.jsonl"
        of_list = {"list_id": f"残疾人全量名单-{ENDED_LIST}", "part": part, "parts": 2}
        desk.hand_in(
            DISABLED, ENDED_LIST, file, HELP_HEADERS[DISABLED], rows, kind="full", hour=12 - part, of_list=of_list
        )


def _signed(town: Town, desk: _Desk) -> None:
    """A department's own system hands its list over, signed with a key that the agency has recorded."""
    rows = _rows(VETERANS, _facts(town, VETERANS))
    if rows:
        desk.act(FULL_LIST, 14, {"act": "record_key", "by": _SECOND, "supplier": VETERANS})
        file = f"feeds/{VETERANS}-{FULL_LIST}.csv"
        desk.hand_in(VETERANS, FULL_LIST, file, HELP_HEADERS[VETERANS], rows, kind="full", hour=15, signed=True)


def _without_number(town: Town, desk: _Desk) -> None:
    """Somebody is named by name, birth date and village; then without the village, on which a clerk has to decide."""
    names = [(person.name, person.birth) for person in town.people()]
    known = [
        (person, fact)
        for person, fact in _facts(town, DISABLED)
        if person.registered and person.hukou not in OTHER_PLACES and names.count((person.name, person.birth)) == 1
        and person.died_on is None and person.moved_away_on is None
    ]  # fmt: skip
    if not known:
        return
    person, fact = known[0]
    header = [*HELP_HEADERS[DISABLED], "出生日期", "户籍地代码"]
    row = {**said(HELP_HEADERS[DISABLED], person, fact), "身份证号": "", "出生日期": person.birth}
    placed = {**row, "户籍地代码": person.hukou}
    desk.hand_in(DISABLED, NO_NUMBER, f"feeds/{DISABLED}-{NO_NUMBER}.jsonl", header, [placed], returned=0)
    desk.hand_in(DISABLED, NO_PLACE, f"feeds/{DISABLED}-{NO_PLACE}.jsonl", header, [row], returned=1)
    decided = {"act": "decide_match", "by": "agency-officer-a", "name": person.name}
    desk.act(NO_PLACE, 14, decided)
    # The same row in another file: what was decided holds.
    desk.hand_in(DISABLED, AGAIN, f"feeds/{DISABLED}-{AGAIN}.jsonl", [*header, "批次"], [row], returned=0)


def _other_documents(desk: _Desk) -> None:
    """People from elsewhere, by passport and by the foreigner's card of old; nobody of them enrols."""
    header = ["姓名", "身份证号", "证件类型", "出生日期", "性别", "认定日期", "终止日期"]
    people = [
        ("陈思远", "EA0000001", "中国护照", date(1988, 4, 12), "男"),
        ("安娜", "CAN110085031", "外国护照", date(1985, 3, 1), "女"),
    ]
    rows: list[Row] = [dict(zip(header, (*person, date(2021, 6, 1), None), strict=True)) for person in people]
    file = f"feeds/{OVERSEAS}-{OTHER_DOCUMENTS}.csv"
    desk.hand_in(OVERSEAS, OTHER_DOCUMENTS, file, header, rows, returned=0)


def _questions(town: Town, desk: _Desk) -> None:
    """Who held what on a day, as it was known at an instant: of everybody of whom a department says something."""
    asked = [person.number for person in town.living() if person.facts and person.registered][:_MOST_ASKED]
    for as_of, known_at in _MOMENTS:
        fields = {"act": "look_up", "by": "auditor", "insured": asked, "as_of": f"{as_of}", "known_at": known_at}
        desk.act(ASKED, 16, fields)
    desk.act(ASKED_TWICE, 16, {"act": "look_for_double_cover", "by": "auditor"})
