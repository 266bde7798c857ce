"""Packages of the treasury: taken part by part, kept whole as evidence, counted only when nothing of them is missing.

    trailer → part → (the last one) the package agrees with its figures → it counts, and the day's earlier one no more

Who takes a part holds its day, so parts may come in any order, twice, or at once. The same bytes are the same part;
other bytes for a part that is there begin the package anew (its next issue), and the treasury sends all of it again.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.problem import TOO_LARGE
from shared.tokens import Caller

from ..formats.tips import MOST_BYTES, PackageUnreadable, TrailerWrong, TreasuryPart
from ..rules import treasury as rules
from ..schemas import treasury as wire
from ..schemas import treasury_problems as problems
from ..settings import TreasurySettings
from ..store import treasury as store
from ..store import treasury_checks as checks
from ..store import treasury_refunds as refund_store
from .suite import Payments


async def receive_treasury_package(
    service: Payments, caller: Caller, once: Once, upload: Upload, *, pool: str, file_name: str
) -> Answer:
    """Take one part of a package; 200 where it was here before.

    Raises Problem AREA_FORBIDDEN, TREASURY_NOT_SET_UP, TOO_LARGE, TRAILER_WRONG, PACKAGE_UNREADABLE,
    PACKAGE_OF_ANOTHER_POOL, ANSWER_WITHOUT_PACKAGE.
    """
    caller.require_pool(pool)
    part = _read(service, pool, upload)

    async def work(tx: Writer) -> Answer:
        package_id, known = await take_part(service, tx, pool, part, upload, file_name, caller.subject)
        if not known:
            detail = {"package_id": str(package_id), "message_no": part.message, "part_no": part.part_no}
            now = service.clock.now()
            tx.audit(pool, "treasury_package.received", caller.client_id, caller.subject, now, [], detail)
        return Answer(200 if known else 201, _shown(await store.find_package(tx, pool, package_id)))

    return await once.run(service.database, pool, work)


async def take_part(
    service: Payments, tx: Writer, pool: str, part: TreasuryPart, upload: Upload, file_name: str, by: str
) -> tuple[UUID, bool]:
    """Take a part in the caller's transaction; its package, and whether the part was here before.

    Raises Problem PACKAGE_OF_ANOTHER_POOL, ANSWER_WITHOUT_PACKAGE.
    """
    office = await _office(tx, service, pool, part)
    # From here it must succeed.
    await store.next_number(tx, pool, f"day/{part.message}/{office}/{part.day}")  # held until the commit
    packages = await store.packages_of_day(tx, pool, part.message, office, part.day)
    parts = await store.parts_of(tx, pool, [package["package_id"] for package in packages])
    newest = next((one for one in reversed(packages) if one["pack_no"] == part.pack_no), None)
    if newest is None or not _wants(newest, parts, part):
        same = next((one for one in parts if one["sha256"] == upload.sha256), None)
        if same:
            return same["package_id"], True
        if newest and newest["state"] != rules.PackageState.ACCEPTED and newest["state"] != rules.PackageState.REPLACED:
            await store.move_packages(tx, pool, [newest["package_id"]], _after(newest, rules.PackageAct.REPLACE))
        newest = _new_package(service, pool, office, part, newest["issue"] + 1 if newest else 1)
        await store.insert_package(tx, newest)
    await _keep_part(service, tx, newest, part, upload, file_name, by)
    await _conclude(tx, newest, part, [one for one in parts if one["package_id"] == newest["package_id"]])
    return newest["package_id"], False


async def list_treasury_packages(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    message_no: str | None,
    state: str | None,
    day: date | None,
) -> dict[str, Any]:
    """Packages in the order in which they began. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_packages(
            tx, pool, after=after, limit=limit, message_no=message_no, state=state, day=day
        )
    return page([_shown(row) for row in rows], limit, lambda row: row["package_id"])


