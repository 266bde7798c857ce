"""Which one of a person's statuses helps, how much it pays, and why the others give nothing."""

from dataclasses import dataclass
from datetime import date

from shared.codes import Status
from shared.money import percent_of

from .facts import GivenStatus
from .package import FullHelp, Help, Package, PercentHelp, RuleIds, Subsidy
from .verdict import Line, NotApplied, NotAppliedReason, merged

# The statuses that some notice helps; `not_applied` speaks of these. The others decide who may enrol or what is due.
HELPING_STATUSES = frozenset(
    {
        Status.DIBAO,
        Status.DESTITUTE,
        Status.ORPHAN,
        Status.UNATTENDED_CHILD,
        Status.REGISTERED_POOR,
        Status.FALLEN_INTO_POVERTY,
        Status.AT_RISK_OF_POVERTY,
        Status.STABLY_OUT_OF_POVERTY,
        Status.DISABLED,
        Status.KEY_ENTITLED,
        Status.FAMILY_PLANNING_HARDSHIP,
    }
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The help that a person gets (no line where nothing helps) and what the other statuses came to."""

    line: Line | None
    not_applied: tuple[NotApplied, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    subsidy: Subsidy
    amount_fen: int


def choose(package: Package, given: tuple[GivenStatus, ...], day: date, individual_fen: int) -> Chosen:
    """Choose a person's one subsidy: the highest amount, among equals the first in the package (A004-9)."""
    judged = [_judge(package, status, day, individual_fen) for status in given if status.code in HELPING_STATUSES]
    candidates = [found for found in judged if isinstance(found, _Candidate)]
    if not candidates:
        return Chosen(None, tuple(found for found in judged if isinstance(found, NotApplied)))
    best = min(candidates, key=lambda candidate: (-candidate.amount_fen, candidate.subsidy.rank))
    one_only = package.subsidies.one_only_rules
    not_applied = tuple(
        found
        if isinstance(found, NotApplied)
        else NotApplied(found.subsidy.status, found.amount_fen, NotAppliedReason.ONE_SUBSIDY_ONLY, one_only)
        for found in judged
        if found is not best
    )
    rules = merged(best.subsidy.rules, one_only) if len(candidates) > 1 else best.subsidy.rules
    return Chosen(Line(best.subsidy.payer, best.amount_fen, best.subsidy.status, rules), not_applied)


def nothing_to_help(
    package: Package, given: tuple[GivenStatus, ...], day: date, why: RuleIds
) -> tuple[NotApplied, ...]:
    """What the statuses come to where, by the rules `why`, nothing is due: none meets the condition of a debt."""
    judged = [_judge(package, status, day, individual_fen=0) for status in given if status.code in HELPING_STATUSES]
    return tuple(
        found
        if isinstance(found, NotApplied)
        else NotApplied(found.subsidy.status, 0, NotAppliedReason.CONDITION_NOT_MET, why)
        for found in judged
    )


def amount_of(help_: Help, individual_fen: int) -> int:
    """What a kind of help pays of the individual part, in fen; never more than the whole of it (A004-4)."""
    if isinstance(help_, FullHelp):
        return individual_fen
    if isinstance(help_, PercentHelp):
        return min(max(percent_of(individual_fen, help_.percent), help_.floor_fen), individual_fen)
    return min(help_.amount_fen, individual_fen)


def _judge(package: Package, given: GivenStatus, day: date, individual_fen: int) -> _Candidate | NotApplied:
    subsidies = package.subsidies
    if not given.counts_on(day):
        return NotApplied(given.code, 0, NotAppliedReason.NOT_YET_IDENTIFIED, subsidies.evidence_rules)
    subsidy = subsidies.by_status.get(given.code)
    if subsidy is None:
        # A status that the notice denies help is answered by that rule; of one that it never names none speaks.
        denied_by = subsidies.denied.get(given.code, ())
        return NotApplied(given.code, 0, NotAppliedReason.NOT_IN_SCHEME, denied_by)
    if subsidy.grades is not None and given.grade not in subsidy.grades:
        return NotApplied(given.code, 0, NotAppliedReason.GRADE_NOT_COVERED, subsidy.rules)
    if not _is_in_force(subsidy, package.benefit_year):
        return NotApplied(given.code, 0, NotAppliedReason.EXPIRED, subsidy.rules)
    return _Candidate(subsidy, amount_of(subsidy.help, individual_fen))


def _is_in_force(subsidy: Subsidy, benefit_year: int) -> bool:
    first, last = subsidy.first_benefit_year, subsidy.last_benefit_year
    return (first is None or first <= benefit_year) and (last is None or benefit_year <= last)
