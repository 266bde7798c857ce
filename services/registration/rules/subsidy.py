"""Which one of a person's statuses helps, how much it pays, and why the others give nothing."""

from dataclasses import dataclass

from shared.codes import Payer, Status
from shared.money import percent_of

from .facts import GivenStatus, Situation
from .package import Choice, FullHelp, Help, Package, PercentHelp, RuleIds, Subsidy
from .verdict import Line, NotApplied, NotAppliedReason, merged

# The statuses that some notice helps. `not_applied` speaks of these, and of those that the package itself denies help;
# the others decide who may enrol or what is due.
HELPING_STATUSES = frozenset(
    {
        Status.DIBAO,
        Status.DESTITUTE,
        Status.ORPHAN,
        Status.UNATTENDED_CHILD,
        Status.REGISTERED_POOR,
        Status.FALLEN_INTO_POVERTY,
        Status.AT_RISK_OF_POVERTY,
        Status.DISABLED,
        Status.KEY_ENTITLED,
        Status.FAMILY_PLANNING_HARDSHIP,
    }
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subsidy that the person could get."""

    subsidy: Subsidy
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The help that a person gets (no lines where nothing helps) and what the other statuses came to."""

    lines: tuple[Line, ...]
    not_applied: tuple[NotApplied, ...]

    @property
    def amount_fen(self) -> int:
        """What the help pays."""
        return sum(line.amount_fen for line in self.lines)


Judged = list[Candidate | NotApplied]

NO_HELP = Chosen((), ())


def judge(package: Package, seen: Situation, individual_fen: int) -> Judged:
    """What each given status would give towards this individual part, and what is given without any."""
    given = [
        _judge_status(package, seen, status, individual_fen)
        for status in seen.facts.statuses
        if status.code in HELPING_STATUSES or status.code in package.subsidies.denied
    ]
    described = [
        Candidate(subsidy, amount_of(subsidy.help, individual_fen))
        for subsidy in package.subsidies.described
        if _why_not(package, subsidy, None, seen) is None
    ]
    return [*given, *described]


def choose(package: Package, judged: Judged) -> Chosen:
    """Choose a person's one subsidy by the package's choice; among equals the first in the package (A004-9)."""
    if not judged:
        return NO_HELP
    candidates = [found for found in judged if isinstance(found, Candidate)]
    if not candidates:
        return Chosen((), tuple(found for found in judged if isinstance(found, NotApplied)))
    subsidies = package.subsidies
    by_amount = subsidies.choice is Choice.HIGHEST_AMOUNT
    best = min(candidates, key=lambda one: (-one.amount_fen if by_amount else 0, one.subsidy.rank))
    not_applied = tuple(
        _outdone(found, subsidies.one_only_rules) if isinstance(found, Candidate) else found
        for found in judged
        if found is not best and (isinstance(found, NotApplied) or found.subsidy.status is not None)
    )
    chosen = best.subsidy
    rules = merged(chosen.rules, subsidies.one_only_rules) if len(candidates) > 1 else chosen.rules
    lines = tuple(
        Line(payer, amount_fen, chosen.status, rules)
        for payer, amount_fen in shared_out(best.amount_fen, chosen.payers)
    )
    return Chosen(lines, not_applied)


def nothing_to_help(judged: Judged, why: RuleIds) -> Chosen:
    """What the statuses come to where, by the rules `why`, the person owes nothing that help could pay."""
    not_applied = []
    for found in judged:
        if isinstance(found, NotApplied):
            not_applied.append(found)
        elif found.subsidy.status is not None:
            not_applied.append(NotApplied(found.subsidy.status, 0, NotAppliedReason.CONDITION_NOT_MET, why))
    return Chosen((), tuple(not_applied))


def amount_of(help_: Help, individual_fen: int) -> int:
    """What a kind of help pays of the individual part, in fen; never more than the whole of it (A004-4)."""
    if isinstance(help_, FullHelp):
        return individual_fen
    if isinstance(help_, PercentHelp):
        amount_fen = max(percent_of(individual_fen, help_.percent), help_.floor_fen)
        if help_.cap_fen is not None:
            amount_fen = min(amount_fen, help_.cap_fen)
        return min(amount_fen, individual_fen)
    return min(help_.amount_fen, individual_fen)


def shared_out(amount_fen: int, payers: tuple[tuple[Payer, int | None], ...]) -> list[tuple[Payer, int]]:
    """An amount over payers in their order, each up to its fen, the last without bound; who pays nothing is out."""
    shares = []
    for payer, up_to_fen in payers:
        share_fen = amount_fen if up_to_fen is None else min(amount_fen, up_to_fen)
        if share_fen:
            shares.append((payer, share_fen))
        amount_fen -= share_fen
    return shares


def _outdone(found: Candidate, one_only: RuleIds) -> NotApplied:
    assert found.subsidy.status is not None
    return NotApplied(found.subsidy.status, found.amount_fen, NotAppliedReason.ONE_SUBSIDY_ONLY, one_only)


def _judge_status(package: Package, seen: Situation, given: GivenStatus, individual_fen: int) -> Candidate | NotApplied:
    """The best that the entries for a status give; where none gives anything, why the first of them does not."""
    subsidies = package.subsidies
    if not given.counts_on(seen.status_day):
        return NotApplied(given.code, 0, NotAppliedReason.NOT_YET_IDENTIFIED, subsidies.evidence_rules)
    entries = subsidies.by_status.get(given.code)
    if entries is None:
        # A status that the notice denies help is answered by that rule; of one that it never names none speaks.
        denied_by = subsidies.denied.get(given.code, ())
        return NotApplied(given.code, 0, NotAppliedReason.NOT_IN_SCHEME, denied_by)
    first_reason: NotAppliedReason | None = None
    best: Candidate | None = None
    for subsidy in entries:
        reason = _why_not(package, subsidy, given, seen)
        if reason is not None:
            first_reason = first_reason or reason
            continue
        found = Candidate(subsidy, amount_of(subsidy.help, individual_fen))
        if best is None or found.amount_fen > best.amount_fen:
            best = found
    if best is not None:
        return best
    assert first_reason is not None
    return NotApplied(given.code, 0, first_reason, entries[0].rules)


def _why_not(package: Package, subsidy: Subsidy, given: GivenStatus | None, seen: Situation) -> NotAppliedReason | None:
    if given is not None and subsidy.grades is not None and given.grade not in subsidy.grades:
        return NotAppliedReason.GRADE_NOT_COVERED
    if not _is_in_force(subsidy, package.benefit_year):
        return NotAppliedReason.EXPIRED
    if subsidy.local_hukou and not seen.hukou_here:
        return NotAppliedReason.NOT_LOCAL
    if given is not None and subsidy.identified_by is not None and not given.counts_on(subsidy.identified_by):
        return NotAppliedReason.CONDITION_NOT_MET
    return None if subsidy.who.fits(seen) else NotAppliedReason.CONDITION_NOT_MET


def _is_in_force(subsidy: Subsidy, benefit_year: int) -> bool:
    first, last = subsidy.first_benefit_year, subsidy.last_benefit_year
    return (first is None or first <= benefit_year) and (last is None or benefit_year <= last)
