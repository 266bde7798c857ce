"""The tax bureau is told what is to be collected: bills in batches, sent, and their results polled.

    bills that changed → a batch (stored) → sent → results → good lines kept, bad ones back with their reasons

A batch is stored before it is sent, and is the same bytes under the same number in every try: who does not know whether
it came asks for its results first. What the bureau confirms later is booked whether it was told of the bill or not.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import structlog

from shared.clock import business_day, wall_now
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.jobs import in_turn
from shared.pages import page
from shared.tokens import Caller

from .. import schemas
from ..clients import Done, Refused
from ..formats.tax_assessments import AssessmentLine, BatchResult
from ..rules import tax_assessments as rules
from ..schemas import tax_office as wire
from ..settings import TaxAssessmentSettings
from ..store import bills as bill_store
from ..store import tax_assessments as store
from ..store import treasury as treasury_store
from .suite import Payments

_LOOKED_AT = 5_000
_MOST_SECONDS = 3600.0
_log = structlog.get_logger()


async def gather_tax_assessments(service: Payments) -> bool:
    """Put bills that have changed into batches, pool by pool; whether there were any."""
    settings = service.settings.tax_assessments
    if settings is None or service.tax_assessments is None:
        return False
    async with service.database.reading() as reader:
        pools = await bill_store.pools_of_bills(reader)

    async def gather(pool: str) -> bool:
        async with service.database.writing() as tx:
            after = await store.hold_cursor(tx, pool)
            bills = await store.changed_bills(tx, pool, after, _LOOKED_AT)
            changed = [bill for bill in bills if bill["kind"]]
            for first in range(0, len(changed), settings.most_lines):
                await _build(service, tx, pool, changed[first : first + settings.most_lines])
            # The end of a round: the next one begins when it is time.
            ended = len(bills) < _LOOKED_AT
            await store.move_cursor(tx, pool, "" if ended else bills[-1]["bill_no"])
        return bool(changed) or not ended

    return await in_turn(pools, gather)


async def push_tax_assessments(service: Payments) -> bool:
    """Send one batch whose turn it is, or ask for its results; whether there was any."""
    settings, client = service.settings.tax_assessments, service.tax_assessments
    if settings is None or client is None:
        return False
    async with service.database.writing() as tx:
        row = await store.lease_batch(tx, wall_now(), settings.ask_seconds, _MOST_SECONDS)
    if row is None:
        return False
    if row["tries"] == 1 or await _ask(service, row):
        await _send(service, settings, row)
    return True


async def list_tax_assessments(
    service: Payments, caller: Caller, pool: str, *, after: str, limit: int, state: str | None, bill_no: str | None
) -> dict[str, Any]:
    """What the bureau was told last of each bill, and what it said. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_lines(tx, pool, caller.area, after=after, limit=limit, state=state, bill_no=bill_no)
    items = [wire.TaxAssessment.model_validate(row, extra="ignore").model_dump(mode="json") for row in rows]
    return page(items, limit, lambda row: row["bill_no"])


