"""The page of a run, docs/benchmarks.md: figures, drawings, and for each ratio below its aim where the rest goes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import places

from . import plots
from .measures import Measured, surroundings

DOCS = places.ROOT / "docs"

_INTRODUCTION = """\
# Benchmarks

Nobody publishes figures for this kind of system, and figures of one machine say little about another. So each case is
measured against its **limit**, in turn and in the same run: what Postgres, the framework, a parser or DuckDB reach
alone with the same rows. The **ratio** travels: at 1 we are as fast as they are. Medians of rounds, after a warm-up.

`make bench` measures again and writes this page ({size} size: {minutes} minutes on this machine); `SIZE=full` takes the
whole sizes, `CASES="confirm_plain reconcile"` only some cases, without touching the page. The rows are in
`out/bench.json`, and what was measured beside them in `out/bench-beside.json`.
"""
_SHOWN = {
    "ratios": "Ratios of all cases, each with the mark of its aim",
    "waits": "How long a request waits for its answer: half of them, and 99 in 100",
    "processor": "Shares of service, database and client in the processor's time",
    "growth": "What grows with the number of residents and bills",
}


@dataclass(frozen=True)
class Run:
    """A run of all cases: what was found, and the seconds that each case took."""

    size: str
    found: Sequence[Measured]
    seconds: Mapping[str, float]
    footprint: Mapping[str, float]
    """What the services cost before anybody asks them anything (`footprint.py`)."""


def write(run: Run, docs: Path = DOCS) -> Path:
    """Write the page and its drawings; the page."""
    made = plots.draw(run.found, docs / "benchmarks")
    path = docs / "benchmarks.md"
    path.write_text(page(run, [name for name in _SHOWN if name in made], docs / "profiles"), encoding="utf-8")
    return path


def page(run: Run, drawn: Sequence[str], profiles: Path) -> str:
    """The page as Markdown; `drawn` are the drawings there are, `profiles` the folder with <case>.md."""
    minutes = max(1, round(sum(run.seconds.values()) / 60))
    parts = [
        _INTRODUCTION.format(size=run.size, minutes=minutes),
        _table(("machine", ""), surroundings().items()),
        "## Against the limit",
        *_pictures(drawn, "ratios"),
        _table(
            ("case", "n", "ours", "limit", "ratio", "aim", ""),
            [
                (
                    one.row.name,
                    f"{one.row.n:,}",
                    f"{one.row.ours:,.1f} {one.row.unit}",
                    f"{one.row.limit:,.1f}",
                    f"**{one.row.ratio:.3g}**",
                    f"{one.aim:g}",
                    "reached" if one.row.ratio >= one.aim else f"[below](#{one.row.name})",
                )
                for one in run.found
            ],
        ),
        _table(("case", "its limit"), dict.fromkeys((one.row.name, one.row.limit_is) for one in run.found)),
        *_section("How long an answer takes", _pictures(drawn, "waits")),
        *_section("Where the processor's time goes", _pictures(drawn, "processor")),
        *_section("What grows with size", _pictures(drawn, "growth")),
        *_section("Before anybody asks", _costs(run.footprint)),
        *_below(run, profiles),
        "## Beside the ratios",
        _table(
            ("case", "n", "seconds", "figures"),
            [
                (
                    one.row.name,
                    f"{one.row.n:,}",
                    f"{run.seconds.get(one.row.name, 0):.0f}",
                    " · ".join(f"{name} {value:,}" for name, value in one.beside.items()),
                )
                for one in run.found
            ],
        ),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _costs(footprint: Mapping[str, float]) -> list[str]:
    """What services cost before they have done anything."""
    rows = [
        (name, f"{footprint[f'{name}_ready_seconds']} s", f"{footprint[f'{name}_idle_mib']:.0f} MiB")
        for name in places.SERVICES
    ]
    packages, code = footprint["packages_mib"], footprint["code_mib"]
    image = (
        f"An image is Python's own, {packages:.0f} MiB of packages and {code:.0f} MiB of our code, byte code included."
    )
    return [_table(("service", "ready after", "memory of a worker"), rows), image]


def _below(run: Run, profiles: Path) -> list[str]:
    """A section for each case below its aim, with its profile."""
    names = dict.fromkeys(one.row.name for one in run.found if one.row.ratio < one.aim)
    parts = []
    for name in names:
        profile = profiles / f"{name}.md"
        text = profile.read_text(encoding="utf-8") if profile.exists() else f"There is no profile of {name} yet."
        parts.append(f"### {name}\n\n{_without_title(text)}")
    return _section("Below the aim: where the rest goes", parts)


def _without_title(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("# ")).strip()


def _section(title: str, parts: Sequence[str]) -> list[str]:
    return [f"## {title}", *parts] if parts else []


def _pictures(drawn: Sequence[str], name: str) -> list[str]:
    return [f"![{_SHOWN[name]}](benchmarks/{name}.svg)"] if name in drawn else []


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
