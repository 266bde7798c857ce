"""An auditor's second calculation: every figure of out/season.json from what was handed in and document 004 alone.

    python tests/recompute_season.py [out]

Reads out/season/ (the departments' lists, the rosters, the acts of the season) and out/season.json. It shares no code
with the services, with `shared/` or with `deploy/`: whatever both got wrong in the same way would have to be got wrong
twice. Rules are cited by their ids in the catalog (S004-…, A004-…). Exit code 1 where a figure differs.
"""

import csv
import hashlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script from anywhere

from tests.recompute_money import LAST_DAY_OF_MONTH, WINDOW, Enrolled, Money

COUNTY = "140522"
PREMIUM = 32000  # S004-09
COVER = (date(2022, 1, 1), date(2022, 12, 31))  # S004-05
FUND, CHANNEL = "medical_assistance_fund", "original_channel"

# What a status gives of 320 yuan and who pays it, best first, equal amounts in the order of A004-9
# (S004-11 to S004-16; S004-14: 80 % of 320 is 256, raised to 280).
HELP = (
    ({"特困", "孤儿", "事实无人抚养儿童"}, 32000, FUND),
    ({"一级", "二级"}, 32000, CHANNEL),
    ({"在乡重点优抚"}, 32000, CHANNEL),
    ({"返贫致贫"}, 28800, FUND),
    ({"低保"}, 28000, FUND),
    ({"易返贫致贫"}, 28000, FUND),
)

# Which column says what, for each department (S004-17: its own list decides).
WORDS = {
    "civil_affairs": ("救助类别", {"低保", "特困", "孤儿", "事实无人抚养儿童"}),
    "disabled_federation": ("残疾等级", {"一级", "二级", "三级", "四级"}),
    "rural_revitalisation": ("人员类别", {"返贫致贫", "易返贫致贫", "稳定脱贫"}),
    "veterans": ("优抚类别", {"在乡重点优抚"}),
    "public_security": ("变动类型", {"在册", "出生", "迁入", "迁出", "死亡"}),
}
FIRST_DAYS = ("认定日期", "评定日期", "变动日期", "入学日期", "参保起始日期")
LAST_DAYS = ("终止日期", "参保终止日期")
CODES = {
    **dict.fromkeys(("一级", "二级", "三级", "四级"), "disabled"),
    "低保": "dibao",
    "特困": "destitute",
    "孤儿": "orphan",
    "事实无人抚养儿童": "unattended_child",
    "返贫致贫": "fallen_into_poverty",
    "易返贫致贫": "at_risk_of_poverty",
    "稳定脱贫": "stably_out_of_poverty",
    "在乡重点优抚": "key_entitled",
    "education": "student",
    "employee_insurance": "employee_insured",
    "health": "family_planning_hardship",
}
"""What a department's word is called in an answer; a list without words says the same of everybody."""

REGIONS = ("户籍地代码", "学校所在地代码")
NO_DAY = date(1, 1, 1)


# What the lists say


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """A list by heading, whatever its form: a workbook, JSON lines, or CSV in UTF-8 or GB18030."""
    content = path.read_bytes()
    if path.suffix == ".jsonl":
        yield from map(json.loads, content.splitlines())
        return
    if path.suffix == ".xlsx":
        header, *rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        for row in rows:
            yield dict(zip(map(str, header), row, strict=True))
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    yield from csv.DictReader(io.StringIO(text))


def read_number(cell: Any, today: date) -> str | None:
    """The identity number in a cell, if it is one (GB 11643: shape, a birthday that was, the check digit)."""
    number = re.sub(r"\s", "", str(cell)).upper()
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", number):
        return None
    weighted = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    if "10X98765432"[weighted % 11] != number[17]:
        return None
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return number if birth <= today else None


def read_name(cell: Any) -> str:
    """A name without the blanks that typists put into short ones."""
    return re.sub(r"\s", "", str(cell))


