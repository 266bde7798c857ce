"""Lists of departments: from the upload to statuses worked out, against COPY of the rows that came of it."""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx
import xlsxwriter
from python_calamine import CalamineWorkbook
from stdnum.cn import ric

from deploy.local import places
from deploy.local.postgres import EmbeddedPostgres
from shared.ids import new_id
from shared.sheets import open_sheet

from . import limits, stage
from .measures import Measured, against, bench_peak_mib
from .rounds import rounds_of
from .shown import step

_PARSER_ROUNDS = 3
_TAKEN = (
    "evidence", "evidence_part", "supplier", "feed", "person", "identity_document", "status_claim", "status",
    "audit_line", "event",
)  # fmt: skip
"""What a list of statuses leaves behind."""
_HEADINGS = ("姓名", "身份证号", "参保单位", "参保起始日期", "参保终止日期")
_SUPPLIER = "employee_insurance"
_FIRST_BIRTH = date(1950, 1, 1)
_COPY = "CSV: COPY of the accepted rows into the same tables with their constraints"
_PARSER = "XLSX: python-calamine alone with the same workbook"
_POLL_SECONDS = 0.05
_BYTES_AT_ONCE = 1024 * 1024


@dataclass(frozen=True)
class Taken:
    """One list taken by a service that was started for it."""

    rows: int
    upload_seconds: float
    seconds: float
    peak_mib: float
    service_seconds: float
    database_seconds: float
    client_seconds: float

    @property
    def per_second(self) -> float:
        """Rows a second, the upload among them."""
        return self.rows / self.seconds


def feed_import(size: float) -> Iterator[Measured]:
    """Lists of departments, as CSV and as a workbook."""
    yield _csv(round(1_000_000 * size), rounds_of(size))
    yield _workbook(round(500_000 * size))


