"""Lines of our accounts' statements (资金对账单): which settlements each has brought, in the pass of its statement.

the special account   a line brings slips and claims by their numbers, else what its payer owes for days in a row
WeChat's account      the fund-flow bill: a line stands for one of the trade bill; fees are kept, withdrawals pass on
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from shared.database import Row, Writer

from ..formats.fund_flow import INSTITUTION as WECHAT_ACCOUNT
from ..formats.fund_flow import Flow, flow_of
from ..rules import reconciling as rules
from ..rules import settlements as money
from ..rules.reconciling import Result
from ..store import settlements as store
from .finding import Found
from .suite import Payments

LOOK_BACK = timedelta(days=120)
"""How far back money may be owed that a line brings."""

Judged = tuple[dict[int, Found], dict[int, Result]]


async def judge_money(service: Payments, tx: Writer, statement: Row, rows: Sequence[Row], today: date) -> Judged:
    """What each of these rows comes to, by number; what they have brought is written down."""
    window_open = rules.waits(statement["day"], today, service.settings.statement_window_days)
    if statement["institution"] == WECHAT_ACCOUNT:
        return await _judge_flows(tx, statement, rows, window_open)
    return await _judge_arrivals(service, tx, statement, rows, window_open)


async def _judge_arrivals(
    service: Payments, tx: Writer, statement: Row, rows: Sequence[Row], window_open: bool
) -> Judged:
    pool = statement["pool"]
    account = service.settings.money_accounts.get(statement["institution"])
    await store.hold(tx, pool)
    open_due = {
        one.key: (row, one)
        for row in await store.standing(tx, pool, statement["day"] - LOOK_BACK)
        if (one := due_of(row)).remainder_fen
    }
    back = await store.paid_back(tx, pool, [word for row in rows for word in _words(row)])
    found: dict[int, Found] = {}
    results: dict[int, Result] = {}
    lines: list[dict[str, Any]] = []
    for row in rows:
        if row["kind"] != rules.LineKind.PAYMENT:
            found[row["row_no"]], results[row["row_no"]] = _out(row, back, account.passes_to if account else ())
            continue
        source = source_of(service, statement["institution"], row["payer_name"])
        owed = owed_by(row, open_due.values(), source)
        amount_fen = row["amount_fen"]
        run = money.find_run(amount_fen, owed, statement["day"]) if amount_fen is not None else ()
        results[row["row_no"]] = money.judge_line(amount_fen, run, owed, window_open=window_open)
        found[row["row_no"]] = _found(row, sum(one.remainder_fen for one in owed) if owed else None)
        lines += [line_of(row_of(statement, row), one.key, one.remainder_fen) for one in run]
        for one in run:
            del open_due[one.key]
    await store.add_lines(tx, lines)
    return found, results


async def _judge_flows(tx: Writer, statement: Row, rows: Sequence[Row], window_open: bool) -> Judged:
    """Lines of the fund-flow bill: each trade stands in a trade bill with its amount."""
    pool = statement["pool"]
    traded = await store.traded(tx, pool, [row["reference"] for row in rows if row["reference"]])
    found: dict[int, Found] = {}
    results: dict[int, Result] = {}
    fees: list[dict[str, Any]] = []
    of_day = await store.find(tx, pool, money.Source.WECHAT, "", statement["day"])
    for row in rows:
        flow, ours = flow_of(row["payer_name"] or ""), traded.get(row["reference"])
        found[row["row_no"]] = _found(row, ours)
        if row["amount_fen"] is None:
            result = Result.DATA_DIFFERS
        elif flow in (Flow.FEE, Flow.WITHDRAWAL):
            result = Result.MATCHED
        elif flow is Flow.OTHER:
            result = Result.UNKNOWN
        elif ours is None:
            result = Result.PENDING if window_open else Result.OURS_MISSING
        else:
            result = Result.MATCHED if ours == row["amount_fen"] else Result.AMOUNT_DIFFERS
        if flow is Flow.FEE and result is Result.MATCHED and of_day is not None:
            fees.append(line_of(row_of(statement, row), of_day["settlement_id"], row["amount_fen"], part="fee"))
        elif flow is Flow.FEE and result is Result.MATCHED and window_open:
            result = Result.PENDING  # the trade bill of its day comes first
        results[row["row_no"]] = result
    await store.add_lines(tx, fees)
    return found, results


def owed_by(line: Row, owed: Iterable[tuple[Row, money.Due]], source: str) -> Sequence[money.Due]:
    """What a line may bring: what its words name by number, else what its payer owes."""
    pairs = list(owed)
    by_number = money.named(" ".join(_words(line)), [one for _, one in pairs])
    return by_number or [one for settlement, one in pairs if _is_from(settlement, source)]


def due_of(settlement: Row) -> money.Due:
    """What is still to come of a settlement."""
    remainder_fen = settlement["expected_fen"] - settlement["arrived_fen"] - settlement["fee_fen"]
    return money.Due(settlement["settlement_id"], settlement["day"], remainder_fen, settlement["reference"])


def row_of(statement: Row, row: Row) -> dict[str, Any]:
    """Which row of which statement."""
    return {"pool": statement["pool"], "statement_id": statement["statement_id"], "row_no": row["row_no"]}


def line_of(
    about: Mapping[str, Any], settlement_id: object, amount_fen: int, *, part: str = "arrived"
) -> dict[str, Any]:
    """A row of `settlement_line`."""
    return {**about, "settlement_id": settlement_id, "part": part, "amount_fen": amount_fen}


def source_of(service: Payments, institution: str, payer_name: str | None) -> str:
    """For whom the name in a line of an account stands: `wechat`, `bank/RCB990101`; empty where nobody knows."""
    account = service.settings.money_accounts.get(institution)
    return account.payers.get(payer_name or "", "") if account else ""


def _out(row: Row, back: Mapping[str, int], passes_to: Any) -> tuple[Found, Result]:
    """A line that takes money out: a refund that is paid, or passed on to an account of ours."""
    ours = next((back[word] for word in _words(row) if word in back), None)
    if row["amount_fen"] is None:
        result = Result.DATA_DIFFERS
    elif ours is not None:
        result = Result.MATCHED if ours == row["amount_fen"] else Result.AMOUNT_DIFFERS
    else:
        result = Result.MATCHED if row["payer_name"] in passes_to else Result.UNKNOWN
    return _found(row, ours), result


def _found(row: Row, our_fen: int | None) -> Found:
    line = rules.Line(rules.LineKind(row["kind"]), rules.LineStatus(row["status"]), row["amount_fen"])
    return Found(line, ours=rules.Ours(our_fen, live=True) if our_fen is not None else None)


def _is_from(settlement: Row, source: str) -> bool:
    channel, _, institution = source.partition("/")
    return settlement["channel"] == channel and (institution in ("", settlement["institution"]))


def _words(row: Row) -> list[str]:
    return [word for word in (row["reference"], *(row["order_no"] or "").split()) if word]
