"""What is due before any help: the rate of the group, what the person owes of it, and what others owe of it anyway."""

from dataclasses import dataclass

from shared.codes import Payer, RefusalCode
from shared.money import percent_of

from .facts import EnrolmentKind, Situation
from .package import Due, Kept, Package, Premium, RuleIds, Terms
from .verdict import Line, Reason, merged

_KINDS = {EnrolmentKind.NEW: "新参保", EnrolmentKind.RENEWAL: "续保", EnrolmentKind.NEWBORN: "新生儿参保"}


@dataclass(frozen=True, slots=True)
class Dues:
    """What is due: `owed_fen` is the individual part, which help may pay, `fiscal_fen` the government's part where due.

    `payer` owes both; `others` are lines of others whatever the person holds. All of it together is the standard.
    """

    owed_fen: int
    fiscal_fen: int
    payer: Payer
    others: tuple[Line, ...]
    rules: RuleIds
    premium: Premium | None = None

    @property
    def standard_fen(self) -> int:
        """The whole that is due."""
        return self.owed_fen + self.fiscal_fen + sum(line.amount_fen for line in self.others)


def dues_of(package: Package, seen: Situation, terms: Terms) -> Dues | Reason:
    """What is due on these terms; `no_rule` where no rate fits, `amount_unknown` where a figure is not set."""
    if terms.due is Due.NOTHING:
        return Dues(0, 0, Payer.PERSON, (), terms.rules)
    premium = next((one for one in package.premiums if one.who.fits(seen)), None)
    if premium is None:
        kind = _KINDS[seen.facts.enrolment]
        return Reason(RefusalCode.NO_RULE, f"本年度政策未规定“{kind}”如何办理，请由经办机构确定", ())
    whole = (premium.due or terms.due) is Due.INDIVIDUAL_AND_FISCAL
    kept = next((one for one in package.kept if one.who.fits(seen)), None)
    rules = merged(premium.rules, terms.rules, kept.rules if kept else ())
    if premium.individual_fen is None:
        return _unknown("个人缴费标准", rules)
    if whole and premium.fiscal_fen is None:
        return _unknown("各级财政补助标准", rules)
    fiscal_fen = premium.fiscal_fen if whole and premium.fiscal_fen is not None else 0
    if kept is None:
        return Dues(premium.individual_fen, fiscal_fen, premium.payer, (), rules, premium)
    return _kept_dues(premium, kept, seen, fiscal_fen, rules)


def _kept_dues(premium: Premium, kept: Kept, seen: Situation, fiscal_fen: int, rules: RuleIds) -> Dues | Reason:
    """The former amount stays the person's; from the day on which the merged scheme runs others make up the gap."""
    assert premium.individual_fen is not None
    if kept.keeps_fen is None or any(percent is None for _, percent in kept.gap_shares[:-1]):
        return _unknown("原制度个人缴费标准及差额分担比例", rules)
    if seen.day < kept.gap_from:
        return Dues(kept.keeps_fen, fiscal_fen, premium.payer, (), rules, premium)
    gap_fen = max(0, premium.individual_fen - kept.keeps_fen)
    owed_fen, others = premium.individual_fen - gap_fen, []
    left_fen = gap_fen
    for payer, percent in kept.gap_shares:
        share_fen = left_fen if percent is None else min(left_fen, percent_of(gap_fen, percent))
        if share_fen:
            others.append(Line(payer, share_fen, None, kept.rules))
        left_fen -= share_fen
    return Dues(owed_fen, fiscal_fen, premium.payer, tuple(others), rules, premium)


def _unknown(what: str, rules: RuleIds) -> Reason:
    return Reason(RefusalCode.AMOUNT_UNKNOWN, f"{what}未在政策中确定，无法核定", rules)
