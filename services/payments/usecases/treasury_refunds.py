"""Refunds through the treasury (退库): what was posted there goes back from there, to the payee's bank account.

    account recorded → confirmed by another → POST /v1/refunds by whoever did not record it
                     → built into a package (1104) → sent → answered line by line (9110) → checked (3123)

A package is stored before it is sent, and is the same bytes under the same numbers in every try. What the treasury
answers of a line ends in `settle_refund`; a line that it refuses is free for another way.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog

from shared.clock import business_day, wall_now
from shared.database import Row, Writer
from shared.ids import new_id
from shared.jobs import in_turn
from shared.pages import page
from shared.problem import Problem
from shared.tokens import Caller

from ..clients import ABSENT, Done, Refused
from ..formats.tips import PackageUnreadable, RefundLine, RefundPackage, TrailerWrong
from ..rules import RefundState
from ..rules import treasury as rules
from ..rules.tax import POOLLESS
from ..schemas import treasury as wire
from ..schemas import treasury_problems as problems
from ..settings import TreasurySettings
from ..store import treasury as treasury_store
from ..store import treasury_checks as checks
from ..store import treasury_refunds as store
from .payback import settle_refund
from .refund_accounts import account_context
from .suite import Payments
from .treasury import settings_of, take_part, upload_of

_MOST_SECONDS = 3600.0
_BASIS = "城乡居民医保缴费退费"
_RETURN_DAYS = 1
_TREASURY = "treasury"
_log = structlog.get_logger()


async def list_refund_packages(
    service: Payments, caller: Caller, pool: str, *, after: UUID | None, limit: int, state: str | None
) -> dict[str, Any]:
    """Packages of refunds in the order in which they were built. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_packages(tx, pool, after=after, limit=limit, state=state)
    items = [wire.RefundPackage.model_validate(row, extra="ignore").model_dump(mode="json") for row in rows]
    return page(items, limit, lambda row: row["refund_package_id"])


async def list_refund_differences(service: Payments, caller: Caller, pool: str) -> dict[str, Any]:
    """Refunds on which the treasury's check and our books disagree. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await checks.list_refund_differences(tx, pool)
    items = [wire.RefundDifferenceItem.model_validate(row, extra="ignore").model_dump(mode="json") for row in rows]
    return {"items": items, "next": None}


async def hand_out_refund_package(service: Payments, caller: Caller, pool: str, refund_package_id: UUID) -> bytes:
    """A package as it goes to the treasury, for whoever carries it there; it counts as sent from then on.

    Raises Problem AREA_FORBIDDEN, TREASURY_NOT_SET_UP, PACKAGE_UNKNOWN, REFUND_PACKAGE_ENDED.
    """
    caller.require_pool(pool)
    settings_of(service, pool)
    async with service.database.writing() as tx:
        if await store.find_package(tx, pool, refund_package_id) is None:
            raise problems.PACKAGE_UNKNOWN(package_id=refund_package_id)
        row = await store.lock_package(tx, pool, refund_package_id)
        if row["state"] not in rules.REFUND_PACKAGE_OPEN:
            raise problems.REFUND_PACKAGE_ENDED(package_id=refund_package_id, state=row["state"])
        raw = await _bytes_of(service, tx, row)
        await _acknowledge(tx, row)
        detail = {"refund_package_id": str(refund_package_id)}
        tx.audit(pool, "refund_package.fetched", caller.client_id, caller.subject, service.clock.now(), [], detail)
    return raw


async def build_refund_packages(service: Payments) -> bool:
    """Put refunds that wait for the treasury into packages, each office's apart; whether there were any."""
    settings = service.settings.treasury
    if settings is None:
        return False
    async with service.database.reading() as reader:
        pools = await store.pools_with_waiting(reader)

    async def build(pool: str) -> bool:
        async with service.database.writing() as tx:
            treasury_pools, _ = await treasury_store.pools_about(tx, pool)
            rows = await store.lock_waiting(tx, pool, treasury_pools, settings.most_rows)
            known = sorted((row for row in rows if row["office"] in settings.offices), key=lambda row: row["office"])
            for office, waiting in groupby(known, key=lambda row: str(row["office"])):
                await _build(service, tx, settings, pool, office, list(waiting))
        return bool(known)

    return await in_turn(pools, build)


