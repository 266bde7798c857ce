"""The chain of a day, asked anew each time: order ↔ channel ↔ bank ↔ treasury, and where it is broken."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Reader, Row
from shared.money import yuan
from shared.sheets import write_sheet
from shared.tokens import Caller

from ..rules import reconciling as rules
from ..rules import settlements as money
from ..rules.settlements import LinkState, SettlementState, Source
from ..schemas import statement_problems as problems
from ..store import chain as store
from ..store import settlements as settlement_store
from ..store import treasury as treasury_store
from .suite import Payments

LONGEST_EXPORT = timedelta(days=31)

_Key = tuple[str, str]
_LINKS = ("statement", "money", "treasury")


async def read_chain(service: Payments, caller: Caller, pool: str, day: date) -> dict[str, Any]:
    """The chains of a day by channel and institution. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return {"pool": pool, "day": day, "items": await _chains(service, tx, pool, day)}


async def export_chain(service: Payments, caller: Caller, pool: str, first: date, last: date) -> bytes:
    """The chains of some days as an XLSX for the accountant. Raises Problem AREA_FORBIDDEN, EXPORT_TOO_LONG."""
    caller.require_pool(pool)
    if not timedelta(0) <= last - first < LONGEST_EXPORT:
        raise problems.EXPORT_TOO_LONG(days=LONGEST_EXPORT.days)
    table: list[list[str]] = []
    async with service.database.reading() as tx:
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            table += [_cells(day, chain) for chain in await _chains(service, tx, pool, day)]
    return write_sheet("xlsx", _COLUMNS, table)


async def _chains(service: Payments, tx: Reader, pool: str, day: date) -> list[dict[str, Any]]:
    collected = {_key(row): row for row in await store.collected(tx, pool, day)}
    statements = {_key(row): row for row in await store.statements(tx, pool, day)}
    settlements = {_key(row): row for row in await settlement_store.of_day(tx, pool, day, day)}
    breaks: dict[_Key, list[Row]] = defaultdict(list)
    for row in await store.open_breaks(tx, pool, day):
        if row["channel"] not in (Source.ACCOUNT, Source.TREASURY):
            breaks[_key(row)].append(row)
    lines: dict[UUID, list[Row]] = defaultdict(list)
    for row in await store.lines_of(tx, pool, [row["settlement_id"] for row in settlements.values()]):
        lines[row["settlement_id"]].append(row)
    today = business_day(service.clock.now())
    waiting = rules.waits(day, today, service.settings.statement_window_days)
    chains = []
    for key in sorted({*collected, *statements, *settlements, *breaks}):
        ours = collected.get(key) or {"collected_count": 0, "collected_fen": 0, "refunded_fen": 0, "collection_ids": []}
        links = {
            "statement": _statement(key, ours, statements.get(key), breaks[key], waiting=waiting),
            "money": _money(service, pool, key, statements.get(key), settlements.get(key), lines, waiting=waiting),
            "treasury": await _treasury(service, tx, pool, ours, today - day),
        }
        chains.append(
            {
                "channel": key[0],
                "institution": key[1],
                **{name: ours[name] for name in ("collected_count", "collected_fen", "refunded_fen")},
                **links,
                "broken_at": next((name for name in _LINKS if links[name]["state"] is LinkState.BROKEN), None),
                "exceptions": [
                    {
                        **row,
                        "exception_id": row["break_id"],
                        "kind_words": rules.words_of(rules.BreakKind(row["kind"])),
                    }
                    for row in breaks[key]
                ],
            }
        )
    return chains


def _key(row: Mapping[str, Any]) -> _Key:
    return row["channel"], row["institution"]


def _statement(
    key: _Key, ours: Mapping[str, Any], statement: Row | None, breaks: Sequence[Row], *, waiting: bool
) -> dict[str, Any]:
    accepted = statement is not None and statement["state"] == rules.StatementState.ACCEPTED
    broken = [row for row in breaks if row["kind"] not in money.DAY_KINDS]
    if statement is None and not ours["collected_count"] and not broken:
        state = LinkState.NONE  # a slip or a claim: people have confirmed it
    elif broken:
        state = LinkState.BROKEN
    else:
        whole = accepted and statement is not None and not statement["pending"]
        state = money.link_of(agreed=whole, waiting=waiting or _has_none(key))
    return {
        "state": LinkState.NONE if statement is None and _has_none(key) and not broken else state,
        "statement_id": statement["statement_id"] if statement else None,
        "statement_state": statement["state"] if statement else None,
        "amount_fen": statement["amount_fen"] if statement else None,
        "back_fen": statement["back_fen"] if statement else None,
    }


