"""Payments taken and booked for good: one per request at the counter and from the tax bureau, and in batches."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from statistics import quantiles
from typing import Any

import httpx

from deploy.local import places
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.simulators import tax
from services.payments import rules
from services.payments.store import bills as bill_store
from shared.clock import business_day, wall_now
from shared.database import Database
from shared.ids import new_id

from . import fairness, limits, load, stage
from .measures import Measured, against
from .rounds import Used, send

CONNECTIONS = 64
COUNTERS = 16
ROUNDS = 3
BATCH = 1000
_AMOUNT_FEN = 32000
_ROWS_AT_ONCE = 5000
_UNGATHERED = "deploy.local.bench.ungathered:create_app"
_TRANSACTIONS = "pgbench with the same rows, one transaction each, 8 clients"
Line = Callable[[int], Callable[[Sequence[str]], list[bytes]]]
"""What makes requests of bills for the service at a port."""

WORKERS = 2
"""Best on two cores for one payment a request: one works while the other waits for the database."""


def confirm_plain(size: float) -> Iterator[Measured]:
    """The counter's: token and Idempotency-Key, one payment a request."""
    tables = (*fairness.PAYMENT, "idempotency_key")
    yield _one_by_one("confirm_plain", round(50_000 * size), 1.0, lambda port: Counters(port).sales, tables)


def confirm_single(size: float) -> Iterator[Measured]:
    """The tax bureau's: a signature over every message, one payment a request."""
    # Instead of a key it leaves an event id, a nonce and the voucher: two rows more than the limit.
    count = round(50_000 * size)
    yield _one_by_one("confirm_single", count, 0.7, lambda port: Bureau(port).singles, fairness.PAYMENT)


def _one_by_one(
    name: str,
    each: int,
    aim: float,
    line: Line,
    tables: Sequence[str],
) -> Measured:
    """Rounds of pgbench and of requests in turn, on one Postgres; each round pays other bills.

    Raises RuntimeError where a side is not durable, a payment settled nothing, or the rows in `tables` differ.
    """
    warm_up = few = each // 10
    with stage.database() as postgres:
        url = stage.migrated(postgres, "payments", "payments")
        bills = asyncio.run(issue_bills(url, warm_up + ROUNDS * each + 2 * few))
        limit = limits.Confirmations(postgres, warm_up + ROUNDS * each + few * limits.CLIENTS)
        fairness.require_durable(postgres, "payments", limits.DATABASE)
        settings = {"TAX_KEYS": tax.settings_of()}
        with stage.served("payments", url, workers=WORKERS, settings=settings) as service:
            requests = line(service.port)
            send(service, requests(bills[:warm_up]), CONNECTIONS)
            limit.run(warm_up)
            rows = fairness.Rows(postgres, "payments", tables)
            others, before = fairness.Rows(postgres, limits.DATABASE, tables), limit.paid
            postgres.execute("vacuum analyze; checkpoint", "payments")
            postgres.execute("vacuum analyze; checkpoint", limits.DATABASE)
            possible, reached = [], []
            used = Used(service, postgres)
            for at in range(warm_up, warm_up + ROUNDS * each, each):
                possible.append(limit.run(each))
                with used:
                    reached.append(send(service, requests(bills[at : at + each]), CONNECTIONS))
            fairness.require_same(rows.each(ROUNDS * each), others.each(limit.paid - before))
            beside = used.beside(reached, each) | {"workers": WORKERS}
        beside |= _alone(url, settings, line, bills[-2 * few :])
        beside["alone_limit_ms"] = round(1000 / limit.run(few, clients=1), 2)
        _require_settled(postgres, len(bills))
    return against(name, "payments/s", each, [one.per_second for one in reached], possible, _TRANSACTIONS, aim, beside)


def _alone(url: str, settings: Mapping[str, str], line: Line, bills: Sequence[str]) -> dict[str, float]:
    """Waits of whoever comes alone, in ms, gathered and not: two services of one age, which pay in turn, each twice."""
    part = len(bills) // 4
    beside: dict[str, float] = {}
    with (
        stage.served("payments", url, settings=settings) as gathered,
        stage.served("payments", url, settings=settings, app=_UNGATHERED) as direct,
    ):
        sides = [("alone", gathered, line(gathered.port)), ("alone_ungathered", direct, line(direct.port))]
        waits: dict[str, list[float]] = {name: [] for name, _, _ in sides}
        for turn, (name, service, requests) in enumerate(sides * 2):
            waits[name] += send(service, requests(bills[turn * part : (turn + 1) * part]), 1).waits
    for name, each in waits.items():
        cuts = quantiles(each, n=100)
        beside |= {f"{name}_p50_ms": round(1000 * cuts[49], 2), f"{name}_p99_ms": round(1000 * cuts[98], 2)}
    return beside


def confirm_batch(size: float) -> Iterator[Measured]:
    """The tax bureau's, 1,000 a request, against COPY of the rows that came of it."""
    each = max(round(100_000 * size), BATCH)
    with stage.database() as postgres:
        url = stage.migrated(postgres, "payments", "payments")
        bills = asyncio.run(issue_bills(url, (ROUNDS + 1) * each))
        with stage.served("payments", url, settings={"TAX_KEYS": tax.settings_of()}) as service:
            batches = Bureau(service.port).batches
            send(service, batches(bills[:each]), 1)
            postgres.execute("vacuum analyze; checkpoint", "payments")
            used, reached = Used(service, postgres), []
            for at in range(each, (ROUNDS + 1) * each, each):
                with used:
                    reached.append(send(service, batches(bills[at : at + each]), 1))
            beside = used.beside(reached, each)
        _require_settled(postgres, len(bills))
        possible = limits.copy_again(postgres, "payments", limits.CONFIRMED, len(bills), ROUNDS)
    rates = [each / one.seconds for one in reached]
    limit_is = "COPY of the same rows into the same tables with their constraints"
    yield against("confirm_batch", "payments/s", each, rates, possible, limit_is, 0.3, beside)


