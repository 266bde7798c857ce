"""`python -m deploy.local.season`: everything from empty databases to closed books. Exit code 0 only if they close.

Options, or environment variables of the same names: RESIDENTS, SCHEME, SEED, FAULTS, TARGET, KEEP. Exit code 1: the
season failed or its books do not close; 2: there is no such fault, scheme or target, no engine, or a port is taken.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

from rich.console import Console

from deploy.local import places
from deploy.local.compose import ComposeSuite
from deploy.local.issuer import Issuer
from deploy.local.suite import Suite, SuiteFailed
from deploy.local.town import PLANS, SCHEME, UNPLANNED, write_town

from .books import Books, read_books, why_open, write_season
from .display import Display
from .driver import FOLLOWERS, Driver
from .faults import UnknownFault, plan_kills, read_faults
from .parties import Parties
from .report import print_report, print_verdict
from .simulators import Simulators
from .wire import Unexpected, Wire

SEASON = places.OUT / "season"
REPORT = places.OUT / "season.json"
_TARGETS: dict[str, type[Suite] | type[ComposeSuite]] = {"local": Suite, "compose": ComposeSuite}


class Wish(argparse.Namespace):
    """What was asked for."""

    residents: int
    scheme: str
    seed: int
    faults: str
    target: str
    keep: bool


def main() -> int:
    """Run the season that the options ask for."""
    wish = _read_wish()
    console = Console(highlight=False)
    try:
        faults = read_faults(wish.faults)
        _require_possible(wish)
    except (UnknownFault, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 2
    REPORT.unlink(missing_ok=True)
    try:
        return _run(wish, faults, console)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except SuiteFailed as failure:
        print(failure, file=sys.stderr)
        return failure.code
    except Unexpected as failure:
        print(f"the season cannot go on: {failure}\nlogs: {places.LOGS}", file=sys.stderr)
        return 1


def _read_wish() -> Wish:
    def given(name: str, default: str) -> str:
        return os.environ.get(name) or default

    parser = argparse.ArgumentParser(prog="python -m deploy.local.season", description=__doc__)
    parser.add_argument("--residents", type=int, default=given("RESIDENTS", "2000"))
    parser.add_argument("--scheme", default=given("SCHEME", SCHEME))
    parser.add_argument("--seed", type=int, default=given("SEED", "1"))
    parser.add_argument("--faults", default=given("FAULTS", "none"))
    parser.add_argument("--target", default=given("TARGET", "local"))
    parser.add_argument("--keep", action="store_true", default=given("KEEP", "0") != "0")
    return parser.parse_args(namespace=Wish())


def _require_possible(wish: Wish) -> None:
    """Raises ValueError for what this driver cannot do."""
    if wish.target not in _TARGETS:
        raise ValueError(f"TARGET: unknown {wish.target}; there are: {', '.join(_TARGETS)}")
    if wish.scheme not in PLANS:
        raise ValueError(f"SCHEME: no season for {wish.scheme} yet; there are: {', '.join(PLANS)}")


def _run(wish: Wish, faults: frozenset[str], console: Console) -> int:
    began = time.monotonic()
    console.rule("参保 Canbao · 集中征缴 a collection season")
    try:
        town = write_town(wish.seed, wish.residents, SEASON, faults, wish.scheme)
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    acts = [json.loads(line) for line in (SEASON / "acts.jsonl").read_text(encoding="utf-8").splitlines()]
    console.print(f"  · {len(town.living())} residents, {len(town.villages)} villages, {len(acts)} acts → {SEASON}")
    if (unplanned := faults & UNPLANNED) and not PLANS[wish.scheme].regulates_refunds:
        names = ", ".join(sorted(unplanned))
        console.print(f"  · not played, because the notice of {wish.scheme} has no word about refunds: {names}")
    begins_at = datetime.fromisoformat(acts[0]["at"])

    def report(step: str) -> None:
        console.print(f"  · {step}")

    with _TARGETS[wish.target](fresh=True, keep=wish.keep, begins_at=begins_at, report=report) as suite:
        ready = time.monotonic()
        console.print(f"  · the suite is ready after {ready - began:.1f} s")
        books, driver, notes = asyncio.run(_season(wish, faults, suite, acts, console))
        seconds = {"setup": ready - began, "season": time.monotonic() - ready}
    write_season(REPORT, books.figures, seconds)
    surprises = driver.notebook.surprises
    reasons = [*why_open(books.figures), *books.broken, *books.undone, *surprises]
    notes.append(f"{seconds['setup']:.1f} s setup, {seconds['season']:.1f} s season → {REPORT}")
    print_report(console, books.figures, driver.notebook.taken, notes)
    print_verdict(console, reasons)
    return 1 if reasons else 0


async def _season(
    wish: Wish, faults: frozenset[str], suite: Suite | ComposeSuite, acts: list[dict[str, Any]], console: Console
) -> tuple[Books, Driver, list[str]]:
    """Play all acts and read the books."""
    kills = plan_kills(wish.seed, acts, faults)
    addresses = {name: address for name, address in suite.addresses.items() if name in places.SERVICES}
    with_area = ("open_shift", "register_device", "close_ledger", "check_slips")
    areas = {act["by"]: act["region"] for act in acts if act["act"] in with_area}
    areas |= {f"clerk-{act['unit_code']}": act["region"] for act in acts if act["act"] == "make_unit"}
    async with Wire(addresses, Parties(Issuer(), PLANS[wish.scheme].pool, areas)) as wire, Simulators() as simulators:
        with Display(console, PLANS[wish.scheme], acts) as display:
            driver = Driver(wire, simulators, wish.scheme, SEASON, display, kills, suite.kill)
            await driver.play(acts)
        lag = sum([await driver.lag(service) for service in FOLLOWERS])
        books = await read_books(wire, wish.scheme, wish.residents, wish.seed, lag)
        notes = [f"{wire.requests} requests, {wire.repeats} of them repeated"]
        for name, kinds in (await driver.outcomes()).items():
            if kinds:
                counts = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
                notes.append(f"{name}: {counts}")
    if kills:
        counts = ", ".join(f"{name} {count}" for name, count in sorted(Counter(driver.killed).items()))
        notes.append(f"SIGKILL: {counts}; {suite.restart_count} restarts")
        if missing := {name for name, _ in kills.values()} - set(driver.killed):
            driver.notebook.surprises.append(f"never killed: {', '.join(sorted(missing))}")
    return books, driver, notes


if __name__ == "__main__":
    sys.exit(main())