def read_day(cell: Any) -> date | None:
    """A day as date cell, 2021-03-07, 2021/3/7 or 20210307; NO_DAY for an empty cell, None for no day at all."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = str(cell if cell is not None else "").strip()
    if not text:
        return NO_DAY
    found = re.fullmatch(r"(\d{4})[-/]?(\d{1,2})[-/]?(\d{1,2})", text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def first(row: dict[str, Any], headings: tuple[str, ...]) -> Any:
    """The cell under the one of these headings that the list has."""
    return next((row[heading] for heading in headings if heading in row), "")


@dataclass
class Person:
    """What is known of somebody."""

    name: str
    hukou: str | None = None
    died: date | None = None
    statuses: list[tuple[str, date, date | None]] = field(default_factory=list)
    history: list[tuple[str, list[tuple[str, date, date | None]]]] = field(default_factory=list)

    def note(self, at: str) -> None:
        """Keep what is known from this instant on."""
        if not self.history or self.history[-1][1] != self.statuses:
            self.history.append((at, list(self.statuses)))

    def held(self, as_of: date, known_at: str | None) -> list[str]:
        """The statuses on a day, as they were known at an instant (as the acts write it); None: by the end."""
        known = [said for at, said in self.history if known_at is None or at <= known_at]
        held = {CODES[word] for word, since, until in (known[-1] if known else ())
                if since <= as_of and (until is None or as_of <= until)}  # fmt: skip
        return sorted(held)

    def holds(self, word: str, day: date) -> bool:
        """Whether a department's word holds on a day, its first and its last day included."""
        return any(
            said == word and since <= day and (until is None or day <= until) for said, since, until in self.statuses
        )


