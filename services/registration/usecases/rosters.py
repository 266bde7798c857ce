"""Rosters: handed in by units, kept sealed as they came, answered row by row. `taking` does the rows."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import wall_now
from shared.database import Reader, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.sheets import Sheet, SheetUnreadable
from shared.tokens import Caller

from ..formats import roster as roster_format
from ..rules.states import ROSTER_TRANSITIONS, RosterAct, RosterState
from ..schemas.problems import ROSTER_NOT_TAKEN, ROSTER_UNKNOWN, ROSTER_UNREADABLE
from ..schemas.rosters import RosterOut
from ..store import rosters as store
from ..store import units as unit_store
from .registration import Registration, package_of_pool, unit_for


async def hand_in_roster(
    service: Registration,
    caller: Caller,
    once: Once,
    upload: Upload,
    *,
    pool: str,
    scheme: str,
    unit_code: str,
    file_name: str,
) -> Answer:
    """Keep a roster; its rows are taken by a job. The same bytes from the same unit again are the same roster.

    Raises Problem UNIT_UNKNOWN, AREA_FORBIDDEN, SCHEME_UNKNOWN, ROSTER_UNREADABLE.
    """
    async with service.database.reading() as tx:
        unit = await unit_for(tx, caller, pool, unit_code)
        await package_of_pool(tx, pool, scheme)
    upload.file.seek(0)
    sheet = await _readable(file_name, upload.file.read(), unit["kind"])
    now = service.clock.now()
    row = {
        "pool": pool,
        "roster_id": new_id(),
        "scheme": scheme,
        "unit_code": unit_code,
        "file_name": file_name,
        "sha256": upload.sha256,
        "state": ROSTER_TRANSITIONS[None, RosterAct.RECEIVE],
        "rows_total": len(sheet.rows),
        "rows_enrolled": 0,
        "rows_refused": 0,
        "rows_rejected": 0,
        "last_row": 0,
        "free_from": wall_now(),
        "received_by": caller.subject,
        "received_at": now,
        "version": 1,
    }

    async def keep(tx: Writer) -> Answer:
        same = await store.find_same(tx, pool, scheme, unit_code, upload.sha256)
        if same is None:
            evidence_id = await evidence.keep(tx, service.sealer, pool, file_name, upload, now)
            if await store.insert_roster(tx, {**row, "evidence_id": evidence_id}):
                return Answer(201, RosterOut.body_of({**row, "taken_at": None}))
            same = await store.find_same(tx, pool, scheme, unit_code, upload.sha256)
        assert same is not None
        return Answer(200, RosterOut.body_of(same))

    return await once.run(service.database, pool, keep)


async def read_roster(service: Registration, caller: Caller, pool: str, roster_id: UUID) -> dict[str, Any]:
    """One roster. Raises Problem ROSTER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        return RosterOut.body_of(await _roster_for(tx, caller, pool, roster_id))


async def list_rosters(
    service: Registration, caller: Caller, pool: str, scheme: str, after: UUID | None, limit: int
) -> dict[str, Any]:
    """The rosters of a scheme inside the caller's area, in the order they came. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_rosters(tx, pool, scheme, caller.area, after=after, limit=limit)
    return page([RosterOut.body_of(row) for row in rows], limit, lambda row: row["roster_id"])


async def list_roster_rows(
    service: Registration, caller: Caller, pool: str, roster_id: UUID, after: int, limit: int
) -> dict[str, Any]:
    """What became of each row; leaves an audit line. Raises Problem ROSTER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.writing() as tx:
        await _roster_for(tx, caller, pool, roster_id)
        rows = await store.list_rows(tx, pool, roster_id, after=after, limit=limit)
        _audit(service, tx, caller, pool, roster_id, [row["person_id"] for row in rows[:limit]])
    return page(rows, limit, lambda row: row["row"])


async def read_returned_rows(service: Registration, caller: Caller, pool: str, roster_id: UUID) -> tuple[str, bytes]:
    """The rows that enrolled nobody, as they came, with a column 退回原因; the name of the file and its bytes.

    Identity numbers are masked for a caller who could neither hand the roster in nor see numbers elsewhere.
    Raises Problem ROSTER_UNKNOWN, AREA_FORBIDDEN, ROSTER_NOT_TAKEN.
    """
    async with service.database.writing() as tx:
        roster = await _roster_for(tx, caller, pool, roster_id)
        if roster["state"] != RosterState.TAKEN:
            done = roster["rows_enrolled"] + roster["rows_refused"] + roster["rows_rejected"]
            raise ROSTER_NOT_TAKEN(done=done, total=roster["rows_total"])
        unit = await unit_store.find_unit(tx, pool, roster["unit_code"])
        assert unit is not None
        data = await evidence.load(tx, service.sealer, pool, roster["evidence_id"])
        returned = await store.list_returned(tx, pool, roster_id)
        _audit(service, tx, caller, pool, roster_id, [row["person_id"] for row in returned])
    details = {row["row_no"]: [reason["detail"] for reason in row["reasons"]] for row in returned}
    sheet = await _readable(roster["file_name"], data, unit["kind"])
    masked = not (caller.has("registration:write") or caller.has("persons:full"))
    return roster["file_name"], await asyncio.to_thread(roster_format.write_returned, sheet, details, masked=masked)


async def _readable(file_name: str, data: bytes, unit_kind: str) -> Sheet:
    # A large sheet takes seconds: a thread keeps the other requests going.
    try:
        return await asyncio.to_thread(roster_format.read_roster, file_name, data, unit_kind)
    except SheetUnreadable as error:
        raise ROSTER_UNREADABLE(reason=error) from error


async def _roster_for(tx: Reader, caller: Caller, pool: str, roster_id: UUID) -> Mapping[str, Any]:
    roster = await store.find_roster(tx, pool, roster_id)
    if roster is None:
        raise ROSTER_UNKNOWN(roster_id=roster_id)
    await unit_for(tx, caller, pool, roster["unit_code"])
    return roster


def _audit(
    service: Registration, tx: Writer, caller: Caller, pool: str, roster_id: UUID, person_ids: list[UUID | None]
) -> None:
    persons = list(dict.fromkeys(person_id for person_id in person_ids if person_id))
    if persons:
        detail = {"roster_id": str(roster_id)}
        tx.audit(pool, "roster.read", caller.client_id, caller.subject, service.clock.now(), persons, detail)
