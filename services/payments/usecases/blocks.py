"""Receipt numbers handed out beforehand (S002-28, S002-29): 领用 → 使用 → 交回 → 核销, every number accounted for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import blocks as rules
from ..rules import receipt_number
from ..schemas import blocks as wire
from ..schemas import ledger_problems as problems
from ..store import blocks as store
from ..store import settling as settling_store
from .suite import Payments


async def issue_receipt_block(service: Payments, caller: Caller, once: Once, order: wire.BlockOrder) -> Answer:
    """Hand out the next numbers of a unit's book to an agent. Raises Problem AREA_FORBIDDEN, FOUR_EYES."""
    caller.require_region(order.region)
    if order.agent == caller.subject:
        raise problems.FOUR_EYES(subject=caller.subject, rules=["S002-29"])

    async def work(tx: Writer) -> Answer:
        first = (await settling_store.take_receipt_numbers(tx, order.pool, {order.book_code: order.count}))[
            order.book_code
        ]
        now = service.clock.now()
        row = {
            **order.model_dump(exclude={"count"}),
            "block_id": new_id(),
            "first_number": first,
            "last_number": first + order.count - 1,
            "state": rules.BLOCK_TRANSITIONS[None, rules.BlockAct.ISSUE],
            "issued_by": caller.subject,
            "issued_at": now,
            "version": 1,
        }
        await store.insert_block(tx, row)
        detail = {"block_id": str(row["block_id"]), "book_code": order.book_code, "first": first, "count": order.count}
        tx.audit(order.pool, "receipt_block.issued", caller.client_id, caller.subject, now, [], detail)
        return Answer(201, _answer(await store.find_block(tx, order.pool, row["block_id"])))

    return await once.run(service.database, order.pool, work)


async def give_back_receipt_block(
    service: Payments, caller: Caller, once: Once, block_id: UUID, version: int, order: wire.BlockReturn
) -> Answer:
    """The agent gives the rest of a block back, having counted it; nothing is numbered from it any more.

    Raises Problem BLOCK_UNKNOWN, AREA_FORBIDDEN, BLOCK_OF_ANOTHER, BLOCK_MOVED_ON, VERSION_DIFFERS, UNUSED_DIFFERS.
    """

    async def work(tx: Writer) -> Answer:
        block = await _lock(tx, caller, order.pool, block_id)
        if block["agent"] != caller.subject:
            raise wire.BLOCK_OF_ANOTHER(agent=block["agent"])
        state = _next(block, rules.BlockAct.GIVE_BACK)
        require_version(block["version"], version)
        if _unused(block) != order.unused_count:
            raise wire.UNUSED_DIFFERS(found=_unused(block), stated=order.unused_count, rules=["S002-29"])
        # From here it must succeed.
        now = service.clock.now()
        given = {"state": state, "returned_at": now, "unused_count": order.unused_count}
        await store.change_block(tx, {**block, **given})
        return Answer(200, _answer(await store.find_block(tx, order.pool, block_id)))

    return await once.run(service.database, order.pool, work)


async def check_receipt_block(
    service: Payments, caller: Caller, once: Once, block_id: UUID, version: int, order: wire.BlockCheck
) -> Answer:
    """Another person than the agent has counted what came back: it is written off, or goes back to the agent.

    Raises Problem BLOCK_UNKNOWN, AREA_FORBIDDEN, FOUR_EYES, BLOCK_MOVED_ON, VERSION_DIFFERS.
    """
    act = rules.BlockAct.WRITE_OFF if order.result == "written_off" else rules.BlockAct.REJECT

    async def work(tx: Writer) -> Answer:
        block = await _lock(tx, caller, order.pool, block_id)
        if block["agent"] == caller.subject:
            raise problems.FOUR_EYES(subject=caller.subject, rules=["S002-29"])
        state = _next(block, act)
        require_version(block["version"], version)
        # From here it must succeed.
        now = service.clock.now()
        seen = {"state": state, "checked_by": caller.subject, "checked_at": now, "note": order.note}
        kept = {"returned_at": block["returned_at"], "unused_count": block["stated_unused_count"]}
        if act is rules.BlockAct.WRITE_OFF:
            await store.record_returned(tx, order.pool, block_id, block["agent"], now)
        else:
            kept = dict.fromkeys(kept)
        await store.change_block(tx, {**block, **kept, **seen})
        detail = {"block_id": str(block_id), "unused": block["stated_unused_count"]}
        tx.audit(order.pool, f"receipt_block.{order.result}", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _answer(await store.find_block(tx, order.pool, block_id)))

    return await once.run(service.database, order.pool, work)


async def list_receipt_blocks(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None,
    agent: str | None,
) -> dict[str, Any]:
    """Blocks inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_blocks(tx, pool, caller.area, after=after, limit=limit, state=state, agent=agent)
    return page([_shown(row) for row in rows], limit, lambda row: row["block_id"])


async def read_receipt_block(service: Payments, caller: Caller, pool: str, block_id: UUID) -> dict[str, Any]:
    """One block. Raises Problem BLOCK_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        return _shown(_known(caller, block_id, await store.find_block(tx, pool, block_id)))


async def _lock(tx: Writer, caller: Caller, pool: str, block_id: UUID) -> Row:
    return _known(caller, block_id, await store.lock_block(tx, pool, block_id))


def _known(caller: Caller, block_id: UUID, block: Row | None) -> Row:
    if block is None:
        raise wire.BLOCK_UNKNOWN(block_id=block_id)
    caller.require_region(block["region"])
    return block


def _next(block: Row, act: rules.BlockAct) -> rules.BlockState:
    state = rules.BLOCK_TRANSITIONS.get((rules.BlockState(block["state"]), act))
    if state is None:
        raise wire.BLOCK_MOVED_ON(state=block["state"])
    return state


def _unused(block: Mapping[str, Any]) -> int:
    known = sum(block[f"{name}_count"] for name in ("used", "withheld", "spoiled", "returned"))
    unused: int = block["last_number"] - block["first_number"] + 1 - known
    return unused


def _shown(block: Row) -> dict[str, Any]:
    return {
        **block,
        "first_receipt_no": receipt_number(block["book_code"], block["first_number"]),
        "last_receipt_no": receipt_number(block["book_code"], block["last_number"]),
        "count": block["last_number"] - block["first_number"] + 1,
        "unused_count": _unused(block),
    }


def _answer(block: Row | None) -> dict[str, Any]:
    assert block is not None
    return wire.Block.model_validate(_shown(block)).model_dump(mode="json")
