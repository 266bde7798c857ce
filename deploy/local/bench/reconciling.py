"""A bank's statement of a day: from the upload to the last break found, against DuckDB's join of the two files."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx

from deploy.local import places
from deploy.local.postgres import EmbeddedPostgres
from shared.clock import business_day, wall_now
from shared.ids import new_id

from . import limits, stage
from .measures import Measured, against
from .rounds import Used, rounds_of
from .shown import step

_BANK = "RCB999001"
_AMOUNT_FEN = 38000
_LINES_A_BREAK = 1000
_KINDS = ("amount_differs", "ours_missing", "channel_missing", "duplicate")
_AGE_DAYS = 10
"""Old enough that nothing waits for its counterpart any more: each difference is a break at once."""
_POLL_SECONDS = 0.1
_LIMIT_IS = "DuckDB: both files read, joined in full, and what each line comes to written as a file"
_JOIN = """
copy (
    with theirs as (
        select serial, amount, row_number() over (partition by serial) as place
        from read_csv('{theirs}', delim = '|', skip = 1, header = false,
            names = ['day', 'serial', 'bill_no', 'amount', 'via', 'kind'], all_varchar = true)),
    ours as (select serial, amount_fen from read_csv('{ours}', header = true, all_varchar = true))
    select serial, case
        when theirs.serial is null then 'channel_missing'
        when place > 1 then 'duplicate'
        when ours.serial is null then 'ours_missing'
        when cast(cast(amount as decimal(12, 2)) * 100 as bigint) <> cast(amount_fen as bigint) then 'amount_differs'
        else 'matched' end as result
    from theirs full join ours using (serial)
) to '{found}' (format parquet)
"""


@dataclass(frozen=True)
class Day:
    """A day of the bank: the file that it prints, and our money of the day as a file beside it."""

    day: date
    theirs: Path
    ours: Path


@dataclass(frozen=True)
class _Taken:
    """How long a statement took: until it was handed over, from then until it was accepted, and in all."""

    upload_seconds: float
    intake_seconds: float
    seconds: float


def reconcile(size: float) -> Iterator[Measured]:
    """A statement with a break in a thousand lines, of four kinds; DuckDB must find the very same."""
    count, rounds = max(round(1_000_000 * size), 2 * len(_KINDS) * _LINES_A_BREAK), rounds_of(size)
    with stage.database() as postgres:
        url = stage.migrated(postgres, "payments", "payments")
        last = business_day(wall_now()) - timedelta(days=_AGE_DAYS)
        step(f"money of {1 + rounds} days booked, {count:,} payments a day, on the first half of them")
        half, *days = [
            _booked(postgres, last - timedelta(days=at), lines, at * count)
            for at, lines in enumerate((count // 2, *[count] * rounds))
        ]
        postgres.execute("vacuum analyze; checkpoint", "payments")
        taken, possible = [], []
        with stage.served("payments", url, settings={"JOBS": "true"}) as service:
            step("warm-up: the statement of half a day")
            _take(service, postgres, half)
            half_peak, used = service.peak_mib(), Used(service, postgres)
            for day in days:
                seconds, told = joined(day)
                possible.append(count / seconds)
                with used:
                    taken.append(_take(service, postgres, day))
                _require_same(_breaks(postgres, day), told)
            peak = service.peak_mib()
    middle = sorted(taken, key=lambda one: one.seconds)[rounds // 2]
    beside = used.shares(rounds * count) | {
        "upload_seconds": round(middle.upload_seconds, 2),
        "intake_seconds": round(middle.intake_seconds, 2),
        "matching_seconds": round(middle.seconds - middle.upload_seconds - middle.intake_seconds, 2),
        "breaks": sum(told.values()),
        "service_peak_mib": round(peak, 1),
        "service_peak_mib_at_half": round(half_peak, 1),
        "rounds": rounds,
    }
    yield against(
        "reconcile", "lines/s", count, [count / one.seconds for one in taken], possible, _LIMIT_IS, 0.2, beside
    )


def _booked(postgres: EmbeddedPostgres, day: date, count: int, first: int) -> Day:
    script = limits.filled("reconcile.sql", bank=_BANK, day=f"{day:%Y%m%d}", count=count, first=first)
    postgres.execute(script, "payments")
    return printed(stage.FOLDER, day, count, first)


def printed(folder: Path, day: date, count: int, first: int = 0) -> Day:
    """Write both files of a day with so many payments of ours, whose bills are numbered from `first` on."""
    theirs, ours = (folder / f"{side}_{day:%Y%m%d}.csv" for side in ("theirs", "ours"))
    amounts = [fen for _, fen in _lines(count)]
    with theirs.open("w", encoding="utf-8") as file:
        file.write(f"{len(amounts)}|{_yuan(sum(amounts))}\n")
        for n, fen in _lines(count):
            file.write(f"{day:%Y%m%d}|{n:012d}|{stage.POOL}{first + n:020d}|{_yuan(fen)}|APP|1\n")
    with ours.open("w", encoding="utf-8") as file:
        file.write("serial,bill_no,amount_fen\n")
        for n in range(1, count + 1):
            file.write(f"{n:012d},{stage.POOL}{first + n:020d},{_AMOUNT_FEN}\n")
    return Day(day, theirs, ours)


def _lines(count: int) -> Iterator[tuple[int, int]]:
    """Number and fen of the lines that the bank prints of so many payments: the same number of breaks of each kind."""
    each = count // _LINES_A_BREAK // len(_KINDS)
    for n in range(1, count + 1 - each):  # it knows nothing of the last ones
        at, odd = divmod(n, 700)
        yield n, _AMOUNT_FEN - 100 if odd == 0 and at <= each else _AMOUNT_FEN
        if odd == 1 and at < each:
            yield n, _AMOUNT_FEN
    for n in range(each):
        yield 10**11 + n, _AMOUNT_FEN


def joined(day: Day) -> tuple[float, dict[str, int]]:
    """DuckDB's seconds for a day, and the breaks of each kind that it finds."""
    found = day.theirs.with_suffix(".parquet")
    import duckdb  # noqa: PLC0415 -- a process that has it says at its end that it leaks

    with duckdb.connect() as connection:
        began = time.perf_counter()
        connection.execute(_JOIN.format(theirs=day.theirs, ours=day.ours, found=found))
        seconds = time.perf_counter() - began
        connection.execute(f"select result, count(*) from '{found}' where result <> 'matched' group by result")
        return seconds, dict(connection.fetchall())


