"""`make fuzz`: feeds every parser of `targets.py` for a while, guided by coverage (atheris).

A parser may refuse its input with its own exception and nothing else. What breaks one is kept under out/fuzz/found; put
it into tests/fuzzing/found, where `tests/test_fuzzing.py` plays it for ever. Exit code 1 where anything was found.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import places

from .targets import SEEDS, TARGETS

_FOLDER = places.OUT / "fuzz"
_AT_ONCE = 2
_LONGEST_INPUT_BYTES = 16_384
_SLOWEST_SECONDS = 10
_MOST_MIB = 1024


def main() -> int:
    """Feed all targets, or those named, dividing the time among them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=600, help="seconds in all (default: 600)")
    wish = parser.parse_args()
    if unknown := sorted(set(wish.targets) - set(TARGETS)):
        parser.error(f"no such target: {', '.join(unknown)}")
    names = wish.targets or list(TARGETS)
    each = max(1, wish.seconds * _AT_ONCE // len(names))
    time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        broken = [
            name for name, well in zip(names, pool.map(lambda name: _feed(name, each), names), strict=True) if not well
        ]
    return 1 if broken else 0


def _feed(name: str, seconds: int) -> bool:
    """Feed one target in a process of its own; whether nothing broke it."""
    corpus, found = _FOLDER / "corpus" / name, _FOLDER / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for at, seed in enumerate(SEEDS.get(name, ())):
        (corpus / f"seed-{at}").write_bytes(seed)
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST_INPUT_BYTES}",
        f"-timeout={_SLOWEST_SECONDS}",
        f"-rss_limit_mb={_MOST_MIB}",
        f"-artifact_prefix={found}/{name}-",
        "-print_final_stats=1",
    )
    log = _FOLDER / f"{name}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.fuzzing.feeding", name, *options, str(corpus)]
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=places.ROOT, check=False).returncode
    return code == 0


def _said(log: Path) -> str:
    """How much was tried; of what broke, where to look."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    tried = next((line.split()[-1] for line in lines if line.startswith("stat::number_of_executed_units")), "?")
    errors: Sequence[str] = [line for line in lines if line.startswith(("Test unit written", "artifact_prefix"))]
    return f"{tried:>9} inputs  {errors[-1] if errors else ''}"


if __name__ == "__main__":
    sys.exit(main())