async def send_refund_packages(service: Payments) -> bool:
    """Send one package whose turn it is, or ask for its answer; whether there was any."""
    if service.treasury is None:
        return False
    async with service.database.writing() as tx:
        row = await store.lease_package(tx, wall_now(), service.settings.refund_ask_seconds, _MOST_SECONDS)
    if row is None:
        return False
    if row["tries"] == 1 or await _ask(service, row):
        await _send(service, row)
    return True


async def settle_treasury_refunds(service: Payments) -> bool:
    """Act on answers that have come: each refund by itself, then the package; whether there were any."""
    async with service.database.reading() as reader:
        answered = await store.answered_packages(reader)

    async def settle(row: Row) -> bool:
        pool, id_ = row["pool"], row["refund_package_id"]
        # Where there are lines, each speaks for itself, whatever the head says.
        whole = row["result"] not in rules.SUCCESS and not row["has_lines"]
        async with service.database.reading() as reader:
            if whole:
                items = await store.items_of(reader, pool, id_)
            else:
                items = await store.answers_to(reader, pool, row["package_id"], id_)
        for item in items:
            state, detail, told_fen = (RefundState.FAILED, row["answer"], None) if whole else _word(item)
            number = f"{row['entrust_date']:%Y%m%d}/{row['pack_no']}/{item['tra_no']}"
            async with service.database.writing() as tx:
                now, said = service.clock.now(), detail or None
                await settle_refund(
                    tx, pool, item["refund_id"], state, now, reference=number, detail=said, told_fen=told_fen
                )
        async with service.database.writing() as tx:
            locked = await store.lock_package(tx, pool, id_)
            await store.mark_acted(tx, pool, row["package_id"], service.clock.now())
            after = _next(locked, rules.RefundPackageAct.ANSWER)
            # Of a refund that no answer has named yet nothing is known: the package waits, and an alarm tells of it.
            if after and not await store.is_open(tx, pool, id_):
                await store.move_package(tx, pool, id_, after, row["answer"] or row["result"])
        return True

    return await in_turn(answered, settle)


def _word(item: Row) -> tuple[RefundState, str, int | None]:
    """What a line of an answer says of its refund; another sum than was asked for is told, for a person to look at."""
    said = " ".join(filter(None, (item["content"].get("Result"), item["content"].get("AddWord"))))
    if not item["success"]:
        return RefundState.FAILED, said, None
    if item["treasury_fen"] != item["our_fen"]:
        return RefundState.ABNORMAL, f"{said} TraAmt {item['treasury_fen']}", item["treasury_fen"]
    return RefundState.SETTLED, said, None


async def _build(
    service: Payments, tx: Writer, settings: TreasurySettings, pool: str, office: str, waiting: Sequence[Row]
) -> None:
    now = service.clock.now()
    day, package_id = business_day(now), new_id()
    # Numbers of the treasury's messages are our node's, over all pools.
    pack = await treasury_store.next_number(tx, POOLLESS, f"pack/{settings.node}/{day}")
    message = await treasury_store.next_number(tx, POOLLESS, f"message/{settings.node}/{day}")
    items = []
    for number, row in enumerate(waiting, start=1):
        voucher = await treasury_store.next_number(tx, POOLLESS, f"drawback/{settings.node}")
        items.append(
            {
                "pool": pool,
                "refund_package_id": package_id,
                "tra_no": f"{number:08d}",
                "refund_id": row["refund_id"],
                "amount_fen": row["amount_fen"],
                "draw_back_no": f"{voucher % 10**8:08d}",
                "voucher_no": row["voucher_no"],
                "sealed": service.sealer.seal(
                    service.sealer.open(row["sealed"], account_context(row["application_id"])),
                    item_context(row["refund_id"]),
                ),
                "account_by": row["account_by"],
                "confirmed_by": row["confirmed_by"],
                "paid_by": row["paid_by"],
            }
        )
    package = {
        "pool": pool,
        "refund_package_id": package_id,
        "office": office,
        "entrust_date": day,
        "pack_no": f"{pack:08d}",
        "message_id": f"{day:%Y%m%d}{message:012d}",
        "items_count": len(items),
        "total_fen": sum(row["amount_fen"] for row in waiting),
        "state": rules.REFUND_PACKAGE_TRANSITIONS[None, rules.RefundPackageAct.BUILD],
        "built_at": now,
        "asked_at": wall_now(),
        "tries": 0,
        "version": 1,
    }
    await store.insert_package(tx, package, items)


