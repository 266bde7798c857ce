"""News from eligibility: departments' lists that come after a person has enrolled (A004-11), persons who become one.

    prepare (eligibility is asked anew, no transaction) → tx: lock enrolments, review, revise

The statuses are asked for whoever the news name, enrolled or not: somebody who enrols in between was judged by what
eligibility knew before these news (`hold_cursor` in `taking.py` sees to it) and is found here.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from uuid import UUID

from shared.clock import business_day
from shared.database import Writer
from shared.events import Apply, Event

from ..rules import Held, Package, review
from ..schemas.events import STATUS_GRANTED, STATUS_WITHDRAWN, StatusNews
from ..store import aliases
from ..store import revisions as store
from .merges import follow_merges
from .registration import Registration, governing, versions_of
from .revising import Change, change, standing_of


async def prepare_statuses(service: Registration, pool: str, events: Sequence[Event]) -> Apply:
    """Ask what the persons of a batch hold now. Raises UpstreamRefusal, Problem UPSTREAM_UNAVAILABLE."""
    held = await service.eligibility.every_status(pool, sorted(_found_on(events)))
    return partial(_learn, service, held)


async def _learn(
    service: Registration,
    held: Mapping[UUID, Sequence[Held]],
    tx: Writer,
    pool: str,
    events: Sequence[Event],
) -> None:
    """Review each enrolment of the persons named, once, however many news name them."""
    now = service.clock.now()
    await follow_merges(tx, pool, events, now)
    found_on = _found_on(events)
    if not found_on:
        return
    # Whoever is enrolled under another id of a person named is reviewed as that person.
    means = await aliases.everybody(tx, pool, list(found_on))
    today = business_day(now)
    versions: dict[str, list[tuple[Package, date | None]]] = {}
    changes = []
    for row in await store.lock_standing(tx, pool, list(means), min(found_on.values())):
        if row["scheme"] not in versions:
            versions[row["scheme"]] = await versions_of(tx, pool, row["scheme"])
        person_id = means[row["person_id"]]
        package, came_on = governing(versions[row["scheme"]], row["paid_on"]), found_on[person_id]
        outcome = review(package, standing_of(row), held[person_id], found_on=came_on, today=max(today, came_on))
        if outcome:
            changes.append(Change(row, package, outcome, came_on))
    await change(tx, pool, changes, now)
    if changes:
        persons = [one.row["person_id"] for one in changes]
        client = service.settings.client_id
        tx.audit(pool, "enrolment.reviewed", client, client, now, persons, {"events": [events[0].seq, events[-1].seq]})


def _found_on(events: Sequence[Event]) -> dict[UUID, date]:
    """The persons whom status news name, with the day on which the last of them came."""
    news = [event for event in events if event.type in (STATUS_GRANTED, STATUS_WITHDRAWN)]
    return {StatusNews.model_validate(event.data).person_id: business_day(event.occurred_at) for event in news}
