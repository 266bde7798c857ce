"""The facts by which a person enrolled ↔ the plain JSON that is kept with the enrolment.

Statuses are not kept: they are asked anew whenever something is judged. Nor are papers, which were seen once. Names and
identity numbers are no facts of an assessment.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..rules import EnrolmentKind, Facts

_PLAIN = (
    *("hukou", "residence", "sex", "residence_permit", "former_scheme", "missed_years", "repaired_years"),
    *("hukou_kind", "child_hukou_here", "pension_elsewhere"),
)


def write_facts(facts: Facts) -> dict[str, Any]:
    """The facts as JSON."""
    return {
        "birth_date": facts.birth_date.isoformat(),
        "hukou_since": facts.hukou_since.isoformat() if facts.hukou_since else None,
        "registered_on": facts.registered_on.isoformat(),
        **{name: getattr(facts, name) for name in _PLAIN},
    }


def read_facts(kept: Mapping[str, Any], enrolment: EnrolmentKind) -> Facts:
    """The facts of an enrolment as they were kept, without statuses and not yet paid."""
    return Facts(
        birth_date=date.fromisoformat(kept["birth_date"]),
        hukou_since=date.fromisoformat(kept["hukou_since"]) if kept["hukou_since"] else None,
        registered_on=date.fromisoformat(kept["registered_on"]),
        enrolment=enrolment,
        paid_on=None,
        **{name: kept[name] for name in _PLAIN},
    )
