"""Statements of the channels: received and kept whole as evidence, shown, accepted by their totals or a second person.

    received ── taken in by the job ──► totals agree ──► accepted ──► looked over until nothing is open
                                     └► differs ──────► a second person accepts or rejects it

A statement counts once it is accepted: rows are matched, money is cleared and breaks are opened only then. A corrected
file is a new version; accepted, it takes the place of the one before and re-opens only the rows that differ.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.identity import mask_in_text
from shared.ids import new_id
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from ..formats.fund_flow import INSTITUTION as WECHAT_ACCOUNT
from ..formats.statement_files import DayFiles, first_lines, fits_day, open_file
from ..formats.statements import HEAD_BYTES, StatementUnreadable, read_text
from ..rules import reconciling as rules
from ..rules.settlements import Source
from ..schemas import ledger_problems
from ..schemas import statement_problems as problems
from ..schemas import statements as wire
from ..store import breaks as break_store
from ..store import statements as store
from .suite import Payments

FETCHED = "fetched"
"""Who brought a statement that we have fetched ourselves."""

_WITH_INSTITUTION = (Source.BANK, Source.AGENT, Source.ACCOUNT)
_AGREED = [int(result) for result in rules.AGREED]


async def receive_statement(
    service: Payments,
    caller: Caller,
    once: Once,
    upload: Upload,
    *,
    pool: str,
    channel: Source,
    institution: str,
    day: date,
    file_name: str,
) -> Answer:
    """Keep a statement; a job takes it in. The same bytes for the same day are the same statement.

    Raises Problem AREA_FORBIDDEN, INSTITUTION_NEEDED, ACCOUNT_UNKNOWN, STATEMENT_AHEAD, STATEMENT_UNREADABLE,
    STATEMENT_OF_ANOTHER_DAY.
    """
    caller.require_pool(pool)
    if channel in _WITH_INSTITUTION and not institution:
        raise problems.INSTITUTION_NEEDED(channel=channel)
    if channel is Source.ACCOUNT and not _is_account(service, pool, institution):
        raise problems.ACCOUNT_UNKNOWN(pool=pool, institution=institution)
    if day > business_day(service.clock.now()):
        raise problems.STATEMENT_AHEAD(day=day)
    layout = await asyncio.to_thread(_recognise, service.day_files, channel, institution, day, upload)
    series = {"pool": pool, "channel": channel, "institution": institution, "day": day}

    async def keep(tx: Writer) -> Answer:
        kept, is_new = await keep_statement(
            service, tx, upload, series, layout, file_name, by=caller.subject, client=caller.client_id
        )
        found = await store.find_statement(tx, pool, kept, _AGREED)
        return Answer(201 if is_new else 200, _shown(found))

    return await once.run(service.database, pool, keep)


async def keep_statement(
    service: Payments,
    tx: Writer,
    upload: Upload,
    series: Mapping[str, Any],
    layout: str,
    file_name: str,
    *,
    by: str,
    client: str,
) -> tuple[UUID, bool]:
    """Keep a file as a statement of its series (pool, channel, institution, day), in the caller's transaction.

    Its id, and whether these bytes are new. Other bytes for the same day are the next version.
    """
    now = service.clock.now()
    row: dict[str, Any] = {
        **series,
        "statement_id": new_id(),
        "layout": layout,
        "file_name": file_name,
        "sha256": upload.sha256,
        "size_bytes": upload.size_bytes,
        "state": rules.STATEMENT_TRANSITIONS[None, rules.StatementAct.RECEIVE],
        "rows_taken": 0,
        "received_by": by,
        "received_at": now,
        "due_on": rules.due_on(business_day(now), service.settings.statement_due_days),
        "overdue": False,
        "version": 1,
    }
    same = await store.find_same(tx, series, upload.sha256)
    # Where somebody brings another version at this moment, the next number is free.
    while same is None and not await store.insert_statement(tx, row):
        same = await store.find_same(tx, series, upload.sha256)
    if same is None:
        evidence_id = await evidence.keep(tx, service.sealer, row["pool"], file_name, upload, now)
        await store.set_evidence(tx, row["pool"], row["statement_id"], evidence_id)
        _audit(tx, service, row, "statement.received", by=by, client=client)
    return (same or row)["statement_id"], same is None


async def list_statements(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    channel: Source | None,
    state: str | None,
    day: date | None,
) -> dict[str, Any]:
    """Statements in the order in which they came. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_statements(
            tx, pool, _AGREED, after=after, limit=limit, channel=channel, state=state, day=day
        )
    return page([_shown(row) for row in rows], limit, lambda row: row["statement_id"])