async def read_treasury_package(service: Payments, caller: Caller, pool: str, package_id: UUID) -> dict[str, Any]:
    """One package. Raises Problem TREASURY_PACKAGE_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        row = await store.find_package(tx, pool, package_id)
    if row is None:
        raise problems.PACKAGE_UNKNOWN(package_id=package_id)
    return _shown(row)


async def list_vouchers(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: str,
    limit: int,
    result: str | None,
    posted_on: date | None,
    voucher_no: str | None,
) -> dict[str, Any]:
    """Vouchers with what both sides have under each. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_vouchers(
            tx,
            pool,
            after=after,
            limit=limit,
            due=due_day(service),
            result=result,
            posted_on=posted_on,
            voucher_no=voucher_no,
        )
    items = [wire.VoucherState.model_validate(row, extra="ignore").model_dump(mode="json") for row in rows]
    return page(items, limit, lambda row: row["voucher_no"])


async def list_collection_differences(
    service: Payments, caller: Caller, pool: str, *, after: str, limit: int
) -> dict[str, Any]:
    """Vouchers on which the treasury's day checks and our books disagree. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await checks.list_collection_differences(tx, pool, after=after, limit=limit)
    items = [wire.CollectionDifferenceItem.model_validate(row, extra="ignore").model_dump(mode="json") for row in rows]
    return page(items, limit, lambda row: row["voucher_no"])


def due_day(service: Payments) -> date:
    """The last day on which money was paid that should be posted by now; before all days where nothing should be."""
    days = service.settings.treasury.posting_days if service.settings.treasury else None
    return date.min if days is None else business_day(service.clock.now()) - timedelta(days=days)


def settings_of(service: Payments, pool: str) -> TreasurySettings:
    """How the treasury is set up. Raises Problem TREASURY_NOT_SET_UP."""
    if service.settings.treasury is None or service.tips is None:
        raise problems.TREASURY_NOT_SET_UP(pool=pool)
    return service.settings.treasury


def _read(service: Payments, pool: str, upload: Upload) -> TreasuryPart:
    settings_of(service, pool)
    assert service.tips is not None
    if upload.size_bytes > MOST_BYTES:
        raise TOO_LARGE(limit_bytes=MOST_BYTES)
    upload.file.seek(0)
    try:
        part = service.tips.read(upload.file.read())
    except TrailerWrong as error:
        raise problems.TRAILER_WRONG(reason=error) from error
    except PackageUnreadable as error:
        raise problems.PACKAGE_UNREADABLE(reason=error) from error
    if not 1 <= part.part_no <= part.parts:
        raise problems.PACKAGE_UNREADABLE(reason=f"CurPackNo {part.part_no} / ChildPackNum {part.parts}")
    if len(part.lines) > rules.MOST_ROWS:
        raise problems.PACKAGE_UNREADABLE(reason=f"{len(part.lines)} > {rules.MOST_ROWS} lines")
    return part


async def _office(tx: Writer, service: Payments, pool: str, part: TreasuryPart) -> str:
    """The office that a part is about: one of the pool's; of an answer, that of the package it answers."""
    if part.office is None:
        asked = await refund_store.find_by_number(tx, pool, part.day, part.pack_no)
        if asked is None:
            raise problems.ANSWER_WITHOUT_PACKAGE(day=part.day, pack_no=part.pack_no)
        office: str = asked["office"]
        return office
    known = settings_of(service, pool).offices.get(part.office)
    if known is None or known.pool != pool:
        raise problems.PACKAGE_OF_ANOTHER_POOL(office=part.office, pool=pool)
    return part.office


def _wants(package: Mapping[str, Any], parts: Sequence[Row], part: TreasuryPart) -> bool:
    """Whether a package that is not whole yet lacks just this part."""
    if package["state"] != rules.PackageState.INCOMPLETE:
        return False
    there = {one["part_no"] for one in parts if one["package_id"] == package["package_id"]}
    same = (package["parts"], package["told_count"], package["told_fen"])
    return part.part_no not in there and same == (part.parts, part.told_count, part.told_fen)


