"""Erasure of a person: name and numbers go, by two people; what was paid, told and counted stays, about nobody known.

Values are replaced by empty ones, and hashes by some that no number has. Copies go with their own time: the lists of
departments with the retention of files, answers that were kept for retries with that of their keys.
"""

from collections.abc import Sequence
from uuid import UUID

import orjson

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.problem import FieldError
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules, schemas
from ..rules import ERASURE_TRANSITIONS, ErasureAct, ErasureState
from ..store import erasures as store
from ..store import persons, suppliers
from ..store.erasures import Blank
from .matching import case_context, forgotten_hash
from .persons import read_persons
from .register import erased_hash, name_context, number_context, vouch_anew
from .suite import Eligibility


async def request_erasure(service: Eligibility, caller: Caller, once: Once, wanted: schemas.ErasureRequest) -> Answer:
    """Ask for the erasure of a person; another person decides. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN,
    PERSON_NEEDED, ERASURE_WAITS."""
    pool = wanted.pool

    async def work(tx: Writer) -> Answer:
        records = await _records(service, tx, caller, pool, wanted.person_id, "erasure.requested")
        await _require_unneeded(service, tx, pool, records)
        erasure_id = new_id()
        row = {
            "pool": pool,
            "erasure_id": erasure_id,
            "person_id": records[0],
            "state": ERASURE_TRANSITIONS[None, ErasureAct.REQUEST].value,
            "reason": wanted.reason,
            "requested_by": caller.subject,
            "requested_at": service.clock.now(),
            "version": 1,
        }
        if not await store.insert_request(tx, row):
            raise schemas.ERASURE_WAITS(person_id=records[0])
        return _shown(await store.find_request(tx, pool, erasure_id), 201)

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def decide_erasure(
    service: Eligibility, caller: Caller, once: Once, pool: str, erasure_id: UUID, version: int, act: ErasureAct
) -> Answer:
    """APPROVE and carry out a request, or DECLINE it; not whoever has entered it.

    Raises Problem ERASURE_UNKNOWN, VERSION_DIFFERS, ERASURE_NOT_IN_STATE, ERASURE_FOUR_EYES, PERSON_NEEDED.
    """

    async def work(tx: Writer) -> Answer:
        # Turns before everything else, which is everybody's order of locks: nothing is worked out meanwhile.
        await suppliers.take_every_turn(tx, pool, service.suppliers)
        request = await store.lock_request(tx, pool, erasure_id)
        if request is None:
            raise schemas.ERASURE_UNKNOWN(erasure_id=erasure_id)
        require_version(request["version"], version)
        state = ErasureState(request["state"])
        if (state, act) not in ERASURE_TRANSITIONS:
            raise schemas.ERASURE_NOT_IN_STATE(state=state)
        if request["requested_by"] == caller.subject:
            raise schemas.ERASURE_FOUR_EYES(subject=caller.subject)
        if act is ErasureAct.APPROVE:
            records = await _records(service, tx, caller, pool, request["person_id"], "person.erased")
            await store.lock_records(tx, pool, records)
            await _require_unneeded(service, tx, pool, records)
            await _erase(service, tx, pool, records)
        else:
            who, detail = [request["person_id"]], {"erasure_id": str(erasure_id)}
            tx.audit(pool, "erasure.declined", caller.client_id, caller.subject, service.clock.now(), who, detail)
        next_state = ERASURE_TRANSITIONS[state, act].value
        await store.set_decided(tx, pool, erasure_id, next_state, caller.subject, service.clock.now())
        return _shown(await store.find_request(tx, pool, erasure_id))

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def list_erasures(
    service: Eligibility, caller: Caller, pool: str, state: ErasureState | None, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Requests in the order they came; one more than `limit` where there are more."""
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        rows = await store.list_requests(tx, pool, state, after, limit)
        who = sorted({row["person_id"] for row in rows[:limit]})
        if who:
            tx.audit(pool, "erasure.listed", caller.client_id, caller.subject, service.clock.now(), who, {})
    return rows


async def _records(
    service: Eligibility, tx: Writer, caller: Caller, pool: str, person_id: UUID, action: str
) -> list[UUID]:
    """Every record of a person, first the one that answers for all."""
    found = (await read_persons(service, tx, caller, pool, [person_id], action, {}))[person_id]
    return [found["person_id"], *found["merged_ids"]]


async def _require_unneeded(service: Eligibility, tx: Writer, pool: str, records: Sequence[UUID]) -> None:
    today = business_day(service.clock.now())
    row = await store.what_is_known(tx, pool, records, today)
    known = rules.Known(
        row["holds_status"],
        row["merge_waits"],
        row["match_waits"],
        business_day(row["last_recorded_at"]),
        pool in service.settings.retention_held_pools,
    )
    reasons = rules.reasons_to_keep(known, today, service.settings.erasure_after_days)
    if reasons:
        errors = [FieldError(pointer="person_id", code=code.value, detail=detail) for code, detail in reasons.items()]
        raise schemas.PERSON_NEEDED(errors=errors, reasons="；".join(reasons.values()))


async def _erase(service: Eligibility, tx: Writer, pool: str, records: Sequence[UUID]) -> None:
    sealer, now = service.sealer, service.clock.now()
    names = [Blank(one, sealer.seal("", name_context(one)), erased_hash(sealer, one)) for one in records]
    await store.blank_names(tx, pool, names)
    documents = [row["document_id"] for row in await persons.documents_of(tx, pool, records)]
    numbers = [Blank(one, sealer.seal("", number_context(one)), erased_hash(sealer, one)) for one in documents]
    await store.blank_numbers(tx, pool, numbers)
    nothing = orjson.dumps(["", ""])
    cases = [
        Blank(one, sealer.seal(nothing, case_context(one)), forgotten_hash(sealer, one))
        for one in await store.cases_of(tx, pool, records)
    ]
    await store.blank_cases(tx, pool, cases)
    await vouch_anew(tx, pool, now, documents)
    await persons.raise_versions(tx, pool, records)


def _shown(request: Row | None, status: int = 200) -> Answer:
    return Answer(status, schemas.Erasure.model_validate(request).model_dump(mode="json"))
