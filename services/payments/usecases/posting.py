"""Rows of the fund ledger, as the use cases post them."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.codes import Payer
from shared.ids import new_id

from .. import rules


def transfer(
    about: Mapping[str, Any], kind: str, debit: str, credit: str, amount_fen: int, subject: object, at: datetime
) -> dict[str, Any]:
    """A row of the fund ledger: `amount_fen` moves from the credit account to the debit account.

    `about` gives pool, scheme and, where it concerns one, the bill; `subject` is the record that caused it.
    """
    return {
        "pool": about["pool"],
        "transfer_id": new_id(),
        "kind": kind,
        "debit_account": debit,
        "credit_account": credit,
        "amount_fen": amount_fen,
        "scheme": about["scheme"] or "",
        "subject": str(subject),
        "bill_no": about.get("bill_no"),
        "occurred_at": at,
    }


def claim_transfers(bill: Mapping[str, Any], cause: object, at: datetime) -> list[dict[str, Any]]:
    """What the other payers owe for a bill, one transfer per payer; `cause` is what settled it (S004-15, S004-16)."""
    owed: Counter[str] = Counter()
    for line in bill["lines"]:
        if line["payer"] != Payer.PERSON:
            owed[line["payer"]] += line["amount_fen"]
    return [
        transfer(bill, "claim", rules.claim_account(payer), rules.premium_account(payer), amount_fen, cause, at)
        for payer, amount_fen in sorted(owed.items())
    ]