class Season:
    """The season as the acts say it went, and what must have come of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people: dict[str, Person] = {}
        self.feeds: set[tuple[str, str]] = set()
        self.withdrawn: set[str] = set()  # lists that were taken back before anything was paid by them
        self.rejected: set[str] = set()  # full lists that were not let end what they did not name
        self.parts: dict[str, list[set[tuple[str, str, date]]]] = {}  # list -> what each of its files names
        self.wrong_answers: list[str] = []
        self.expected: set[str] = set()
        self.refused: set[tuple[str, str]] = set()
        self.money = Money()
        self.enrolled = self.money.enrolled
        self.newborns = 0
        self.cases: dict[str, dict[str, int]] = {}  # whose -> who would pay, if the list counted

    def play(self) -> None:
        """All acts in their order."""
        acts = [json.loads(line) for line in (self.folder / "acts.jsonl").read_text(encoding="utf-8").splitlines()]
        self.withdrawn = {act["file"] for act in acts if act["act"] == "withdraw_feed"}
        self.rejected = {act["file"] for act in acts if act["act"] == "decide_feed" and act["result"] == "rejected"}
        for act in acts:
            if handler := getattr(self, f"on_{act['act']}", None):
                handler(act, datetime.fromisoformat(act["at"]).date())
            if handler := getattr(self.money, f"on_{act['act']}", None):
                handler(act)

    # Lists of the departments

    def on_hand_in_feed(self, act: dict[str, Any], today: date) -> None:
        """A list counts once, row by row; a row with a fault goes back and counts for nothing."""
        content = hashlib.sha256((self.folder / act["file"]).read_bytes()).hexdigest()
        if (act["supplier"], content) in self.feeds or act["file"] in self.withdrawn:
            return
        self.feeds.add((act["supplier"], content))
        news: set[str] = set()
        seen: set[tuple[str, str, date]] = set()
        for row in read_rows(self.folder / act["file"]):
            column, words = WORDS.get(act["supplier"], ("", {""}))
            word = str(row.get(column, ""))
            number, name = read_number(row["身份证号"], today), read_name(row["姓名"])
            since, until = read_day(first(row, FIRST_DAYS)), read_day(first(row, LAST_DAYS))
            region = str(first(row, REGIONS) or COUNTY)
            if number is None or not name or word not in words or since is None or until is None:
                continue
            if since > today or not re.fullmatch(r"\d{6}(\d{3}(\d{3})?)?", region):
                continue
            if self.people.setdefault(number, Person(name)).name != name or (number, word, since) in seen:
                continue
            seen.add((number, word, since))
            said = (word or act["supplier"], since, None if until == NO_DAY else until)
            if self.learn(self.people[number], act["supplier"], region, said):
                news.add(number)
        if act.get("manifest", {}).get("kind") == "full" and act["file"] not in self.rejected:
            news |= self.end_unnamed(act["supplier"], seen, act["manifest"])
        for number in sorted(news):
            self.people[number].note(act["at"])
        for number in sorted(news & self.enrolled.keys()):
            self.look_anew(number, today)

    def end_unnamed(self, supplier: str, seen: set[tuple[str, str, date]], manifest: dict[str, Any]) -> set[str]:
        """A full list ends, on the day before its own, what it does not name of its supplier's; of whom.

        One in several files ends nothing before all of them are here.
        """
        parts = self.parts.setdefault(manifest.get("list_id", str(len(self.parts))), [])
        parts.append(seen)
        if len(parts) < manifest.get("parts", 1):
            return set()
        named, day = set[tuple[str, str, date]]().union(*parts), date.fromisoformat(manifest["list_day"])
        _, words = WORDS.get(supplier, ("", {supplier}))
        ended = set()
        for number, person in self.people.items():
            for at, (word, since, until) in enumerate(person.statuses):
                if word in words and (number, word, since) not in named and (until is None or until >= day):
                    person.statuses[at] = (word, since, day - timedelta(days=1))
                    ended.add(number)
        return ended

    @staticmethod
    def learn(person: Person, supplier: str, region: str, said: tuple[str, date, date | None]) -> bool:
        """Enter one good row: where somebody lives by the police's books, a death, or a status; whether it is news.

        A status that is stated with another last day takes the place of the one before.
        """
        if supplier == "public_security" and said[0] == "死亡":
            person.died = said[1]
        elif supplier == "public_security":
            person.hukou = region
        elif said in person.statuses:
            return False
        else:
            person.statuses = [*(known for known in person.statuses if known[:2] != said[:2]), said]
        return supplier != "public_security" or said[0] == "死亡"

    # Lists that come when people are enrolled already

    def look_anew(self, number: str, today: date) -> None:
        """What a list changes for somebody who is enrolled; what comes too late a person decides (A004-11)."""
        person, bill = self.people[number], self.enrolled[number]
        changes = self.changes(person, bill, today)
        if changes is None or changes == bill.lines:
            return
        in_time = today <= WINDOW[1] if changes else today < COVER[0]
        if in_time:
            self.change(number, changes)
        elif bill.paid_on and (not changes or changes.get("person", 0) < bill.owes):
            self.cases[number] = changes

    def changes(self, person: Person, bill: Enrolled, today: date) -> dict[str, int] | None:
        """Who would pay by what is known today; {} where the person does not join (S004-04), None: nothing changes."""
        joined = [since for said, since, _ in person.statuses if said == "employee_insurance" and since < COVER[0]]
        if joined and person.holds("employee_insurance", COVER[0]):
            return {}
        if bill.newborn:
            return None
        if bill.paid_on is None:
            day = (
                today if today.day <= LAST_DAY_OF_MONTH else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
            )
            return self.lines(person, day) if day <= WINDOW[1] else None
        lines = self.lines(person, bill.paid_on, max(bill.paid_on, min(today, WINDOW[1])))
        return lines if lines.get("person", 0) <= bill.owes else None  # nothing is collected again

    def change(self, number: str, lines: dict[str, int]) -> None:
        """Let a list count."""
        if lines:
            self.money.revise(number, lines)
        else:
            self.money.withdraw(number)
            self.refused.add(("employee_insured", number))

    def on_decide_case(self, act: dict[str, Any], _today: date) -> None:
        """A person has decided on a list that came too late."""
        lines = self.cases.pop(act["insured"])
        if act["result"] == "approved":
            self.change(act["insured"], lines)

    # Enrolment

    def on_hand_in_roster(self, act: dict[str, Any], today: date) -> None:
        """Everybody on the roster is expected, but for rows that name nobody (they go back and come again)."""
        seen: set[str] = set()
        for row in read_rows(self.folder / act["file"]):
            number, name = read_number(row["身份证号"], today), read_name(row["姓名"])
            if number is None or not name or number in seen:
                continue
            if self.people.setdefault(number, Person(name)).name != name:
                continue
            seen.add(number)
            self.expected.add(number)
            self.enrol(number, str(row["户籍地代码"]), str(row["居住地代码"]), today)

    def on_enrol(self, act: dict[str, Any], today: date) -> None:
        """One person who registers alone; a child of the year pays nothing (S004-34)."""
        person = act["person"]
        number = person["identity_number"]
        self.people.setdefault(number, Person(person["name"]))
        newborn = act["enrolment"] == "newborn"
        if self.enrol(number, person["hukou"], person["residence"], today, free=newborn) and newborn:
            self.newborns += 1

    def enrol(self, number: str, hukou: str, residence: str, today: date, *, free: bool = False) -> bool:
        """Enrol a person, or note every reason why not. The police's books go before what a roster says."""
        person = self.people[number]
        reasons = ["already_enrolled"] if number in self.enrolled else []
        if person.died is not None:
            reasons.append("not_eligible")
        else:
            if person.holds("employee_insurance", today):
                reasons.append("employee_insured")  # S004-04
            if COUNTY not in {(person.hukou or hukou)[:6], residence[:6]}:
                reasons.append("no_local_tie")
        self.refused.update((reason, number) for reason in reasons)
        if not reasons:
            self.enrolled[number] = Enrolled({} if free else self.lines(person, today), today, free)
        return not reasons

    @staticmethod
    def lines(person: Person, *days: date) -> dict[str, int]:
        """Who pays the premium: one help only, the highest (S004-18, A004-9), the rest the person (A004-10).

        What the person holds on one of these days counts.
        """
        held = {said for said, _, _ in person.statuses for day in days if person.holds(said, day)}
        helps = [(fen, payer) for words, fen, payer in HELP if words & held]
        fen, payer = max(helps, key=lambda given: given[0], default=(0, FUND))  # the first of equals
        return {name: part for name, part in ((payer, fen), ("person", PREMIUM - fen)) if part}

    # What an auditor asked

    def compare_answers(self) -> int:
        """Compare every answer to a `look_up` with what the lists say; how many persons were answered for."""
        path, compared = self.folder / "answers.jsonl", 0
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            answer = json.loads(line)
            if "covered_twice" in answer and answer["covered_twice"] != (twice := self.covered_twice()):
                self.wrong_answers.append(f"covered twice: {answer['covered_twice']}, by the lists {twice}")
            for number, held in answer.get("held", {}).items():
                compared += 1
                right = self.people[number].held(date.fromisoformat(answer["as_of"]), answer["known_at"])
                if held != right:
                    asked = f"as of {answer['as_of']}, known at {answer['known_at'] or 'the end'}"
                    self.wrong_answers.append(f"act {answer['n']}, {number}, {asked}: {held}, by the lists {right}")
        return compared

    def covered_twice(self) -> list[str]:
        """Who has paid here and is in employee insurance on a day of the year of cover."""
        days = [COVER[0] + timedelta(days=n) for n in range((COVER[1] - COVER[0]).days + 1)]
        return sorted(
            number
            for number, bill in self.enrolled.items()
            if bill.paid_on and any(self.people[number].holds("employee_insurance", day) for day in days)
        )

    # Figures

    def figures(self) -> dict[str, Any]:
        """What season.json must say, figure by figure."""
        by_payer: Counter[str] = Counter()
        for bill in self.enrolled.values():
            by_payer.update(bill.lines)
        return {
            "enrolment": {
                "expected": len(self.expected),
                "enrolled": len(self.enrolled),
                "refused": dict(Counter(reason for reason, _ in self.refused)),
                "newborns": self.newborns,
            },
            "assessed": {
                "count": len(self.enrolled),
                "standard_fen": by_payer.total(),
                "by_payer_fen": dict(by_payer),
            },
            **self.money.figures(),
            "events": {"lag": 0},
            "invariants": {"broken": 0},
        }