async def read_statement(service: Payments, caller: Caller, pool: str, statement_id: UUID) -> dict[str, Any]:
    """One statement. Raises Problem STATEMENT_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return _shown(await _known(tx, pool, statement_id))


async def list_statement_rows(
    service: Payments, caller: Caller, pool: str, statement_id: UUID, *, after: int, limit: int, result: str | None
) -> dict[str, Any]:
    """Rows of a statement and what they come to. Raises Problem STATEMENT_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    code = int(rules.Result[result.upper()]) if result else None
    async with service.database.reading() as tx:
        await _known(tx, pool, statement_id)
        rows = await store.list_rows(tx, pool, statement_id, after=after, limit=limit, result=code)
    items = [
        {
            **row,
            "text": text_of_line(service, statement_id, row),
            "result": rules.Result(row["result"]).code_name,
            "result_code": row["result"],
            "exception_id": row["break_id"],
            "exception_state": row["break_state"],
        }
        for row in rows
    ]
    return page(items, limit, lambda row: row["row_no"])


async def judge_statement(
    service: Payments, caller: Caller, once: Once, statement_id: UUID, version: int, order: wire.StatementJudgement
) -> Answer:
    """A second person accepts or rejects a statement whose totals differ; accepted, the difference is a break.

    Raises Problem STATEMENT_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, STATEMENT_NOT_IN_STATE, FOUR_EYES.
    """
    caller.require_pool(order.pool)
    act = rules.StatementAct.ACCEPT if order.result == "accepted" else rules.StatementAct.REJECT

    async def work(tx: Writer) -> Answer:
        row = await store.lock_statement(tx, order.pool, statement_id, wait=True)
        if row is None:
            raise problems.STATEMENT_UNKNOWN(statement_id=statement_id)
        require_version(row["version"], version)
        if (rules.StatementState(row["state"]), act) not in rules.STATEMENT_TRANSITIONS:
            raise _not_in_state(row, act)
        if caller.subject == row["received_by"]:
            raise ledger_problems.FOUR_EYES(subject=caller.subject)
        # From here it must succeed.
        now = service.clock.now()
        if act is rules.StatementAct.ACCEPT:
            await accept(service, tx, row, act, by=caller.subject, note=order.note, now=now)
        else:
            after = rules.STATEMENT_TRANSITIONS[rules.StatementState(row["state"]), act]
            await store.move_statement(tx, order.pool, statement_id, after, by=caller.subject, at=now, note=order.note)
        _audit(tx, service, row, f"statement.{order.result}", by=caller.subject, client=caller.client_id)
        return Answer(200, _shown(await store.find_statement(tx, order.pool, statement_id, _AGREED)))

    return await once.run(service.database, order.pool, work)


async def reconcile_again(service: Payments, caller: Caller, pool: str, statement_id: UUID) -> dict[str, Any]:
    """Have what is open of an accepted statement looked at once more now; what is settled stays as it is.

    Raises Problem STATEMENT_UNKNOWN, AREA_FORBIDDEN, STATEMENT_NOT_IN_STATE.
    """
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        row = await store.lock_statement(tx, pool, statement_id, wait=True)
        if row is None:
            raise problems.STATEMENT_UNKNOWN(statement_id=statement_id)
        if row["state"] != rules.StatementState.ACCEPTED:
            raise _not_in_state(row, "reconcile")
        await store.look_again(tx, pool, statement_id, business_day(service.clock.now()))
        return _shown(await store.find_statement(tx, pool, statement_id, _AGREED))


async def read_reconciliation(service: Payments, caller: Caller, pool: str) -> dict[str, Any]:
    """How far a pool is reconciled. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return dict(await store.figures(tx, pool, _AGREED, business_day(service.clock.now())))


async def accept(
    service: Payments,
    tx: Writer,
    statement: Row,
    act: rules.StatementAct,
    *,
    by: str,
    note: str | None,
    now: datetime,
) -> None:
    """Have a locked statement count for its day, in the caller's transaction; the version before is replaced."""
    pool, statement_id, series = statement["pool"], statement["statement_id"], _series(statement)
    state = rules.StatementState(statement["state"])
    if await gives_way(tx, statement):
        return
    for before in await store.lock_earlier(tx, series, statement["file_version"]):
        earlier = rules.StatementState(before["state"])
        if earlier is rules.StatementState.ACCEPTED:
            await _carry_over(tx, pool, before["statement_id"], statement_id)
        left = await break_store.live_of_statement(tx, pool, before["statement_id"])
        await break_store.supersede(tx, pool, left)
        over = rules.STATEMENT_TRANSITIONS[earlier, rules.StatementAct.REPLACE]
        await store.move_statement(tx, pool, before["statement_id"], over)
    today = business_day(now)
    accepted = rules.STATEMENT_TRANSITIONS[state, act]
    await store.move_statement(tx, pool, statement_id, accepted, by=by, at=now, note=note, look_on=today)
    await break_store.supersede_missing_file(tx, statement)
    if act is rules.StatementAct.ACCEPT:
        difference = {"channel_fen": statement["told_fen"], "our_fen": statement["found_fen"]}
        about = new_break(service, statement, rules.BreakKind.TOTALS_DIFFER, today)
        await break_store.open_breaks(tx, [about | difference | {"statement_id": statement_id}])


