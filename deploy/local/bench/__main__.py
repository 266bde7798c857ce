"""`make bench`: the benchmarks, each against its limit in the same run.

Writes out/bench.json (the contract's rows) and out/bench-beside.json (memory, waits, processor time) after each row, in
place of what the case had found at this size before. A run of all cases, default or full, writes docs/benchmarks.md and
the tables of docs/scale.md too; so does any run at the full sizes once there is such a page. Exit code 1 where a ratio
is below its aim, or a case failed.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence

from deploy.local import places

from . import kept, scale
from .choices import choices
from .confirming import confirm_batch, confirm_plain, confirm_single
from .enrolling import roster_import
from .feeding import feed_import
from .footprint import footprint
from .growing import query_growth, season_growth
from .measures import Measured
from .pure import assess_pure
from .questions import bill_query, eligibility_batch, eligibility_lookup
from .reconciling import reconcile
from .report import Run, write
from .shown import shown

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
PAGE_SIZES = ("default", "full")
"""The sizes that the page shows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for."""
    wish = _wish(arguments)
    cases = [case for case in CASES if not wish.cases or case.__name__ in wish.cases]
    whole = not wish.cases and wish.size in PAGE_SIZES
    if whole:
        kept.only(PAGE_SIZES)
    found, failed = run(cases, wish.size)
    print()
    if failed:
        print(f"failed: {', '.join(failed)}")
    elif whole:
        with shown("what the services cost, and what was chosen by measure", None):
            kept.put_footprint(footprint(), choices())
    page = None if failed or wish.size not in PAGE_SIZES else _page(wish.size, whole=whole)
    print(f"written: {page}" if page else "docs/benchmarks.md is as it was: a whole run writes it, default or full")
    below = [f"{one.row.name} ({one.row.ratio} of {one.aim})" for one in found if one.row.ratio < one.aim]
    if below:
        print(f"below the aim: {', '.join(below)}")
    return 1 if failed or below else 0


def run(cases: Sequence[Case], size: str) -> tuple[list[Measured], list[str]]:
    """Run cases; what was found, and the names of those that failed. One that fails is told with its traceback and
    harms no other; each row is kept as it comes, so that a run may be stopped."""
    found: list[Measured] = []
    failed: list[str] = []
    before = kept.seconds_before(size)
    for at, case in enumerate(cases, start=1):
        name, began, news = case.__name__, time.monotonic(), list[Measured]()
        try:
            with shown(f"{at} of {len(cases)}: {name}", before.get(name)):
                for measured in case(factor(size)):
                    news.append(measured)
                    kept.put(name, size, time.monotonic() - began, news)
        except Exception:  # noqa: BLE001 -- told here, and by the exit code
            traceback.print_exc()
            kept.put(name, size, 0, [])
            failed.append(name)
            continue
        seconds = time.monotonic() - began
        kept.put(name, size, seconds, news)
        for measured in news:
            _print(measured, seconds)
        found += news
    return found, failed


def factor(size: str) -> float:
    """The share of the whole sizes that a size stands for; any number is one. Raises ValueError."""
    share = SIZES[size] if size in SIZES else float(size)
    if not 0 < share <= 1:
        raise ValueError(f"not a share of the whole: {size}")
    return share


def _wish(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [case.__name__ for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m deploy.local.bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of {', '.join(names)} (default: all)")
    parser.add_argument(
        "--size",
        default="default",
        help="full: the whole sizes; default: a tenth; small: a hundredth; or another share, 0.3",
    )
    wish = parser.parse_args(arguments)
    if unknown := sorted(set(wish.cases) - set(names)):
        parser.error(f"no such case: {', '.join(unknown)}")
    try:
        factor(wish.size)
    except ValueError:
        parser.error(f"no such size: {wish.size}")
    return wish


def _page(size: str, *, whole: bool) -> str:
    """Write the page of what is kept, and the tables of growth that rest on it; what was written, or nothing where no
    whole run is kept, or this one was of some cases of a size that has a page already."""
    names = [case.__name__ for case in CASES]
    by_size = {
        of: sorted((one for one in kept.read() if one.size == of), key=lambda one: names.index(one.name))
        for of in PAGE_SIZES
    }
    main_size = size if whole else "default"
    if not whole and (size != "full" or {one.name for one in by_size[main_size]} != set(names)):
        return ""
    page = write(Run(main_size, by_size[main_size], by_size["full"], *kept.read_footprint()))
    scale.write()
    return f"{page.relative_to(places.ROOT)}, {scale.PAPER.relative_to(places.ROOT)}"


def _print(measured: Measured, seconds: float) -> None:
    row = measured.row
    print(
        f"{row.name:<20} n={row.n:<9,} {row.ours:>12,.1f} {row.unit:<11} limit {row.limit:>12,.1f}  × {row.ratio:<6}",
        end="",
    )
    print(f" aim {measured.aim}  ({seconds:.0f} s)", flush=True)
    for name, value in measured.beside.items():
        print(f"    {name:<28} {value:>12,}")


if __name__ == "__main__":
    sys.exit(main())
