"""What was measured, kept until it is measured again: out/bench.json as the contract has it, beside it the rest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from deploy.local import places

from .choices import Choice
from .measures import Measured, Row

_ROWS, _BESIDE, _FOOTPRINT = "bench.json", "bench-beside.json", "bench-footprint.json"


@dataclass(frozen=True)
class Kept:
    """One measurement, the size asked for, and the seconds that its case took, set-up included."""

    measured: Measured
    size: str
    seconds: float

    @property
    def name(self) -> str:
        """The case."""
        return self.measured.row.name


def read() -> list[Kept]:
    """All that is kept, as it was measured."""
    return [_kept(about) for about in _read(_BESIDE, [])]


def put(case: str, size: str, seconds: float, found: Sequence[Measured]) -> None:
    """Keep what a case has found at a size, instead of what it had found at that size before."""
    others = [one for one in read() if (one.name, one.size) != (case, size)]
    _write([*others, *(Kept(one, size, seconds) for one in found)])


def only(sizes: Sequence[str]) -> None:
    """Forget what was measured at other sizes."""
    _write([one for one in read() if one.size in sizes])


def seconds_before(size: str) -> dict[str, float]:
    """How long each case took the last time at a size."""
    return {one.name: one.seconds for one in read() if one.size == size}


def put_footprint(figures: Mapping[str, float], choices: Sequence[Choice]) -> None:
    """Keep what the services cost before anybody asks them anything, and what was chosen by measure."""
    _put(_FOOTPRINT, {"services": figures, "choices": [asdict(one) for one in choices]})


def read_footprint() -> tuple[dict[str, float], list[Choice]]:
    """What is kept of that; nothing where it was never measured."""
    found = _read(_FOOTPRINT, {"services": {}, "choices": []})
    return found["services"], [Choice(**one) for one in found["choices"]]


def _kept(about: Mapping[str, Any]) -> Kept:
    row = Row(**{column.name: about[column.name] for column in fields(Row)})
    return Kept(Measured(row, about["aim"], about["beside"]), about["size"], about["seconds"])


def _write(all_kept: Sequence[Kept]) -> None:
    rows = [asdict(one.measured.row) for one in all_kept]
    # The same was measured at two sizes where both begin alike (query_growth): the later one is the contract's row.
    latest = {(row["name"], row["limit_is"], row["n"]): row for row in rows}
    _put(_ROWS, list(latest.values()))
    _put(
        _BESIDE,
        [
            row
            | {"aim": one.measured.aim, "size": one.size, "seconds": round(one.seconds, 1)}
            | {"beside": one.measured.beside}
            for one, row in zip(all_kept, rows, strict=True)
        ],
    )


def _read(name: str, otherwise: Any) -> Any:
    path = places.OUT / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else otherwise


def _put(name: str, what: Any) -> None:
    places.OUT.mkdir(exist_ok=True)
    (places.OUT / name).write_text(json.dumps(what, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