async def _carry_over(tx: Writer, pool: str, before: UUID, after: UUID) -> None:
    """Rows with breaks, and those that have brought money, keep what became of them where the new version has the same
    line, byte by byte.

    Of several such lines the first stands for the first. The other rows are judged anew and come to the same. What a
    changed or missing line leaves behind stays with the old version.
    """
    told = await store.rows_to_carry(tx, pool, before)
    if not told:
        return
    digests = sorted(set(told.values()))
    new: dict[bytes, list[int]] = defaultdict(list)
    for row in await store.rows_with_digests(tx, pool, after, digests):
        new[row["digest"]].append(row["row_no"])
    places: Counter[bytes] = Counter()
    pairs = []
    for row in await store.rows_with_digests(tx, pool, before, digests):
        same, place = new[row["digest"]], places[row["digest"]]
        places[row["digest"]] += 1
        if row["row_no"] in told and place < len(same):
            pairs.append((row["row_no"], same[place]))
    await store.carry_over(tx, pool, before, after, pairs)


async def gives_way(tx: Writer, statement: Row) -> bool:
    """Whether a newer version of a locked statement's day was accepted before it; then it is replaced."""
    if not await store.newer_accepted(tx, _series(statement), statement["file_version"]):
        return False
    state = rules.StatementState(statement["state"])
    replaced = rules.STATEMENT_TRANSITIONS[state, rules.StatementAct.REPLACE]
    await store.move_statement(tx, statement["pool"], statement["statement_id"], replaced)
    return True


def new_break(service: Payments, about: Mapping[str, Any], kind: rules.BreakKind, today: date) -> dict[str, Any]:
    """A break about a statement or its day. Its owner is who brought the file, until somebody takes it on."""
    brought_by = about.get("received_by")
    return {
        "pool": about["pool"],
        "break_id": new_id(),
        "kind": kind,
        "channel": about["channel"],
        "institution": about["institution"],
        "day": about["day"],
        "statement_id": None,
        "row_no": None,
        "collection_id": None,
        "channel_fen": None,
        "our_fen": None,
        "owner": service.settings.break_owner if brought_by in (None, FETCHED) else brought_by,
        "state": rules.BREAK_TRANSITIONS[None, rules.BreakAct.OPEN],
        "opened_on": today,
        "due_on": rules.due_on(today, service.settings.break_due_days),
        "overdue": False,
        "version": 1,
    }


def line_context(statement_id: UUID, line_no: int) -> str:
    """What a line is sealed for."""
    return f"statement/{statement_id}/{line_no}"


def text_of_line(service: Payments, statement_id: UUID, row: Mapping[str, Any]) -> str:
    """A sealed line as text, for people; identity and card numbers are masked."""
    return mask_in_text(read_text(service.sealer.open(row["raw"], line_context(statement_id, row["line_no"]))))


def too_late(row: Mapping[str, Any], resolution: str) -> Exception:
    """The refusal of a resolution that something else has overtaken."""
    kind = rules.BreakKind(row["kind"])
    return problems.RESOLUTION_NOT_POSSIBLE(
        kind=kind, kind_zh=rules.words_of(kind), resolution=resolution, possible=rules.Resolution.IGNORE
    )


def _is_account(service: Payments, pool: str, institution: str) -> bool:
    account = service.settings.money_accounts.get(institution)
    return account.pool == pool if account else institution == WECHAT_ACCOUNT


def _recognise(files: DayFiles, channel: Source, institution: str, day: date, upload: Upload) -> str:
    """The layout of a file, which must have a line of its day where it has lines at all."""
    upload.file.seek(0)
    head = upload.file.read(HEAD_BYTES)
    try:
        layout, splitter, reader = open_file(channel, institution, day, files, head)
        pieces = iter(lambda: upload.file.read(HEAD_BYTES), b"")
        found = (reader.take(line) for line in first_lines(splitter, head, pieces))
        days = {business_day(line.paid_at) for line in found if line and line.paid_at}
    except StatementUnreadable as error:
        raise problems.STATEMENT_UNREADABLE(reason=error) from error
    if not fits_day(layout, days, day):
        raise problems.STATEMENT_OF_ANOTHER_DAY(found=f"{min(days)}…{max(days)}", day=day)
    return layout


def _series(statement: Row) -> dict[str, Any]:
    return {name: statement[name] for name in ("pool", "channel", "institution", "day")}


async def _known(tx: Reader, pool: str, statement_id: UUID) -> Row:
    row = await store.find_statement(tx, pool, statement_id, _AGREED)
    if row is None:
        raise problems.STATEMENT_UNKNOWN(statement_id=statement_id)
    return row


def _not_in_state(row: Row, act: str) -> Exception:
    return problems.STATEMENT_NOT_IN_STATE(state=row["state"], act=act, act_zh=_ACTS[act])


def _audit(tx: Writer, service: Payments, row: Mapping[str, Any], action: str, *, by: str, client: str) -> None:
    detail = {"statement_id": str(row["statement_id"]), "channel": row["channel"], "day": row["day"].isoformat()}
    tx.audit(row["pool"], action, client, by, service.clock.now(), [], detail)


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    return wire.Statement.model_validate(row, from_attributes=False, extra="ignore").model_dump(mode="json")


_ACTS = {"accept": "接受", "reject": "退回", "reconcile": "重新对账"}
