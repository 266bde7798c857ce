"""The departments that hand lists over: what each may assert, and by when its next list is due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from shared.codes import Status


class FaultCode(StrEnum):
    """Why a row is sent back, or a person of a roster is not resolved."""

    NAME_MISSING = "name_missing"
    NAME_DIFFERS = "name_differs"
    IDENTITY_NUMBER_MISSING = "identity_number_missing"
    IDENTITY_NUMBER_INVALID = "identity_number_invalid"
    DOCUMENT_KIND_UNKNOWN = "document_kind_unknown"
    BIRTH_DATE_MISSING = "birth_date_missing"
    SEX_MISSING = "sex_missing"
    MOTHER_INVALID = "mother_invalid"
    CATEGORY_UNKNOWN = "category_unknown"
    GRADE_INVALID = "grade_invalid"
    DATE_INVALID = "date_invalid"
    DATE_IN_FUTURE = "date_in_future"
    REGION_UNKNOWN = "region_unknown"
    OUTSIDE_LIST = "outside_list"
    DUPLICATE_ROW = "duplicate_row"
    AREA_FORBIDDEN = "area_forbidden"
    SEVERAL_CANDIDATES = "several_candidates"


@dataclass(frozen=True)
class Assertion:
    """What a word of a list asserts: a status with its grade, or where the hukou is since birth or a day."""

    status: Status | None = None
    grade: int | None = None
    hukou: Literal["since_birth", "since_day"] | None = None


HOLDER_COLUMNS = {"kind": "证件类型", "birth": "出生日期", "sex": "性别", "home": "户籍地代码"}
"""What every list may say besides of whom its rows name: needed where the number in it does not say so, or is none."""


@dataclass(frozen=True)
class Supplier:
    """A department: the headings of its list (by field), and what each word in it, or else every row, asserts.

    `shrink_percent`: it may hand over full lists, and one that ends more of its statuses than that waits for a second
    person; None: it hands over changes only, so that its silence about a person says nothing.
    """

    code: str
    name: str
    columns: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    words: Mapping[str, Assertion] = field(default_factory=dict)
    every_row: Assertion | None = None
    unknown_word: FaultCode = FaultCode.CATEGORY_UNKNOWN
    shrink_percent: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for an entry that could not judge a row."""
        if bool(self.words) == bool(self.every_row) or bool(self.words) != ("word" in self.columns):
            raise ValueError(f"supplier {self.code}: either words with their column, or every_row")
        if not {"name", "number", "since"} <= set(self.columns) or not self.optional <= set(self.columns):
            raise ValueError(f"supplier {self.code}: columns need name, number, since and whatever is optional")

    @property
    def required_headings(self) -> list[str]:
        """The headings without which a list cannot be read."""
        return [heading for cell, heading in self.columns.items() if cell not in self.optional]

    @property
    def asserts(self) -> list[Status]:
        """The statuses that this department may assert, each once."""
        assertions = [self.every_row] if self.every_row else list(self.words.values())
        return list(dict.fromkeys(said.status for said in assertions if said.status))

    @property
    def tells_hukou(self) -> bool:
        """Whether this department tells where the hukou of a person lies."""
        return any(said.hukou for said in self.words.values())


@dataclass(frozen=True)
class Schedule:
    """By when lists of a department must come: by `first_due_on`, then every so many months; None: whenever there is
    something to tell. Older than `stale_after_days` its last list is no longer relied upon."""

    first_due_on: date | None = None
    every_months: int | None = None
    stale_after_days: int | None = None

    def due(self, last_list_day: date | None, today: date) -> "Due":
        """Where the department stands today; `last_list_day` is the day of the latest list that counts.

        A list fulfils the first day that is due on or after its own; the one after that is the next.
        """
        next_due_on = self._next_after(last_list_day)
        stale = (
            self.stale_after_days is not None
            and last_list_day is not None
            and (today - last_list_day).days > self.stale_after_days
        )
        return Due(next_due_on, overdue=next_due_on is not None and next_due_on < today, stale=stale)

    def _next_after(self, last: date | None) -> date | None:
        if self.first_due_on is None or last is None:
            return self.first_due_on
        if self.every_months is None:
            return None
        periods = 0
        while add_months(self.first_due_on, periods) < last:
            periods += self.every_months
        return add_months(self.first_due_on, periods + self.every_months)


@dataclass(frozen=True)
class Due:
    """Where a department stands: the day by which its next list is due, and whether it is late or its last one old."""

    next_due_on: date | None
    overdue: bool
    stale: bool


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))