def _take(service: stage.Served, postgres: EmbeddedPostgres, day: Day) -> _Taken:
    """Hand a statement over, and wait until the service has nothing more to do about it."""
    began = time.perf_counter()
    answer = httpx.post(
        f"http://{places.HOST}:{service.port}/v1/statements",
        params={
            "pool": stage.POOL,
            "channel": "bank",
            "institution": _BANK,
            "day": str(day.day),
            "file_name": "day.txt",
        },
        headers={
            "Authorization": f"Bearer {stage.token('payments:read', 'payments:write')}",
            "Content-Type": "application/octet-stream",
            "Idempotency-Key": str(new_id()),
        },
        content=day.theirs.read_bytes(),
        timeout=600,
    )
    statement_id = answer.raise_for_status().json()["statement_id"]
    uploaded = time.perf_counter()
    statement = f"from statement where pool = '{stage.POOL}' and statement_id = '{statement_id}'"
    _await(postgres, f"select state = 'accepted' {statement}")
    accepted = time.perf_counter()
    _await(
        postgres, f"select look_on is distinct from cast(judged_at at time zone 'Asia/Shanghai' as date) {statement}"
    )
    return _Taken(uploaded - began, accepted - uploaded, time.perf_counter() - began)


def _await(postgres: EmbeddedPostgres, question: str) -> None:
    while postgres.execute(question, "payments") != "t":
        time.sleep(_POLL_SECONDS)


def _breaks(postgres: EmbeddedPostgres, day: Day) -> dict[str, int]:
    """The open breaks of a day by kind."""
    rows = postgres.execute(
        f"select kind, count(*) from statement_break where pool = '{stage.POOL}' and day = '{day.day}' "
        "and state = 'open' group by kind",
        "payments",
    )
    return {kind: int(count) for kind, count in (row.split("|") for row in rows.splitlines())}


def _require_same(ours: Mapping[str, int], theirs: Mapping[str, int]) -> None:
    if set(theirs) != set(_KINDS) or dict(ours) != dict(theirs):
        raise RuntimeError(f"the service has found {ours}, DuckDB {theirs}")


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
