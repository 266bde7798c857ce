"""重复参保: who is covered here and elsewhere for the same days, by what departments have told until now.

Eligibility is asked anew for each page, so that it does not matter which came first, the enrolment or the list; there
is no copy that could be out of step, and questions go the one way they always go.
"""

from typing import Any
from uuid import UUID

from shared.database import Row
from shared.pages import page
from shared.tokens import Caller

from ..formats.facts import read_facts
from ..formats.preferences import preferences
from ..rules import Duplicate, EnrolmentKind, OwnCover, Span, duplicates
from ..schemas.duplicates import DuplicateCover
from ..store import covers as store
from .registration import Registration


async def list_duplicate_cover(
    service: Registration, caller: Caller, pool: str, *, scheme: str | None, after: UUID | None, limit: int
) -> dict[str, Any]:
    """The next covers inside the caller's area of which days are covered elsewhere too.

    `limit` covers are looked at; the page shows those that are doubled. No transaction is open while eligibility is
    asked. Raises Problem AREA_FORBIDDEN, UPSTREAM_UNAVAILABLE, UpstreamRefusal.
    """
    caller.require_touch(pool)
    async with service.database.reading() as reader:
        rows = await store.running_covers(reader, pool, caller.area, scheme=scheme, after=after, limit=limit)
    shown = page(rows, limit, lambda row: row["cover_id"])
    looked_at = shown["items"]
    held = await service.eligibility.every_status(pool, list(dict.fromkeys(row["person_id"] for row in looked_at)))
    found = [
        _body(row, one) for row in looked_at for one in duplicates(preferences(), _own(row), held[row["person_id"]])
    ]
    async with service.database.writing() as tx:
        persons = list(dict.fromkeys(row["person_id"] for row in looked_at))
        if persons:
            now = service.clock.now()
            tx.audit(pool, "duplicate_cover.read", caller.client_id, caller.subject, now, persons, {})
    return {"items": found, "next": shown["next"]}


def _own(row: Row) -> OwnCover:
    facts = read_facts(row["facts"], EnrolmentKind(row["kind"]))
    return OwnCover(row["pool"], Span(row["covered_from"], row["covered_to"]), facts.residence, row["subsidised"])


def _body(row: Row, one: Duplicate) -> dict[str, Any]:
    return DuplicateCover.body_of(
        {
            "person_id": row["person_id"],
            "cover_id": row["cover_id"],
            "enrolment_id": row["enrolment_id"],
            "scheme": row["scheme"],
            "unit_code": row["unit_code"],
            "cover": {"from": row["covered_from"], "to": row["covered_to"]},
            "other": {"kind": one.other.status.code, "from": one.other.status.identified_on, "to": one.other.until},
            "days": {"from": one.days.starts_on, "to": one.days.ends_on},
            "keep": one.preference.keep,
            "preference": one.preference.code,
            "why": one.preference.why,
        }
    )
