"""The accounts of the fund ledger. A transfer moves an amount from its credit account to its debit account."""

from .settling import Outcome

SPECIAL_ACCOUNT = "special_account"  # 财政专户
PREMIUM = "premium/person"  # premiums that persons have paid
SURPLUS = "surplus"  # paid without being due, owed back
SUSPENSE = "suspense"  # come without a home
CASH_DIFFERENCE = "cash_difference"  # what drawers held less than they should, or more (长短款)
INTEREST = "interest"  # what banks paid on money on its way
SPECIAL_INTEREST = "special_account/interest"  # the same, arrived; apart, so that premiums still equal heads (S000-44)

SHORT = "short/"  # 短款: owed to the special account and not come, by whom
OVER = "over/"  # 长款: come to the special account and owed by nobody, by whom

HELD = "held/"  # money taken and not yet handed over, by who holds it


def held_account(shift_id: str) -> str:
    """What a shift holds until it closes."""
    return f"held/shift/{shift_id}"


def held_by_counter(counter_code: str) -> str:
    """The cash of a counter's closed shifts until the bank has it."""
    return f"{HELD}counter/{counter_code}"


def held_by_agent(ledger_id: object) -> str:
    """What an agent holds by one ledger until it is handed over (S004-24)."""
    return f"{HELD}agent/{ledger_id}"


def held_by_town(town: str) -> str:
    """What a town holds on its way to the special account (S000-44, S002-31); `town` has nine digits."""
    return f"{HELD}town/{town}"


def held_by_bank(institution: str) -> str:
    """What a bank has collected and not yet settled with us."""
    return f"held/bank/{institution}"


def claim_account(payer: str) -> str:
    """What another payer owes for its lines of settled bills (S004-15, S004-16)."""
    return f"claim/{payer}"


def premium_account(payer: str) -> str:
    """Premium income of a payer."""
    return f"premium/{payer}"


def credit_account(outcome: Outcome) -> str:
    """Where money that has come stands in the ledger."""
    return {Outcome.SETTLED: PREMIUM, Outcome.SURPLUS: SURPLUS, Outcome.SUSPENSE: SUSPENSE}[outcome]
