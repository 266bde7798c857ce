"""What an assessment answers: accepted with its lines, or refused with every reason. Neither is an error."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.codes import Payer, RefusalCode, Status

from .package import RuleIds, Span


class NotAppliedReason(StrEnum):
    """Why a status that could have helped gave nothing here."""

    ONE_SUBSIDY_ONLY = "one_subsidy_only"
    NOT_YET_IDENTIFIED = "not_yet_identified"
    NOT_IN_SCHEME = "not_in_scheme"
    GRADE_NOT_COVERED = "grade_not_covered"
    EXPIRED = "expired"
    NOT_LOCAL = "not_local"
    CONDITION_NOT_MET = "condition_not_met"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a refusal; `detail` is Chinese, for the person refused."""

    code: RefusalCode
    detail: str
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Line:
    """Who pays how much of the standard, because of which status; an ordinary line and help by age have no status."""

    payer: Payer
    amount_fen: int
    status: Status | None
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class NotApplied:
    """A given status that gave nothing here; `amount_fen` is what it alone would have given."""

    status: Status
    amount_fen: int
    reason: NotAppliedReason
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Accepted:
    """The person may join: `lines` sum to `standard_fen`, `payable_fen` is the person's own part.

    `cover` is the whole unbroken span that this enrolment gives; None where the notice states none.
    """

    standard_fen: int
    payable_fen: int
    lines: tuple[Line, ...]
    cover: Span | None
    not_applied: tuple[NotApplied, ...]
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Refused:
    """The person may not join, for all of these reasons."""

    reasons: tuple[Reason, ...]

    @property
    def rules(self) -> RuleIds:
        """The rules of all reasons."""
        return merged(*(reason.rules for reason in self.reasons))


@lru_cache(maxsize=4096)
def merged(*groups: RuleIds) -> RuleIds:
    """Rule ids of several parts: each once, in order of their number."""
    return tuple(sorted({rule for group in groups for rule in group}))
