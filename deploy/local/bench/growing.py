"""Whole seasons of towns that differ in size alone: what a resident takes must not grow with the town."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from deploy.local import places

from . import stage
from .measures import Measured, against

_RESIDENTS = (500, 1_000, 2_000)
_IN_FULL = 20_000
_REPORT = places.OUT / "season.json"
_LIMIT_IS = "residents a second in the smallest town, the set-up apart"


def season_growth(size: float) -> Iterator[Measured]:
    """Seasons without faults, from the empty databases to closed books, the smallest town's pace being the limit.

    RESIDENTS adds a town of that size (at most 200,000), as `make season` calls it.
    """
    towns = [*_RESIDENTS, *([_IN_FULL] if size >= 1 else []), *map(int, os.environ.get("RESIDENTS", "").split())]
    if size < 0.1:
        towns = [residents // 4 for residents in towns[:2]]
    seconds = {residents: _season(residents) for residents in sorted(set(towns))}
    smallest, *_ = seconds
    pace = {residents: residents / taken for residents, taken in seconds.items()}
    beside = {f"seconds_of_{residents}": taken for residents, taken in seconds.items()}
    beside |= {f"ms_a_head_of_{residents}": round(1000 / found, 1) for residents, found in pace.items()}
    for residents in seconds:
        reached, possible = [pace[residents]], [pace[smallest]]
        yield against("season_growth", "residents/s", residents, reached, possible, _LIMIT_IS, 0.77, beside)


def _season(residents: int) -> float:
    """Seconds of a season, its set-up apart. Raises RuntimeError where its books do not close."""
    log = stage.FOLDER / f"season-{residents}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local.season", "--residents", str(residents), "--faults", "none"],
            cwd=places.ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"the season of {residents} residents does not close: {log}")
    return float(json.loads(_REPORT.read_text(encoding="utf-8"))["seconds"]["season"])
