"""`make bench`: the benchmarks, each against its limit in the same run.

Writes out/bench.json (the contract's rows), out/bench-beside.json (memory, waits, processor time) and a table. Exit
code 1 where a ratio is below its aim.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from deploy.local import places

from .confirming import confirm_batch, confirm_plain, confirm_single
from .measures import Measured
from .pure import assess_pure

CASES: tuple[Callable[[float], Iterator[Measured]], ...] = (assess_pure, confirm_plain, confirm_single, confirm_batch)
_SIZES = {"default": 0.1, "full": 1.0, "small": 0.01}


def main() -> int:
    """Run the cases asked for."""
    names = [case.__name__ for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m deploy.local.bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of {', '.join(names)} (default: all)")
    parser.add_argument("--size", choices=_SIZES, default="default", help="how much of the full size")
    wish = parser.parse_args()
    if unknown := sorted(set(wish.cases) - set(names)):
        parser.error(f"no such case: {', '.join(unknown)}")
    found = []
    for case in CASES:
        if not wish.cases or case.__name__ in wish.cases:
            began = time.monotonic()
            for measured in case(_SIZES[wish.size]):
                found.append(measured)
                _print(measured, time.monotonic() - began)
    _write(found)
    return 1 if any(measured.row.ratio < measured.aim for measured in found) else 0


def _print(measured: Measured, seconds: float) -> None:
    row = measured.row
    print(
        f"{row.name:<20} n={row.n:<9,} {row.ours:>12,.1f} {row.unit:<11} limit {row.limit:>12,.1f}  × {row.ratio:<6}",
        end="",
    )
    print(f" aim {measured.aim}  ({seconds:.0f} s)", flush=True)
    for name, value in measured.beside.items():
        print(f"    {name:<20} {value:>10,}")


def _write(found: Sequence[Measured]) -> None:
    places.OUT.mkdir(exist_ok=True)
    for name, rows in (
        ("bench.json", [asdict(measured.row) for measured in found]),
        ("bench-beside.json", [{"name": one.row.name, "n": one.row.n, "aim": one.aim, **one.beside} for one in found]),
    ):
        text = json.dumps(rows, ensure_ascii=False, indent=1)
        (places.OUT / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
