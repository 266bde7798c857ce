"""What a row of a department's list says. A row is judged by itself and with all its faults at once, so that a clerk
corrects it in one go. What a department may assert is data (`suppliers.yaml`): it differs from notice to notice
(S004-17).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from shared.codes import Status
from shared.identity import NumberFault, normal_name
from shared.regions import is_region

from .documents import (
    KIND_WORDS,
    DocumentKind,
    Holder,
    Shown,
    document_key,
    newborn_number,
    read_document,
    read_sex,
)
from .feeds import EVERYTHING, Scope
from .matching import Doubt, doubt
from .repeats import FirstRows
from .suppliers import HOLDER_COLUMNS, Assertion, FaultCode, Supplier


@dataclass(frozen=True)
class Fault:
    """One fault of a row: a stable code, and the words for the clerk who sent it."""

    code: FaultCode
    detail: str


@dataclass(frozen=True)
class FeedRow:
    """A row as it was sent: its number in the sheet (the header is row 1), its cells and the days read from them."""

    row_no: int
    cells: Mapping[str, str]
    days: Mapping[str, date | None]

    def cell(self, name: str) -> str:
        """The text of a field, "" where the list has no such column."""
        return self.cells.get(name, "")


@dataclass(frozen=True)
class StatusClaim:
    """A status from `identified_on` to `valid_to`, both days included; None: until further notice. `region`: where the
    list says the person belongs; None: nowhere."""

    code: Status
    grade: int | None
    school_region: str | None
    identified_on: date
    valid_to: date | None
    region: str | None = None


@dataclass(frozen=True)
class HukouClaim:
    """The hukou lies in `region` since that day; None: since birth."""

    region: str
    household_no: str | None
    since: date | None


@dataclass(frozen=True)
class Accepted:
    """A row without a fault: whom it names, and the one thing it asserts. `newborn`: the person was known by the
    mother's number before there was one."""

    row_no: int
    name: str
    holder: Holder
    claim: StatusClaim | HukouClaim
    newborn: Holder | None = None


@dataclass(frozen=True)
class Rejected:
    """A row that goes back, with every fault found in it."""

    row_no: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Doubtful:
    """A row that would be accepted if its number were good: whom it may mean, what it asserts, and why it goes back
    where it means nobody who is known, or several."""

    row_no: int
    doubt: Doubt
    claim: StatusClaim | HukouClaim
    faults: tuple[Fault, ...]


Verdict = Accepted | Doubtful | Rejected


def judge_rows(
    rows: Iterable[FeedRow], supplier: Supplier, today: date, scope: Scope = EVERYTHING, expected: int = 0
) -> Iterator[Verdict]:
    """Judge rows in their order. `today` is the day the list came in, so that a resumed run judges alike. `scope`: for
    what the list says that it speaks; no row may say more. `expected`: how many rows there are, where it is known.

    A row that repeats person, word and day of an accepted row of the same list goes back as `duplicate_row`.
    """
    # By hash, because this grows with the list: of 64 bits, so that among a million rows two that differ share one in
    # one of some thirty million lists.
    accepted_at = FirstRows(expected)
    for row in rows:
        verdict = _judge_row(row, supplier, today, scope)
        key = hash((*document_key(shown_in(row)), row.cell("word"), row.days.get("since")))
        if first := accepted_at.find(key):
            faults = () if isinstance(verdict, Accepted) else verdict.faults
            verdict = Rejected(row.row_no, (*faults, Fault(FaultCode.DUPLICATE_ROW, f"与第{first}行重复")))
        elif not isinstance(verdict, Rejected):
            accepted_at.add(key, row.row_no)
        yield verdict


def shown_in(row: FeedRow) -> Shown:
    """The document that a row shows. A word that is none of a kind is taken for a resident's number, and is a fault."""
    kind = KIND_WORDS.get(row.cell("kind"), DocumentKind.RESIDENT_ID)
    return Shown(row.cell("number"), kind, row.days.get("birth"), read_sex(row.cell("sex")))


def read_holder(name: str, shown: Shown, today: date) -> tuple[Holder | None, list[Fault]]:
    """Whom a name and a document mean, with every fault of the two."""
    faults = [] if normal_name(name) else [Fault(FaultCode.NAME_MISSING, "缺少姓名")]
    holder = read_document(shown, today)
    if isinstance(holder, NumberFault):
        return None, [*faults, Fault(FaultCode(holder.code), holder.detail)]
    return holder, faults


def same_name(given: str, recorded: str) -> bool:
    """Whether two names are one: blanks and the kinds of middle dot do not count."""
    return normal_name(given) == normal_name(recorded)


# Known under another name. Which one is not told: the list is to be checked, not copied.
NAME_DIFFERS = Fault(FaultCode.NAME_DIFFERS, "姓名与已登记的姓名不一致")
# Several known persons of this name may be meant; a clerk decides, and the same row is taken when it comes again.
SEVERAL_CANDIDATES = Fault(FaultCode.SEVERAL_CANDIDATES, "身份证号有误，且与多名已登记人员相近，已列入人工比对")
OUTSIDE_AREA = Fault(FaultCode.AREA_FORBIDDEN, "户籍地和居住地都不在令牌的辖区内")


