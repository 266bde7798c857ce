"""Persons who turn out to be one: their enrolments stay as they were made, and answer to every id of the person.

Where both were enrolled in a scheme, people decide; nothing is overwritten. Bills, receipts and refunds keep the id by
which they were made as well: what was paid was paid, whichever record it was paid for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Writer
from shared.events import Event

from ..rules import CaseKind
from ..schemas.events import PERSON_MERGED, PERSON_PARTED, MergeNews
from ..store import aliases
from ..store import revisions as store
from .registration import governing, versions_of
from .revising import case_row


async def follow_merges(tx: Writer, pool: str, events: Sequence[Event], now: datetime) -> None:
    """Note who answers for whom, and open a case for each enrolment that stands beside another of the same person."""
    surviving: dict[UUID, datetime] = {}
    for event in events:
        if event.type == PERSON_MERGED:
            news = MergeNews.model_validate(event.data)
            await aliases.point(tx, pool, news.person_ids, news.surviving_id)
            surviving[news.surviving_id] = event.occurred_at
        elif event.type == PERSON_PARTED:
            news = MergeNews.model_validate(event.data)
            await aliases.point(tx, pool, news.person_ids, news.person_id)
    twice = await aliases.enrolled_twice(tx, pool, list(surviving)) if surviving else []
    if not twice:
        return
    found_on = business_day(max(surviving.values()))
    cases: list[dict[str, Any]] = []
    for row in await store.lock_enrolments(tx, pool, twice):
        once = governing(await versions_of(tx, pool, row["scheme"]), row["paid_on"]).admission.once_rules
        kind = CaseKind.ENROLLED_TWICE
        cases.append(case_row(row, kind, found_on, status=None, would_be_fen=0, rules=once, now=now))
    await store.insert_cases(tx, cases)