async def _bytes_of(service: Payments, tx: Writer, row: Row) -> bytes:
    """A package as it goes out: the same bytes whenever it is asked for."""
    assert service.tips is not None
    settings = settings_of(service, row["pool"])
    office, day = settings.offices[row["office"]], row["entrust_date"]
    lines = []
    for item in await store.items_of(tx, row["pool"], row["refund_package_id"]):
        account = json.loads(service.sealer.open(item["sealed"], item_context(item["refund_id"])))
        lines.append(
            RefundLine(
                tra_no=item["tra_no"],
                treasury_code=office.treasury_code,
                bank_no=account["bank_no"],
                opening_bank_no=account["opening_bank_no"],
                account=account["account"],
                payee_name=account["payee_name"],
                payer_code=item["refund_id"].hex[-20:],
                payer_name=account["payee_name"],
                draw_back_no=item["draw_back_no"],
                new_voucher_no="",  # the tax bureau's certificate, which is not ours to number
                voucher_no=item["voucher_no"],
                amount_fen=item["amount_fen"],
                bill_day=day,
                budget_type=office.budget_type,
                budget_subject=office.budget_subject,
                budget_level=office.budget_level,
                basis=_BASIS,
                reason_code=settings.refund_reason_code,
            )
        )
    numbers = {"message_id": row["message_id"], "office": row["office"], "day": day, "pack_no": row["pack_no"]}
    return service.tips.write_refunds(
        RefundPackage(source=settings.node, target=settings.centre, return_days=_RETURN_DAYS, lines=lines, **numbers)
    )


async def _send(service: Payments, row: Row) -> None:
    assert service.treasury is not None
    async with service.database.writing() as tx:
        raw = await _bytes_of(service, tx, row)
    outcome = await service.treasury.send(raw)
    async with service.database.writing() as tx:
        if isinstance(outcome, Done):
            await _acknowledge(tx, row)
        elif isinstance(outcome, Refused):
            await _refuse(service, tx, row, outcome)
        else:
            await store.note_package(tx, row["pool"], row["refund_package_id"], outcome.why)


async def _ask(service: Payments, row: Row) -> bool:
    """Ask for the answer to a package, and take it where there is one; whether the treasury knows no such package."""
    assert service.treasury is not None
    assert service.tips is not None
    outcome = await service.treasury.answer(row["office"], row["entrust_date"], row["pack_no"])
    if isinstance(outcome, Refused):
        return outcome.code == ABSENT
    if not isinstance(outcome, Done) or not outcome.value:
        return False
    try:
        part = service.tips.read(outcome.value)
        async with service.database.writing() as tx:
            await _acknowledge(tx, row)
            upload = upload_of(outcome.value)
            await take_part(service, tx, row["pool"], part, upload, f"9110-{row['pack_no']}.xml", _TREASURY)
    except (TrailerWrong, PackageUnreadable, Problem) as error:
        _log.error("treasury_answer_unreadable", pack_no=row["pack_no"], reason=str(error))
    return False


async def _acknowledge(tx: Writer, row: Row) -> None:
    """The treasury has a package."""
    pool, id_ = row["pool"], row["refund_package_id"]
    locked = await store.lock_package(tx, pool, id_)
    after = _next(locked, rules.RefundPackageAct.ACKNOWLEDGE)
    if after:
        await store.move_package(tx, pool, id_, after)
        await store.mark_processing(tx, pool, id_)


async def _refuse(service: Payments, tx: Writer, row: Row, refusal: Refused) -> None:
    """The treasury does not take a package: none of its refunds is under way, and each may go another way."""
    pool, id_ = row["pool"], row["refund_package_id"]
    locked = await store.lock_package(tx, pool, id_)
    after = _next(locked, rules.RefundPackageAct.REFUSE)
    if after is None:
        return
    await store.move_package(tx, pool, id_, after, f"{refusal.code} {refusal.message}".strip())
    for item in await store.items_in_lock_order(tx, pool, id_):
        now = service.clock.now()
        await settle_refund(tx, pool, item["refund_id"], RefundState.FAILED, now, detail=refusal.code)


def _next(package: Mapping[str, Any], act: rules.RefundPackageAct) -> rules.RefundPackageState | None:
    """Where an act leads a package; None where it changes nothing any more."""
    return rules.REFUND_PACKAGE_TRANSITIONS.get((rules.RefundPackageState(package["state"]), act))


def item_context(refund_id: UUID) -> str:
    """What a line of a package is sealed for."""
    return f"refund_package_item/{refund_id}"