def _after(package: Mapping[str, Any], act: rules.PackageAct) -> rules.PackageState:
    return rules.PACKAGE_TRANSITIONS[rules.PackageState(package["state"]), act]


def _new_package(service: Payments, pool: str, office: str, part: TreasuryPart, issue: int) -> dict[str, Any]:
    return {
        "pool": pool,
        "package_id": new_id(),
        "message_no": part.message,
        "office": office,
        "day": part.day,
        "pack_no": part.pack_no,
        "issue": issue,
        "parts": part.parts,
        "told_count": part.told_count,
        "told_fen": part.told_fen,
        "result": part.result,
        "detail": part.detail,
        "state": rules.PACKAGE_TRANSITIONS[None, rules.PackageAct.TAKE_PART],
        "received_at": service.clock.now(),
        "version": 1,
    }


async def _keep_part(
    service: Payments,
    tx: Writer,
    package: Mapping[str, Any],
    part: TreasuryPart,
    upload: Upload,
    file_name: str,
    by: str,
) -> None:
    pool, now = package["pool"], service.clock.now()
    about = {"pool": pool, "package_id": package["package_id"], "part_no": part.part_no}
    kept = {
        "sha256": upload.sha256,
        "evidence_id": await evidence.keep(tx, service.sealer, pool, file_name, upload, now),
        "rows_count": len(part.lines),
        "amount_fen": part.amount_fen,
        "received_by": by,
        "received_at": now,
    }
    rows = [
        {
            **about,
            "row_no": row_no,
            "voucher_no": line.voucher_no,
            "amount_fen": line.amount_fen,
            "entrust_date": line.entrust_date,
            "order_pack": line.order_pack,
            "order_no": line.order_no,
            "success": line.success,
            "content": dict(line.content),
        }
        for row_no, line in enumerate(part.lines, start=1)
    ]
    await store.insert_part(tx, about | kept, rows)


async def _conclude(tx: Writer, package: Mapping[str, Any], part: TreasuryPart, before: Sequence[Row]) -> None:
    """Let a package count once it is whole and agrees; whatever of its day began earlier is replaced by it.

    One that is whole only after a later one was accepted gives way: the treasury has sent the day again since.
    """
    totals = rules.Totals(
        package["told_count"],
        package["told_fen"],
        sum(one["rows_count"] for one in before) + len(part.lines),
        sum(one["amount_fen"] for one in before) + part.amount_fen,
    )
    act = rules.package_act(package["parts"], len(before) + 1, totals)
    if act is None:
        return
    pool, package_id = package["pool"], package["package_id"]
    others = [
        one
        for one in await store.packages_of_day(tx, pool, package["message_no"], package["office"], package["day"])
        if one["package_id"] != package_id
        and (one["message_no"] != rules.Message.REFUND_ANSWER or one["pack_no"] == package["pack_no"])
    ]
    accepted = [one for one in others if one["state"] == rules.PackageState.ACCEPTED]
    if act is rules.PackageAct.ACCEPT and any(one["package_id"] > package_id for one in accepted):
        act = rules.PackageAct.REPLACE
    if act is rules.PackageAct.ACCEPT:
        earlier = [
            one["package_id"]
            for one in others
            if one["package_id"] < package_id and one["state"] != rules.PackageState.REPLACED
        ]
        await store.move_packages(tx, pool, earlier, rules.PackageState.REPLACED)
    await store.move_packages(tx, pool, [package_id], _after(package, act))


def upload_of(raw: bytes) -> Upload:
    """Bytes that we have fetched ourselves, as an upload."""
    return Upload(io.BytesIO(raw), hashlib.sha256(raw).hexdigest(), len(raw))


def _shown(row: Row | None) -> dict[str, Any]:
    return wire.TreasuryPackage.model_validate(row, extra="ignore").model_dump(mode="json")
