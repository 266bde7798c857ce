"""The accounts of the fund ledger. A transfer moves an amount from its credit account to its debit account."""

from .settling import Outcome

SPECIAL_ACCOUNT = "special_account"  # 财政专户
PREMIUM = "premium/person"  # premiums that persons have paid
SURPLUS = "surplus"  # paid without being due, owed back
SUSPENSE = "suspense"  # come without a home

HELD = "held/"  # money taken and not yet handed over, by who holds it


def held_account(shift_id: str) -> str:
    """What a shift holds until it closes."""
    return f"held/shift/{shift_id}"


def claim_account(payer: str) -> str:
    """What another payer owes for its lines of settled bills (S004-15, S004-16)."""
    return f"claim/{payer}"


def premium_account(payer: str) -> str:
    """Premium income of a payer."""
    return f"premium/{payer}"


def credit_account(outcome: Outcome) -> str:
    """Where money that has come stands in the ledger."""
    return {Outcome.SETTLED: PREMIUM, Outcome.SURPLUS: SURPLUS, Outcome.SUSPENSE: SUSPENSE}[outcome]


def takings(collected_fen: int, paid_back_fen: int) -> int:
    """What a shift hands over: taken less paid back; negative where the special account makes it up."""
    return collected_fen - paid_back_fen