def _has_none(key: _Key) -> bool:
    """Channels of which a statement may come, but need not: agents sign ledgers, counters close shifts."""
    return key[0] in (Source.AGENT, Source.COUNTER)


def _money(
    service: Payments,
    pool: str,
    key: _Key,
    statement: Row | None,
    settlement: Row | None,
    lines: Mapping[UUID, Sequence[Row]],
    *,
    waiting: bool,
) -> dict[str, Any]:
    if settlement is not None:
        stands = SettlementState(settlement["state"])
        state = money.link_of(agreed=stands is SettlementState.ARRIVED, waiting=stands is SettlementState.EXPECTED)
    else:
        followed = any(account.pool == pool for account in service.settings.money_accounts.values())
        direct = key[0] in (Source.ETAX, Source.AGENT) or (
            statement is not None and statement["layout"] in money.DIRECT_LAYOUTS
        )
        known = followed and not direct and (statement is not None or not _has_none(key))
        state = money.link_of(agreed=False, waiting=waiting) if known else LinkState.NONE
    return {
        "state": state,
        "settlement_state": settlement["state"] if settlement else None,
        "expected_fen": settlement["expected_fen"] if settlement else None,
        "arrived_fen": settlement["arrived_fen"] if settlement else None,
        "fee_fen": settlement["fee_fen"] if settlement else None,
        "lines": list(lines.get(settlement["settlement_id"], [])) if settlement else [],
    }


async def _treasury(
    service: Payments, tx: Reader, pool: str, ours: Mapping[str, Any], age: timedelta
) -> dict[str, Any]:
    ids = list(ours["collection_ids"])
    if service.settings.treasury is None or not ids:
        return {"state": LinkState.NONE, "posted_count": 0, "posted_fen": 0}
    times = await treasury_store.times_of(tx, pool, ids)
    posted = [id_ for id_, each in times.items() if each.posted_on]
    amounts = await store.amounts(tx, pool, posted)
    days = service.settings.treasury.posting_days
    waiting = days is None or age.days <= days
    return {
        "state": money.link_of(agreed=len(posted) == len(ids), waiting=waiting),
        "posted_count": len(posted),
        "posted_fen": sum(amounts.values()),
    }


def _cells(day: date, chain: Mapping[str, Any]) -> list[str]:
    statement, settlement, treasury = (chain[name] for name in _LINKS)
    return [
        day.isoformat(),
        _CHANNELS[Source(chain["channel"])],
        chain["institution"],
        str(chain["collected_count"]),
        yuan(chain["collected_fen"]),
        yuan(chain["refunded_fen"]),
        _STATES[statement["state"]],
        *_yuan(statement, "amount_fen", "back_fen"),
        _STATES[settlement["state"]],
        *_yuan(settlement, "expected_fen", "arrived_fen", "fee_fen"),
        "；".join(line["reference"] or "" for line in settlement["lines"]),
        _STATES[treasury["state"]],
        str(treasury["posted_count"]),
        yuan(treasury["posted_fen"]),
        _BROKEN[chain["broken_at"]],
        "；".join(f"{each['kind_words']}（{each['owner']}，{each['due_on']} 前）" for each in chain["exceptions"]),
    ]


def _yuan(link: Mapping[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        yield "" if link[name] is None else yuan(link[name])


_COLUMNS = [
    *("对账日", "渠道", "机构", "笔数", "我方入账(元)", "其中已退(元)"),
    *("渠道对账", "渠道收款(元)", "渠道退款及冲正(元)"),
    *("资金到账", "应到(元)", "已到(元)", "手续费(元)", "银行流水号"),
    *("国库入库", "已入库笔数", "已入库(元)", "断点", "未结差错"),
]
_CHANNELS: Mapping[Source, str] = {
    Source.WECHAT: "微信",
    Source.BANK: "银行",
    Source.ETAX: "电子税务局",
    Source.COUNTER: "办税厅",
    Source.AGENT: "代收",
    Source.ACCOUNT: "资金账户",
    Source.CLAIM: "其他出资方",
    Source.TREASURY: "国库",
}
_STATES: Mapping[LinkState, str] = {
    LinkState.AGREED: "相符",
    LinkState.WAITING: "待核",
    LinkState.BROKEN: "不符",
    LinkState.NONE: "无此环节",
}
_BROKEN: Mapping[str | None, str] = {None: "", "statement": "渠道对账", "money": "资金到账", "treasury": "国库入库"}