class Counters:
    """Open shifts of one service, and sales at them."""

    def __init__(self, port: int) -> None:
        token = stage.token("payments:read", "payments:write")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._shifts = [self._open(port, f"C{port}N{n}") for n in range(COUNTERS)]

    def sales(self, bills: Sequence[str]) -> list[bytes]:
        """A request for each bill, paid in cash, the counters in turn."""
        return [self._sale(bill_no, self._shifts[n % COUNTERS]) for n, bill_no in enumerate(bills)]

    def _open(self, port: int, code: str) -> str:
        body = {"pool": stage.POOL, "counter_code": code, "region": f"{stage.POOL}001", "opening_float_fen": 0}
        keyed = {**self._headers, "Idempotency-Key": str(new_id())}
        answer = httpx.post(f"http://{places.HOST}:{port}/v1/shifts", json=body, headers=keyed)
        return str(answer.raise_for_status().json()["shift_id"])

    def _sale(self, bill_no: str, shift_id: str) -> bytes:
        body = {
            "pool": stage.POOL,
            "shift_id": shift_id,
            "method": "cash",
            "payer_name": "王小明",
            "items": [{"bill_no": bill_no, "amount_fen": _AMOUNT_FEN}],
        }
        keyed = {**self._headers, "Idempotency-Key": str(new_id())}
        return load.request("POST", "/v1/counter/payments", keyed, json.dumps(body, ensure_ascii=False).encode())


class Bureau:
    """The tax bureau's line to a service."""

    def __init__(self, port: int) -> None:
        self._base = f"http://{places.HOST}:{port}"
        self._key = tax.key_of()

    def singles(self, bills: Sequence[str]) -> list[bytes]:
        """A signed confirmation for each bill."""
        return [self._signed("/v1/channels/tax/confirmations", self._event(bill_no)) for bill_no in bills]

    def batches(self, bills: Sequence[str]) -> list[bytes]:
        """Signed batches of 1,000 confirmations."""
        parts = [bills[at : at + BATCH] for at in range(0, len(bills), BATCH)]
        path = "/v1/channels/tax/confirmations/batches"
        return [
            self._signed(path, {"batch_no": str(new_id()), "items": [self._event(bill_no) for bill_no in part]})
            for part in parts
        ]

    def _event(self, bill_no: str) -> dict[str, Any]:
        return {
            "event_id": str(new_id()),
            "bill_no": bill_no,
            "amount_fen": _AMOUNT_FEN,
            "paid_at": wall_now().isoformat(),
            "voucher_no": "314052211000000001",
            "payer_name": "王小明",
        }

    def _signed(self, path: str, said: Any) -> bytes:
        body = json.dumps(said, ensure_ascii=False).encode()
        # The address that is signed is the one that is called, and the host that of the request.
        headers = {**tax.sign(self._key, self._base + path, body), "Host": self._base.removeprefix("http://")}
        return load.request("POST", path, headers, body)


def _require_settled(postgres: EmbeddedPostgres, count: int) -> None:
    """Raises RuntimeError where a payment settled nothing, for then the figure is of something else."""
    found = postgres.execute("select count(*) from collection where outcome = 'settled'", "payments")
    if int(found) != count:
        raise RuntimeError(f"{count} payments were confirmed, {found} of them settled a bill")


async def issue_bills(url: str, count: int) -> list[str]:
    """Open bills, as registration's news makes them; their numbers."""
    today = business_day(wall_now())
    window = {
        "from": str(today - timedelta(days=30)),
        "to": str(today + timedelta(days=30)),
        "first_day": 1,
        "last_day": 31,
        "rules": ["S004-06"],
        "day_rules": ["S004-07"],
    }
    lines = [
        {"payer": "person", "amount_fen": _AMOUNT_FEN, "status": None, "rules": ["S004-09"]},
        {"payer": "medical_assistance_fund", "amount_fen": 8000, "status": "dibao", "rules": ["S004-15"]},
    ]
    database = Database(url)
    numbers: list[str] = []
    while len(numbers) < count:
        rows = [_bill(window, lines) for _ in range(min(_ROWS_AT_ONCE, count - len(numbers)))]
        async with database.writing() as tx:
            await bill_store.insert_bills(tx, rows)
        numbers += [row["bill_no"] for row in rows]
    async with database.writing() as tx:  # the pool is one whose assessments are followed
        await tx.execute(
            "insert into follow_cursor (pool, source, seq) values (:pool, 'registration', 0)", pool=stage.POOL
        )
    await database.close()
    return numbers


def _bill(window: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    assessment_id = new_id()
    return {
        "pool": stage.POOL,
        "bill_no": rules.bill_number(stage.POOL, str(assessment_id)),
        "assessment_id": assessment_id,
        "scheme": "national-2026",
        "person_id": new_id(),
        "unit_code": "V1",
        "region": f"{stage.POOL}001200",
        "standard_fen": _AMOUNT_FEN + 8000,
        "amount_fen": _AMOUNT_FEN,
        "lines": lines,
        "window": window,
        "status": "open",
        "issued_at": wall_now(),
        "name_masked": "王*",
        "version": 1,
    }
