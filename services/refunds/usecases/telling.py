"""The events that refunds tells. Each is told once, from the row as it stands after the change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.clock import business_day
from shared.database import Writer

from .. import rules, schemas

_OUTCOMES = (rules.State.REFUSED, rules.State.REJECTED, rules.State.APPROVED)


def tell_decided(tx: Writer, row: Mapping[str, Any], at: datetime) -> None:
    """`refund.decided`, if the row is refused, rejected or approved now."""
    if row["state"] in _OUTCOMES:
        data = schemas.RefundDecided.model_validate({**row, "outcome": row["state"]}, extra="ignore")
        _tell(tx, "refund.decided", row, at, data)


def tell_closed(tx: Writer, row: Mapping[str, Any]) -> None:
    """`refund.closed`, at the instant of paying back."""
    data = schemas.RefundClosed.model_validate({**row, "paid_on": business_day(row["paid_at"])}, extra="ignore")
    _tell(tx, "refund.closed", row, row["paid_at"], data)


def _tell(
    tx: Writer,
    kind: str,
    row: Mapping[str, Any],
    at: datetime,
    data: schemas.RefundDecided | schemas.RefundClosed,
) -> None:
    tx.publish(row["pool"], kind, row["application_id"], row["version"], at, data.model_dump(mode="json"))