@dataclass
class _Reading:
    """One row on its way to a verdict: every reader notes its faults here and the next goes on."""

    row: FeedRow
    supplier: Supplier
    today: date
    scope: Scope
    holder: Holder | None
    faults: list[Fault] = field(default_factory=list)

    def fault(self, code: FaultCode, cell: str, wrong: str) -> None:
        self.faults.append(Fault(code, f"{self.supplier.columns[cell]}{wrong}"))

    def day(self, cell: str, *, future: bool = False) -> date | None:
        """The day in a cell, not before the person's birth and, unless `future`, not after today."""
        text = self.row.cell(cell)
        day = self.row.days.get(cell)
        if not text:
            self.fault(FaultCode.DATE_INVALID, cell, "为空")
        elif day is None:
            self.fault(FaultCode.DATE_INVALID, cell, f"“{text}”不是有效日期，应为YYYY-MM-DD")
        elif day > self.today and not future:
            self.fault(FaultCode.DATE_IN_FUTURE, cell, f"“{text}”晚于报送日期")
        elif self.holder is not None and day < self.holder.birth_date:
            self.fault(FaultCode.DATE_INVALID, cell, f"“{text}”早于出生日期")
        return day

    def span(self) -> tuple[date | None, date | None]:
        """The days of a status: the first is needed, an empty last one means until further notice."""
        since = self.day("since")
        until = self.day("until", future=True) if self.row.cell("until") else None
        if since and until and until < since:
            self.fault(FaultCode.DATE_INVALID, "until", f"早于{self.supplier.columns['since']}")
        return since, until

    def region(self, cell: str, digits: tuple[int, ...]) -> str:
        """A division code of one of these lengths; only its shape can be checked (codes.md C2)."""
        code = self.row.cell(cell)
        if len(code) not in digits or not is_region(code):
            self.fault(FaultCode.REGION_UNKNOWN, cell, f"“{code}”应为{'或'.join(map(str, digits))}位数字")
        return code

    def place(self) -> str | None:
        """Where the list says the person belongs: the row itself, else the list as a whole."""
        home, listed = self.row.cell("home"), self.scope.region
        if home and listed and not (is_region(home) and home.startswith(listed)):
            wrong = f"{HOLDER_COLUMNS['home']}“{home}”不在名单所报地区{listed}内"
            self.faults.append(Fault(FaultCode.OUTSIDE_LIST, wrong))
        return home if is_region(home) else listed


def _judge_row(row: FeedRow, supplier: Supplier, today: date, scope: Scope) -> Verdict:
    name = row.cell("name")
    holder, faults = read_holder(name, shown_in(row), today)
    if row.cell("kind") not in KIND_WORDS:
        known = "、".join(word for word in KIND_WORDS if word and not word.isdigit())
        faults.append(Fault(FaultCode.DOCUMENT_KIND_UNKNOWN, f"证件类型“{row.cell('kind')}”应为{known}之一，或留空"))
    reading = _Reading(row, supplier, today, scope, holder, faults)
    claim = _read_claim(reading, supplier.every_row or supplier.words.get(row.cell("word")))
    newborn = _read_newborn(reading)
    if claim is not None and number_is_all(reading.faults):
        first = claim.identified_on if isinstance(claim, StatusClaim) else claim.since
        given, birth, home = row.cell("number"), row.days.get("birth"), row.cell("home")
        found = doubt(normal_name(name), given, today, born_by=first, birth_date=birth, region=home)
        if found:
            return Doubtful(row.row_no, found, claim, tuple(reading.faults))
    if reading.faults or holder is None or claim is None:
        return Rejected(row.row_no, tuple(reading.faults))
    return Accepted(row.row_no, normal_name(name), holder, claim, newborn)


def number_is_all(faults: Sequence[Fault]) -> bool:
    """Whether nothing is wrong but that there is no good number."""
    return [fault.code for fault in faults] in (
        [FaultCode.IDENTITY_NUMBER_INVALID],
        [FaultCode.IDENTITY_NUMBER_MISSING],
    )


def _read_newborn(reading: _Reading) -> Holder | None:
    """By which number of the mother the person was known before, where the row says so."""
    row, holder = reading.row, reading.holder
    if not row.cell("mother") or holder is None or holder.kind is DocumentKind.NEWBORN:
        return None
    number = newborn_number(row.cell("mother"), row.cell("order") or "1")
    shown = Shown(number, DocumentKind.NEWBORN, holder.birth_date, holder.sex)
    newborn = read_document(shown, reading.today)
    if isinstance(newborn, NumberFault):
        heading = reading.supplier.columns["mother"]
        reading.faults.append(Fault(FaultCode.MOTHER_INVALID, f"{heading}：{newborn.detail}"))
        return None
    return newborn


def _read_claim(reading: _Reading, assertion: Assertion | None) -> StatusClaim | HukouClaim | None:
    if assertion is None:
        known = "、".join(reading.supplier.words)
        reading.fault(reading.supplier.unknown_word, "word", f"“{reading.row.cell('word')}”应为{known}之一")
        reading.span()
        return None
    if assertion.hukou:
        return _read_hukou(reading, since_day=assertion.hukou == "since_day")
    return _read_status(reading, assertion)


def _read_hukou(reading: _Reading, *, since_day: bool) -> HukouClaim:
    region = reading.region("region", (12,))
    day = reading.day("since") if since_day or reading.row.cell("since") else None
    return HukouClaim(region, reading.row.cell("household_no") or None, day if since_day else None)


def _read_status(reading: _Reading, assertion: Assertion) -> StatusClaim | None:
    since, until = reading.span()
    has_school = "school_region" in reading.supplier.columns
    school_region = reading.region("school_region", (6, 9, 12)) if has_school else None
    region = reading.place()
    if assertion.status is None or since is None:
        return None
    categories = reading.scope.categories
    if categories is not None and assertion.status not in categories:
        reading.faults.append(Fault(FaultCode.OUTSIDE_LIST, "不属于名单所报的身份类别"))
    return StatusClaim(assertion.status, assertion.grade, school_region, since, until, region)
