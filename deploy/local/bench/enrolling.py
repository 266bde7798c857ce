"""Rosters of a whole city, from the upload to assessments told: both services as processes, with their jobs."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from python_calamine import CalamineWorkbook

from deploy.local import places
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.publish import publish_packages
from deploy.local.town.facts import learn
from deploy.local.town.feeds import Feed, write_feeds
from deploy.local.town.identity import NumberBook
from deploy.local.town.people import MOST_RESIDENTS, Town, settle, stream
from deploy.local.town.plans import YANGCHENG
from deploy.local.town.rosters import write_rosters
from deploy.local.town.sheets import write_csv, write_xlsx
from shared.ids import new_id

from . import limits, stage
from .measures import Measured, against, bench_peak_mib
from .rounds import rounds_of
from .shown import step

ROUNDS = 3
_POOL = YANGCHENG.pool
_VILLAGES_A_ROSTER = 4
_HANDED_IN_AT_ONCE = 4
_POLL_SECONDS = 0.1
_TABLES = {
    "registration": (
        "package_version", "unit", "evidence", "evidence_part", "roster", "enrolment", "assessment",
        "assessment_line", "roster_row", "refusal", "event", "audit_line", "idempotency_key",
    ),
    "eligibility": ("person", "identity_document", "audit_line", "idempotency_key"),
}  # fmt: skip
"""What rosters leave behind, in the order of the foreign keys."""


@dataclass(frozen=True)
class Unit:
    """A village or a school, and its roster."""

    code: str
    name: str
    kind: str
    region: str
    roster: Path


def roster_import(size: float) -> Iterator[Measured]:
    """People who are in the register, nearly all, on the rosters of their villages and schools: matched, assessed,
    enrolled. Rounds of other units in turn; then COPY of what came of them all, in both databases: three times, once
    where that takes minutes."""
    with stage.database() as postgres, _suite(postgres) as suite:
        units = [unit for town in _ahead(_towns(round(700_000 * size))) for unit in suite.prepare(town)]
        began = new_id()
        postgres.execute("vacuum analyze", "eligibility")  # as autovacuum does within a minute of such lists
        few = len(units) % ROUNDS or ROUNDS
        step(f"warm-up: rosters of {few} of {len(units)} units")
        warm_up, rest = suite.take(units[:few]), units[few:]
        for service in _TABLES:
            postgres.execute("vacuum analyze; checkpoint", service)
        used, rates, persons = suite.used(), [], 0
        for at in range(ROUNDS):
            step(f"round {at + 1} of {ROUNDS}: rosters of {len(rest[at::ROUNDS])} units")
            start = time.perf_counter()
            rows = suite.take(rest[at::ROUNDS])
            rates.append(rows / (time.perf_counter() - start))
            persons += rows
        beside: dict[str, float] = {
            name: round(1e6 * (now - used[name]) / persons) for name, now in suite.used().items()
        }
        beside |= suite.peaks() | suite.counts() | {"bench_peak_mib": bench_peak_mib(), "rounds": ROUNDS}
        made = {"person": f"person_id > '{began}'", "identity_document": f"document_id > '{began}'"}
        asked = {"audit_line": "action in ('person.resolved', 'status.read')", "idempotency_key": "key like 'roster-%'"}
        heads = warm_up + persons
        copies = rounds_of(size)
        step(f"COPY of what came of {heads:,} persons, {copies} times")
        copied = [
            limits.copy_again(postgres, "registration", _TABLES["registration"], heads, copies),
            limits.copy_again(postgres, "eligibility", _TABLES["eligibility"], heads, copies, only=made | asked),
        ]
        beside["rounds_of_copy"] = copies
    possible = [1 / sum(1 / rate for rate in both) for both in zip(*copied, strict=True)]
    limit_is = "COPY of the resulting rows into the tables of both databases, with their constraints"
    yield against("roster_import", "persons/s", persons, rates, possible, limit_is, 0.2, beside)


@dataclass(frozen=True)
class _Lists:
    """All that is handed in about a town: what lies where in a folder."""

    folder: Path
    feeds: Sequence[Feed]
    units: Sequence[Unit]


def _ahead(coming: Iterator[_Lists]) -> Iterator[_Lists]:
    """The same, the next one in the making while somebody is busy with the one before."""
    with ThreadPoolExecutor(1) as writer:
        ready = writer.submit(next, coming, None)
        while lists := ready.result():
            ready = writer.submit(next, coming, None)
            yield lists


def _towns(residents: int) -> Iterator[_Lists]:
    """The lists of as many towns as hold so many residents; no two share a village or a number."""
    count = -(-residents // MOST_RESIDENTS)
    book = NumberBook(stream(1, "numbers"), YANGCHENG.old_codes)
    for n in range(count):
        plan = replace(YANGCHENG, town=f"{YANGCHENG.county}{108 + n}")
        town = settle(plan, n + 1, residents // count, book)
        town.schools = [replace(school, code=f"{school.code[:4]}{n}{school.code[5:]}") for school in town.schools]
        learn(town)
        folder = stage.FOLDER / f"town-{n}"
        for lists in ("feeds", "rosters"):
            (folder / lists).mkdir(parents=True, exist_ok=True)
        yield _Lists(folder, write_feeds(town, folder), rosters_of(town, folder))


def rosters_of(town: Town, folder: Path) -> list[Unit]:
    """Those who hand in rosters: the schools, and the offices that do it for some villages each, in turn as workbook
    and as CSV. What they put right later is left out."""
    first: dict[str, Path] = {}
    for roster in write_rosters(town, folder)[0]:
        first.setdefault(roster.unit_code, folder / roster.file)
    schools = [Unit(one.code, one.name, "school", one.region, first[one.code]) for one in town.schools]
    offices = []
    for n, at in enumerate(range(0, len(town.villages), _VILLAGES_A_ROSTER)):
        some = town.villages[at : at + _VILLAGES_A_ROSTER]
        sheets = [CalamineWorkbook.from_path(first[village.code]).get_sheet_by_index(0) for village in some]
        tables = [[[str(cell) for cell in row] for row in sheet.to_python()] for sheet in sheets]
        header, rows = tables[0][0], [row for table in tables for row in table[1:]]
        path = first[some[0].code].with_name(f"office-{n}.{'csv' if n % 2 else 'xlsx'}")
        if n % 2:
            write_csv(path, header, rows, "utf-8-sig")
        else:
            write_xlsx(path, "参保花名册", header, rows)
        offices.append(Unit(some[0].code, some[0].name, "village", some[0].code, path))
    return schools + offices


@contextmanager
def _suite(postgres: EmbeddedPostgres) -> Iterator["_Suite"]:
    """Both services on databases of their own, and the packages published."""
    urls = {service: stage.migrated(postgres, service, service) for service in _TABLES}
    jobs = {"JOBS": "true", "FOLLOW_SECONDS": "0.5"}
    app = "deploy.local.bench.dated:{}".format
    with stage.served("eligibility", urls["eligibility"], settings=jobs, app=app("eligibility")) as eligibility:
        asked = {**jobs, "ELIGIBILITY_URL": f"http://{places.HOST}:{eligibility.port}"}
        with stage.served("registration", urls["registration"], settings=asked, app=app("registration")) as served:
            publish_packages({"registration": f"http://{places.HOST}:{served.port}"})
            yield _Suite(postgres, {"registration": served, "eligibility": eligibility})


class _Suite:
    """The two services, as departments and units meet them."""

    def __init__(self, postgres: EmbeddedPostgres, services: dict[str, stage.Served]) -> None:
        self._postgres = postgres
        self._services = services
        scopes = [f"{service}:{may}" for service in services for may in ("read", "write")]
        headers = {"Authorization": f"Bearer {stage.token(*scopes)}"}
        self._clients = {
            name: httpx.Client(
                base_url=f"http://{places.HOST}:{one.port}",
                headers=headers,
                params={"pool": _POOL},
                timeout=300,
                trust_env=False,
            )
            for name, one in services.items()
        }

    def prepare(self, town: _Lists) -> Sequence[Unit]:
        """Have the departments hand in their lists of a town, and make its units known."""
        for feed in town.feeds:
            step(f"{town.folder.name}: {feed.file}")
            handed_in = self._hand_in("eligibility", "feeds", town.folder / feed.file, supplier=feed.supplier)
            self._taken("eligibility", "feeds", handed_in)
        step(f"{town.folder.name}: registration follows the lists")
        self._await_news()
        for unit in town.units:
            body = {"unit_code": unit.code, "name": unit.name, "kind": unit.kind, "region": unit.region}
            self._posted("registration", "/v1/units", json={"pool": _POOL, **body})
        return town.units

    def take(self, units: Sequence[Unit]) -> int:
        """Have units hand in their rosters, several at once, and wait until all are taken; the rows of them."""
        with ThreadPoolExecutor(_HANDED_IN_AT_ONCE) as clerks:
            handed_in = list(clerks.map(self._hand_in_roster, units))
        return sum(self._taken("registration", "rosters", roster)["rows_total"] for roster in handed_in)

    def used(self) -> dict[str, float]:
        """Seconds of processor time so far."""
        seconds = {f"{name}_cpu_us_a_person": one.cpu_seconds() for name, one in self._services.items()}
        client = {"client_cpu_us_a_person": time.process_time()}
        return seconds | {"database_cpu_us_a_person": stage.cpu_seconds(self._postgres.pid)} | client

    def peaks(self) -> dict[str, float]:
        """The largest memory of each service."""
        return {f"{name}_peak_mib": round(one.peak_mib(), 1) for name, one in self._services.items()}

    def counts(self) -> dict[str, float]:
        """Rows in the tables of registration. Raises RuntimeError where rows of rosters led to nothing."""
        tables = ("roster", "roster_row", "enrolment", "assessment", "assessment_line", "refusal", "event")
        found = {table: self._count(f"select count(*) from {table}") for table in tables}
        if self._count("select sum(rows_total) from roster") != found["roster_row"] or not found["enrolment"]:
            raise RuntimeError(f"the rosters are not done: {found}")
        return dict(found)

    def _count(self, query: str) -> int:
        return int(self._postgres.execute(query, "registration"))

    def _hand_in_roster(self, unit: Unit) -> dict[str, Any]:
        return self._hand_in("registration", "rosters", unit.roster, scheme=YANGCHENG.scheme, unit_code=unit.code)

    def _hand_in(self, service: str, what: str, path: Path, **asked: str) -> dict[str, Any]:
        return self._posted(
            service,
            f"/v1/{what}",
            content=path.read_bytes(),
            params={"file_name": path.name, **asked},
            headers={"Content-Type": "application/octet-stream"},
        )

    def _taken(self, service: str, what: str, found: dict[str, Any]) -> dict[str, Any]:
        """A list that was handed in, when all its rows are done."""
        address = f"/v1/{what}/{found[f'{what[:-1]}_id']}"
        while found["state"] != "taken":
            time.sleep(_POLL_SECONDS)
            found = self._clients[service].get(address).raise_for_status().json()
        return found

    def _posted(self, service: str, path: str, **parts: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": str(new_id()), **parts.pop("headers", {})}
        answer = self._clients[service].post(path, headers=headers, **parts)
        return dict(answer.raise_for_status().json())

    def _await_news(self) -> None:
        """Wait until registration has followed what the lists changed."""
        while True:
            states = self._clients["eligibility"].get("/v1/events/heads").raise_for_status().json()["items"]
            heads = sum(state["seq"] for state in states)
            followed = "select coalesce(sum(seq), 0) from follow_cursor where source = 'eligibility'"
            if self._count(followed) == heads:
                return
            time.sleep(_POLL_SECONDS)