def _csv(count: int, rounds: int) -> Measured:
    """A list of people nobody knows yet: each row makes a person, a document, a claim, a status and an event. Rounds of
    import and limit in turn, each on a new database and by a new service; half the size before them, as the warm-up and
    for the other peak of memory."""
    file, half = _list_of(count, ".csv"), _list_of(count // 2, ".csv")
    with stage.database() as postgres:
        step(f"warm-up: {count // 2:,} rows")
        smaller = _taken(postgres, half, "half", count // 2)
        found = []
        for at in range(rounds):
            step(f"round {at + 1} of {rounds}: {count:,} rows, and COPY of what came of them")
            found.append(_round(postgres, file, f"whole_{at}", count))
    middle = sorted((taken for taken, _ in found), key=lambda one: one.seconds)[rounds // 2]
    beside = _beside(middle, file) | {"service_peak_mib_at_half": round(smaller.peak_mib, 1), "rounds": rounds}
    reached = [taken.per_second for taken, _ in found]
    return against("feed_import", "rows/s", count, reached, [copied for _, copied in found], _COPY, 0.3, beside)


def _workbook(count: int) -> Measured:
    """Such a list as a workbook: read as the service reads it (looked over for its size, each cell as text), against
    the parser alone. Beside it the whole import of a fifth, of which the reading is a small part."""
    step(f"a workbook of {count:,} rows")
    file = _list_of(count, ".xlsx")
    _read(file), _parsed(file)
    rounds = [(count / _read(file), count / _parsed(file)) for _ in range(_PARSER_ROUNDS)]
    fifth = _list_of(count // 5, ".xlsx")
    with stage.database() as postgres:
        whole = _taken(postgres, fifth, "whole", count // 5)
    beside = {"whole_import_rows_per_s": round(whole.per_second, 1), **_beside(whole, fifth), "rounds": _PARSER_ROUNDS}
    beside["bench_peak_mib"] = bench_peak_mib()
    reached, possible = zip(*rounds, strict=True)
    return against("feed_import", "rows/s", count, reached, possible, _PARSER, 0.5, beside)


def _beside(taken: Taken, file: Path) -> dict[str, float]:
    return {
        "upload_seconds": round(taken.upload_seconds, 2),
        "import_seconds": round(taken.seconds, 2),
        "service_cpu_us_a_row": round(1e6 * taken.service_seconds / taken.rows, 1),
        "database_cpu_us_a_row": round(1e6 * taken.database_seconds / taken.rows, 1),
        "client_cpu_us_a_row": round(1e6 * taken.client_seconds / taken.rows, 1),
        "service_peak_mib": round(taken.peak_mib, 1),
        "file_mib": round(file.stat().st_size / 2**20, 1),
    }


def _round(postgres: EmbeddedPostgres, file: Path, database: str, count: int) -> tuple[Taken, float]:
    """A list taken into a new database, and COPY of what came of it into another; rows a second of the copy."""
    taken = _taken(postgres, file, database, count)
    (copied,) = limits.copy_again(postgres, "eligibility", _TAKEN, count, 1, of=database)
    return taken, copied


def _taken(postgres: EmbeddedPostgres, file: Path, database: str, count: int) -> Taken:
    """A list taken into a new database by a new service."""
    url = stage.migrated(postgres, "eligibility", database)
    with stage.served("eligibility", url, settings={"JOBS": "true", "FOLLOW_SECONDS": "0.1"}) as service:
        postgres.execute("checkpoint", database)
        before = service.cpu_seconds(), stage.cpu_seconds(postgres.pid), time.process_time()
        uploaded, seconds = _import(service.port, file, count)
        now = service.cpu_seconds(), stage.cpu_seconds(postgres.pid), time.process_time()
        used = [after - begun for after, begun in zip(now, before, strict=True)]
        return Taken(count, uploaded, seconds, service.peak_mib(), *used)


def _import(port: int, file: Path, count: int) -> tuple[float, float]:
    """Seconds until a list was received, and until its statuses were worked out."""
    token = stage.token("eligibility:read", "eligibility:write")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    asked = {"pool": stage.POOL, "supplier": _SUPPLIER, "file_name": file.name, "rows": str(count)}
    with httpx.Client(base_url=f"http://{places.HOST}:{port}", headers=headers, timeout=300) as client:
        began = time.perf_counter()
        sent = client.post("/v1/feeds", params=asked, content=_pieces(file), headers={"Idempotency-Key": str(new_id())})
        feed_id, uploaded = sent.raise_for_status().json()["feed_id"], time.perf_counter() - began
        while True:
            feed = client.get(f"/v1/feeds/{feed_id}", params={"pool": stage.POOL}).raise_for_status().json()
            if feed["state"] == "taken":
                break
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - began
    if feed["rows_accepted"] != count:
        raise RuntimeError(f"{feed['rows_rejected']} of {count} rows went back")
    return uploaded, seconds


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_BYTES_AT_ONCE):
            yield piece


def _read(file: Path) -> float:
    began = time.perf_counter()
    with file.open("rb") as source:
        for _ in open_sheet(file.name, source, required=_HEADINGS).rows:
            pass
    return time.perf_counter() - began


def _parsed(file: Path) -> float:
    began = time.perf_counter()
    CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python(skip_empty_area=False)
    return time.perf_counter() - began


def _list_of(count: int, suffix: str) -> Path:
    """A list of invented people, each once, insured as employees."""
    stage.FOLDER.mkdir(parents=True, exist_ok=True)
    path = stage.FOLDER / f"list-{count}{suffix}"
    rows = (_row(order) for order in range(count))
    if suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(_headed(rows))
    else:
        with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
            page = book.add_worksheet()
            for at, cells in enumerate(_headed(rows)):
                page.write_row(at, 0, cells)
    return path


def _headed(rows: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    yield _HEADINGS
    yield from rows


def _row(order: int) -> tuple[str, ...]:
    day, turn = order % 20_000, order // 20_000
    stem = f"{stage.POOL}{_FIRST_BIRTH + timedelta(days=day):%Y%m%d}{turn:03}"
    name = f"{'王李张刘陈杨黄赵'[order % 8]}{'小明国华秀英建军'[order // 8 % 8]}{'平安喜乐文武福寿'[order // 64 % 8]}"
    return name, stem + ric.calc_check_digit(f"{stem}0"), "甲公司", "2021-01-01", ""