# Comparison


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested figures as `funds.four_way.money`."""
    if not isinstance(value, dict):
        return {name: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{name}.{key}" if name else key)
    return found


def main(out: Path) -> int:
    """Recompute and compare; print every figure that differs."""
    if not (out / "season.json").is_file():
        sys.stdout.write(f"there is no {out / 'season.json'}: run a season first\n")
        return 1
    said = json.loads((out / "season.json").read_text(encoding="utf-8"))
    if said["scheme"] != "yangcheng-2022":
        sys.stdout.write(f"season.json is of {said['scheme']}; only document 004 is worked out again here\n")
        return 1
    season = Season(out / "season")
    season.play()
    recomputed = flat(season.figures())
    reported = flat({part: said[part] for part in said if part not in {"scheme", "residents", "seed", "seconds"}})
    checked = reported.pop("invariants.checked", 0)  # how many the services have is their own affair
    names = [*recomputed, *(name for name in reported if name not in recomputed)]
    differing = [name for name in names if recomputed.get(name, 0) != reported.get(name, 0)]
    lines = [f"{'figure':<44}{'season.json':>16}{'recomputed':>16}"]
    for name in names:
        mark = "   ← differs" if name in differing else ""
        lines.append(f"{name:<44}{reported.get(name, 0)!s:>16}{recomputed.get(name, 0)!s:>16}{mark}")
    if not checked:
        lines.append("no invariant was checked")
    compared = season.compare_answers()
    lines += [*season.wrong_answers, f"{compared} answers about statuses, {len(season.wrong_answers)} differ"]
    sys.stdout.write("\n".join([*lines, f"{len(names)} figures, {len(differing)} differ\n"]))
    return 1 if differing or season.wrong_answers or not compared or not checked else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out")))
