"""`make bench`: the benchmarks, each against its limit in the same run.

Writes out/bench.json (the contract's rows) and out/bench-beside.json (memory, waits, processor time). A run of all
cases writes docs/benchmarks.md too, unless it is a small one. Exit code 1 where a ratio is below its aim, or a case
failed.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.local import places

from .confirming import confirm_batch, confirm_plain, confirm_single
from .enrolling import roster_import
from .feeding import feed_import
from .footprint import footprint
from .growing import season_growth
from .measures import Measured
from .pure import assess_pure
from .questions import bill_query, eligibility_batch, eligibility_lookup, query_growth
from .reconciling import reconcile
from .report import Run, write

Case = Callable[[float], Iterator[Measured]]

CASES: tuple[Case, ...] = (
    assess_pure,
    confirm_plain,
    confirm_single,
    confirm_batch,
    bill_query,
    eligibility_lookup,
    eligibility_batch,
    query_growth,
    feed_import,
    roster_import,
    reconcile,
    season_growth,
)
SIZES = {"small": 0.01, "default": 0.1, "full": 1.0}
_BESIDE = "bench-beside.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for."""
    wish = _wish(arguments)
    cases = [case for case in CASES if not wish.cases or case.__name__ in wish.cases]
    found, seconds, failed = run(cases, wish.size)
    print()
    if failed:
        print(f"failed: {', '.join(failed)}")
    elif wish.cases or wish.size == "small":
        print("docs/benchmarks.md is as it was: it is written by a run of all cases, default or full")
    else:
        with _shown("footprint of the services", None):
            page = write(Run(wish.size, found, seconds, footprint()))
        print(f"written: {page.relative_to(places.ROOT)}")
    below = [f"{one.row.name} ({one.row.ratio} of {one.aim})" for one in found if one.row.ratio < one.aim]
    if below:
        print(f"below the aim: {', '.join(below)}")
    return 1 if failed or below else 0


def run(cases: Sequence[Case], size: str) -> tuple[list[Measured], dict[str, float], list[str]]:
    """Run cases; what was found, the seconds of each, and the names of those that failed. One that fails is told with
    its traceback and harms no other; what the others have found is kept after each of them."""
    found: list[Measured] = []
    seconds: dict[str, float] = {}
    failed: list[str] = []
    before = _seconds_before(size)
    for at, case in enumerate(cases, start=1):
        name, began = case.__name__, time.monotonic()
        try:
            with _shown(f"{at} of {len(cases)}: {name}", before.get(name)):
                news = list(case(SIZES[size]))
        except Exception:  # noqa: BLE001 -- told here, and by the exit code
            traceback.print_exc()
            failed.append(name)
            continue
        seconds[name] = time.monotonic() - began
        found += news
        for measured in news:
            _print(measured, seconds[name])
        _keep(found, seconds, size)
    return found, seconds, failed


def _wish(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [case.__name__ for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m deploy.local.bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of {', '.join(names)} (default: all)")
    parser.add_argument(
        "--size", choices=SIZES, default="default", help="full: the whole sizes; default: a tenth; small: a hundredth"
    )
    wish = parser.parse_args(arguments)
    if unknown := sorted(set(wish.cases) - set(names)):
        parser.error(f"no such case: {', '.join(unknown)}")
    return wish


@contextmanager
def _shown(text: str, before: float | None) -> Iterator[None]:
    """Show what runs and for how long, and how long it took the last time: live on a terminal, else as a line."""
    text += f", {before:.0f} s the last time" if before else ""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(text, highlight=False)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(text, total=None)
        yield


def _print(measured: Measured, seconds: float) -> None:
    row = measured.row
    print(
        f"{row.name:<20} n={row.n:<9,} {row.ours:>12,.1f} {row.unit:<11} limit {row.limit:>12,.1f}  × {row.ratio:<6}",
        end="",
    )
    print(f" aim {measured.aim}  ({seconds:.0f} s)", flush=True)
    for name, value in measured.beside.items():
        print(f"    {name:<28} {value:>12,}")


def _keep(found: Sequence[Measured], seconds: Mapping[str, float], size: str) -> None:
    places.OUT.mkdir(exist_ok=True)
    beside = [
        {"name": one.row.name, "n": one.row.n, "aim": one.aim, "size": size, "seconds": round(seconds[one.row.name])}
        | one.beside
        for one in found
    ]
    for name, rows in (("bench.json", [asdict(one.row) for one in found]), (_BESIDE, beside)):
        text = json.dumps(rows, ensure_ascii=False, indent=1)
        (places.OUT / name).write_text(text + "\n", encoding="utf-8")


def _seconds_before(size: str) -> dict[str, float]:
    """How long each case took in the last run of this size."""
    last = places.OUT / _BESIDE
    rows = json.loads(last.read_text(encoding="utf-8")) if last.exists() else []
    return {row["name"]: row["seconds"] for row in rows if row.get("size") == size}


if __name__ == "__main__":
    sys.exit(main())
