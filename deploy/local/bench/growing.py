"""What must not grow: a question's wait with the bills there are, a resident's seconds with the size of the town."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from deploy.local import places
from deploy.local.postgres import EmbeddedPostgres

from . import stage
from .load import Outcome
from .measures import Measured, against
from .questions import billed, bills_of
from .rounds import Used, send
from .shown import step

CONNECTIONS = 8
ROUNDS = 5
_BILLS = (10_000, 100_000, 1_000_000, 10_000_000)
_QUESTIONS = 40_000
_RESIDENTS = (500, 1_000, 2_000)
_IN_FULL = 20_000
_REPORT = places.OUT / "season.json"
_TOWN_LIMIT_IS = "residents a second in the smallest town, the set-up apart"


@dataclass
class _Stock:
    """A service of its own over so many bills, and how its rounds went."""

    bills: int
    service: stage.Served
    used: Used
    rounds: list[Outcome] = field(default_factory=list)

    def ask(self, at: int, each: int) -> None:
        """A round: other persons each time, spread over all there are. The first one is the warm-up."""
        persons = self.bills // 3
        asked = [bills_of((at * each + n) * 7919 % persons) for n in range(each)]
        if at == 0:
            send(self.service, asked, CONNECTIONS)
            return
        with self.used:
            self.rounds.append(send(self.service, asked, CONNECTIONS))

    @property
    def p99_ms(self) -> float:
        """The middle one of its rounds' p99."""
        return median(one.wait_ms(0.99) for one in self.rounds)


def query_growth(size: float) -> Iterator[Measured]:
    """What history does to `bill_query`: its p99 at 10,000 bills against those at 100,000 and 1,000,000, in full at
    10,000,000. Each stock has a database and a service of its own; they are asked in turn, each round by another
    first."""
    each = min(round(_QUESTIONS * size), _QUESTIONS // 10)
    with stage.database() as postgres, ExitStack() as stack:
        most = max(_BILLS[-1] * size, _BILLS[0])
        stocks = [_stocked(postgres, count, stack) for count in _BILLS if count <= most]
        for at in range(ROUNDS + 1):
            turn = at % len(stocks)
            for stock in (*stocks[turn:], *stocks[:turn]):
                stock.ask(at, each)
        smallest = stocks[0]
        limit_is = f"p99 at {smallest.bills:,} bills, {CONNECTIONS} connections"
        for stock in stocks:
            beside = stock.used.beside(stock.rounds, each) | {"p99_ms": stock.p99_ms, "rounds": ROUNDS}
            beside |= {"questions_a_round": each}
            p99 = [stock.p99_ms], [smallest.p99_ms]
            yield against("query_growth", "ms", stock.bills, *p99, limit_is, 0.77, beside, times=True)


def _stocked(postgres: EmbeddedPostgres, bills: int, stack: ExitStack) -> _Stock:
    step(f"{bills:,} bills made")
    url = billed(postgres, f"payments_{bills}", bills)
    service = stack.enter_context(stage.served("payments", url))
    return _Stock(bills, service, Used(service, postgres))


@dataclass(frozen=True)
class _Season:
    """What a season took: seconds without its set-up; processor time of all that it started, the set-up among it, and
    the largest memory of one of these processes."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def season_growth(size: float) -> Iterator[Measured]:
    """Seasons without faults, from the empty databases to closed books, the smallest town's pace being the limit. One
    of each size: a season is its own warm-up, and takes minutes.

    RESIDENTS adds a town of that size (at most 200,000), as `make season` calls it.
    """
    towns = [*_RESIDENTS, *([_IN_FULL] if size >= 1 else []), *map(int, os.environ.get("RESIDENTS", "").split())]
    if size < 0.1:
        towns = [residents // 4 for residents in towns[:2]]
    smallest = 0.0
    for residents in sorted(set(towns)):
        step(f"a season of {residents:,} residents")
        season = _season(residents)
        pace = residents / season.seconds
        smallest = smallest or pace
        beside = {
            "season_seconds": season.seconds,
            "ms_a_head": round(1000 / pace, 1),
            "cpu_seconds_in_all": round(season.cpu_seconds, 1),
            "largest_process_mib": round(season.peak_mib, 1),
            "rounds": 1,
        }
        yield against("season_growth", "residents/s", residents, [pace], [smallest], _TOWN_LIMIT_IS, 0.77, beside)


def _season(residents: int) -> _Season:
    """A season. Raises RuntimeError where its books do not close."""
    log = stage.FOLDER / f"season-{residents}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy.local.season", "--residents", str(residents), "--faults", "none"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=places.ROOT, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)  # what it and all that it started and ended have used
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the season of {residents} residents does not close: {log}")
    seconds = float(json.loads(_REPORT.read_text(encoding="utf-8"))["seconds"]["season"])
    return _Season(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