async def send_assessment_again(
    service: Payments, caller: Caller, once: Once, bill_no: str, order: wire.TaxAssessmentRepeat
) -> Answer:
    """Have a line that the bureau refused go again, because what was wrong has been mended there.

    Raises Problem AREA_FORBIDDEN, BILL_UNKNOWN, ASSESSMENT_NOT_REFUSED.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        bill = await bill_store.find_bill(tx, order.pool, bill_no)
        if bill is None:
            raise schemas.BILL_UNKNOWN(bill_no=bill_no)
        caller.require_region(bill["region"])
        if not await store.repeat_refused(tx, order.pool, bill_no):
            raise wire.ASSESSMENT_NOT_REFUSED(bill_no=bill_no)
        now, detail = service.clock.now(), {"bill_no": bill_no, "note": order.note}
        tx.audit(order.pool, "tax_assessment.repeated", caller.client_id, caller.subject, now, [], detail)
        [row] = await store.list_lines(tx, order.pool, "", after="", limit=1, state=None, bill_no=bill_no)
        return Answer(200, wire.TaxAssessment.model_validate(row, extra="ignore").model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)


async def _build(service: Payments, tx: Writer, pool: str, bills: Sequence[Row]) -> None:
    now = service.clock.now()
    number = await treasury_store.next_number(tx, pool, "assessments")
    batch_no = f"{pool}{number:010d}"
    row = {
        "pool": pool,
        "batch_no": batch_no,
        "lines_count": len(bills),
        "state": rules.TAX_BATCH_TRANSITIONS[None, rules.BatchAct.BUILD],
        "built_at": now,
        "asked_at": wall_now(),
        "tries": 0,
        "version": 1,
    }
    lines = [
        {
            "pool": pool,
            "batch_no": batch_no,
            "line_no": line_no,
            "bill_no": bill["bill_no"],
            "bill_version": bill["version"],
            "kind": bill["kind"],
            "amount_fen": bill["amount_fen"],
            "state": rules.TAX_LINE_TRANSITIONS[None, rules.LineAct.GATHER],
        }
        for line_no, bill in enumerate(bills, start=1)
    ]
    await store.insert_batch(tx, row, lines)


async def _send(service: Payments, settings: TaxAssessmentSettings, row: Row) -> None:
    assert service.tax_assessments is not None
    pool, batch_no = row["pool"], row["batch_no"]
    async with service.database.reading() as reader:
        lines = [_line(settings, one) for one in await store.lines_of(reader, pool, batch_no)]
    outcome = await service.tax_assessments.push(batch_no, business_day(row["built_at"]), lines)
    async with service.database.writing() as tx:
        now = service.clock.now()
        if isinstance(outcome, Done):
            await _acknowledge(tx, row)
            await _take(tx, row, outcome.value, now)
        elif isinstance(outcome, Refused):
            await _refuse(tx, row, outcome, now)
        else:
            await store.note_batch(tx, pool, batch_no, outcome.why)


async def _ask(service: Payments, row: Row) -> bool:
    """Ask for a batch's results, and take them; whether the bureau knows of no such batch."""
    assert service.tax_assessments is not None
    outcome = await service.tax_assessments.results(row["batch_no"])
    if isinstance(outcome, Refused):
        return outcome.code == "BATCHUNKNOWN"
    if isinstance(outcome, Done):
        async with service.database.writing() as tx:
            await _acknowledge(tx, row)
            await _take(tx, row, outcome.value, service.clock.now())
    return False


async def _acknowledge(tx: Writer, row: Row) -> None:
    locked = await store.lock_batch(tx, row["pool"], row["batch_no"])
    after = rules.TAX_BATCH_TRANSITIONS.get((rules.BatchState(locked["state"]), rules.BatchAct.ACKNOWLEDGE))
    if after:
        await store.move_batch(tx, row["pool"], row["batch_no"], after, detail=None, answered_at=None)


async def _take(tx: Writer, row: Row, result: BatchResult, now: datetime) -> None:
    """Keep what the bureau says of lines; once it has said something of each, the batch is answered."""
    pool, batch_no = row["pool"], row["batch_no"]
    locked = await store.lock_batch(tx, pool, batch_no)
    await store.keep_lines(tx, pool, batch_no, [line.line_no for line in result.lines if line.kept])
    await store.refuse_lines(
        tx, pool, batch_no, [(line.line_no, line.reason[:500]) for line in result.lines if line.kept is False]
    )
    after = rules.TAX_BATCH_TRANSITIONS.get((rules.BatchState(locked["state"]), rules.BatchAct.ANSWER))
    if after and not await store.count_waiting(tx, pool, batch_no):
        await store.move_batch(tx, pool, batch_no, after, detail=result.message or None, answered_at=now)


async def _refuse(tx: Writer, row: Row, refusal: Refused, now: datetime) -> None:
    """The bureau does not take a batch: a bad line that it names comes back, the others go again."""
    pool, batch_no = row["pool"], row["batch_no"]
    locked = await store.lock_batch(tx, pool, batch_no)
    after = rules.TAX_BATCH_TRANSITIONS.get((rules.BatchState(locked["state"]), rules.BatchAct.REFUSE))
    if after is None:
        return
    _log.error("tax_batch_refused", batch_no=batch_no, code=refusal.code, message=refusal.message)
    line_no, _, words = refusal.message.partition(" ")
    named = line_no.isdigit()
    bad = [int(line_no)] if named else [line["line_no"] for line in await store.lines_of(tx, pool, batch_no)]
    reason = f"{refusal.code} {words if named else refusal.message}".strip()
    await store.refuse_lines(tx, pool, batch_no, [(one, reason[:500]) for one in bad])
    await store.repeat_waiting(tx, pool, batch_no, reason[:500])
    await store.move_batch(tx, pool, batch_no, after, detail=reason[:500], answered_at=now)


def _line(settings: TaxAssessmentSettings, row: Row) -> AssessmentLine:
    period = settings.periods.get(row["scheme"])
    return AssessmentLine(
        line_no=row["line_no"],
        kind=rules.TaxLineKind(row["kind"]),
        bill_no=row["bill_no"],
        version=row["bill_version"],
        unit=row["unit_code"],
        person=str(row["person_id"]),
        amount_fen=row["amount_fen"],
        due=date.fromisoformat(row["window"]["to"]),
        period=(period.first, period.last) if period else None,
    )
