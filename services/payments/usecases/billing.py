"""A bill as it is made of an assessment."""

from datetime import datetime
from typing import Any

from shared.clock import business_day

from .. import rules, schemas


def bill_row(pool: str, news: schemas.AssessmentIssued, at: datetime, status: rules.BillStatus) -> dict[str, Any]:
    """The row of an assessment's bill. One that is paid as it is made, because nothing is owed, is paid on that day."""
    return {
        "pool": pool,
        "bill_no": rules.bill_number(pool, str(news.assessment_id)),
        "assessment_id": news.assessment_id,
        "scheme": news.scheme,
        "person_id": news.person_id,
        "unit_code": news.unit_code,
        "region": news.region,
        "standard_fen": news.standard_fen,
        "amount_fen": news.payable_fen,
        "lines": news.lines,
        "window": news.window,
        "status": status,
        "issued_at": at,
        "paid_on": business_day(at) if status is rules.BillStatus.PAID else None,
        "replaces": None,
        "voided_at": None,
        "void_reason": None,
        "version": 1,
        "name_masked": news.name_masked,
    }
