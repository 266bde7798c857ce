"""`make fuzz`: feeds every parser of `targets.py` for a while, guided by coverage (atheris).

A parser may refuse its input with its own exception and nothing else. Each target gets a line: how many inputs were
tried, and where the one that broke it lies (out/fuzz/found). Put that into tests/fuzzing/found as TARGET-WHAT, where
`tests/test_fuzzing.py` plays it for ever. Exit code 1 where anything was found.
"""

import argparse
import re
import subprocess
import sys
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
    parser.add_argument(
        "--seconds",
        type=int,
        default=600,
        help="seconds of feeding in all, without what importing takes (default: 600)",
    )
    wish = parser.parse_args()
    if unknown := sorted(set(wish.targets) - set(TARGETS)):
        parser.error(f"no such target: {', '.join(unknown)}")
    names = wish.targets or list(TARGETS)
    each = max(1, wish.seconds * _AT_ONCE // len(names))
    broken = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for name, code in zip(names, pool.map(lambda name: _feed(name, each), names), strict=True):
            sys.stdout.write(f"{name:<20} {_said(name, code)}\n")
            sys.stdout.flush()
            broken += code != 0
    return 1 if broken else 0


def _feed(name: str, seconds: int) -> int:
    """Feed one target in a process of its own, which counts its seconds when it has imported all; its exit code."""
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
    with _log(name).open("wb") as output:
        command = [sys.executable, "-m", "tests.fuzzing.feeding", name, *options, str(corpus)]
        return subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=places.ROOT, check=False).returncode


def _said(name: str, code: int) -> str:
    """How much was tried; of what broke, where it lies."""
    text = _log(name).read_text(encoding="utf-8", errors="replace")
    tried = re.search(r"^stat::number_of_executed_units:\s+(\d+)", text, re.MULTILINE)
    inputs = f"{tried[1] if tried else '?':>9} inputs"
    if code == 0:
        return inputs
    kept = re.search(r"Test unit written to (\S+)", text)
    lies = Path(kept[1]) if kept else _log(name)
    return f"{inputs}  {'BROKEN by' if kept else 'FAILED, see'} {lies.relative_to(places.ROOT)}"


def _log(name: str) -> Path:
    return _FOLDER / f"{name}.log"


if __name__ == "__main__":
    sys.exit(main())
