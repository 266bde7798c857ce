"""The page of a run, docs/benchmarks.md: figures, drawings, and for each ratio below its aim where the rest goes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import places

from . import plots
from .choices import Choice
from .kept import Kept
from .measures import surroundings

DOCS = places.ROOT / "docs"

_INTRODUCTION = """\
# Benchmarks

Nobody publishes figures for this kind of system, and figures of one machine say little about another. So each case is
measured against its **limit**, in turn and in the same run: what Postgres, the framework, a parser or DuckDB reach
alone with the same rows. The **ratio** travels: at 1 we are as fast as they are. Medians of rounds, after a warm-up.

`make bench` measures again and writes this page ({size} size: {minutes} minutes on this machine). `SIZE=full` takes the
whole sizes, `CASES="confirm_plain reconcile"` only some cases: those of the whole sizes have a place of their own here,
others leave the page alone. The rows are in `out/bench.json`, what was measured beside them in `out/bench-beside.json`.
"""
_IN_FULL = """\
Measured with `SIZE=full`, each case for itself. Where a round takes minutes there is one: see `rounds` at the end.
"""
_SERVER = "Uvicorn runs with uvloop and httptools, in the image as here."
_NOTES = "What was mended, what it took before, and the figures of the runs in which that was seen: {links}."
_WHERE = """\
Shares and steps come from samplers and logs of statements in runs of their own, for whoever samples slows down; what a
case comes to in all stands in the tables of this page.
"""
_SHOWN = {
    "ratios": "Ratios of all cases, each with the mark of its aim",
    "waits": "How long a request waits for its answer: half of them, and 99 in 100",
    "processor": "Shares of service, database and client in the processor's time",
    "growth": "What grows with the number of residents and bills",
}


@dataclass(frozen=True)
class Run:
    """What the page tells: a run of all cases, what was measured at the full sizes, what services cost before they are
    asked anything (`footprint.py`), and what was chosen by measure (`choices.py`)."""

    size: str
    found: Sequence[Kept]
    in_full: Sequence[Kept]
    footprint: Mapping[str, float]
    choices: Sequence[Choice]


def write(run: Run, docs: Path = DOCS) -> Path:
    """Write the page and its drawings; the page."""
    found, in_full = ([one.measured for one in some] for some in (run.found, run.in_full))
    made = plots.draw(found, docs / "benchmarks", in_full)
    path = docs / "benchmarks.md"
    path.write_text(page(run, [name for name in _SHOWN if name in made], docs / "profiles"), encoding="utf-8")
    return path


def page(run: Run, drawn: Sequence[str], profiles: Path) -> str:
    """The page as Markdown; `drawn` are the drawings there are, `profiles` the folder with <case>.md."""
    minutes = max(1, round(sum({one.name: one.seconds for one in run.found}.values()) / 60))
    in_full = run.in_full if run.size != "full" else ()
    every = [*run.found, *in_full]
    rows = dict.fromkeys((one.name, one.measured.row.limit_is) for one in every)
    parts = [
        _INTRODUCTION.format(size=run.size, minutes=minutes),
        _table(("machine", ""), surroundings().items()),
        "## Against the limit",
        *_pictures(drawn, "ratios"),
        _ratios(run.found),
        *_section("The whole sizes", [_IN_FULL, _ratios(in_full)] if in_full else []),
        "## What the limits are",
        _table(("case", "its limit"), rows),
        *_section("How long an answer takes", _pictures(drawn, "waits")),
        *_section("Where the processor's time goes", _pictures(drawn, "processor")),
        *_section("What grows with size", _pictures(drawn, "growth")),
        *_section("Before anybody asks", _costs(run.footprint)),
        *_section("What was chosen by measure", _chosen(run.choices)),
        *_below(every, profiles),
        *_section("Before and after", _notes(profiles)),
        "## Beside the ratios",
        _table(
            ("case", "n", "seconds", "figures"),
            [
                (
                    one.measured.row.title,
                    f"{one.measured.row.n:,}",
                    f"{one.seconds:.0f}",
                    " · ".join(f"{name} {value:,}" for name, value in one.measured.beside.items()),
                )
                for one in every
            ],
        ),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _ratios(found: Sequence[Kept]) -> str:
    """Each row against its limit and its aim."""
    cells = []
    for one in found:
        row, aim = one.measured.row, one.measured.aim
        verdict = "reached" if row.ratio >= aim else f"[below](#{row.name})"
        reached = f"{row.ours:,.1f} {row.unit}"
        cells.append(
            (row.name, f"{row.n:,}", reached, f"{row.limit:,.1f}", f"**{row.ratio:.3g}**", f"{aim:g}", verdict)
        )
    return _table(("case", "n", "ours", "limit", "ratio", "aim", ""), cells)


def _costs(footprint: Mapping[str, float]) -> list[str]:
    """What services cost before they have done anything."""
    if not footprint:
        return []
    rows = [
        (name, f"{footprint[f'{name}_ready_seconds']} s", f"{footprint[f'{name}_idle_mib']:.0f} MiB")
        for name in places.SERVICES
    ]
    packages, code = footprint["packages_mib"], footprint["code_mib"]
    image = (
        f"An image is Python's own, {packages:.0f} MiB of packages and {code:.0f} MiB of our code, byte code included."
    )
    return [_table(("service", "ready after", "memory of a worker"), rows), image]


def _chosen(choices: Sequence[Choice]) -> list[str]:
    """What each choice takes beside what else there is."""
    rows = [
        (one.what, one.chosen, f"{one.chosen_us:.3g}", one.instead, f"{one.instead_us:.3g}", one.why) for one in choices
    ]
    return [_table(("", "chosen", "µs", "instead of", "µs", ""), rows), _SERVER] if rows else []


def _below(found: Sequence[Kept], profiles: Path) -> list[str]:
    """A section for each case below its aim, with its profile."""
    names = dict.fromkeys(one.name for one in found if one.measured.row.ratio < one.measured.aim)
    parts = []
    for name in names:
        profile = profiles / f"{name}.md"
        text = profile.read_text(encoding="utf-8") if profile.exists() else f"There is no profile of {name} yet."
        parts.append(f"### {name}\n\n{_without_title(text)}")
    return _section("Below the aim: where the rest goes", [_WHERE, *parts] if parts else [])


def _notes(profiles: Path) -> list[str]:
    """Where it is told what was mended, case by case."""
    links = [f"[{note.stem}](profiles/{note.name})" for note in sorted(profiles.glob("*.md"))]
    return [_NOTES.format(links=" · ".join(links))] if links else []


def _without_title(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("# ")).strip()


def _section(title: str, parts: Sequence[str]) -> list[str]:
    return [f"## {title}", *parts] if parts else []


def _pictures(drawn: Sequence[str], name: str) -> list[str]:
    return [f"![{_SHOWN[name]}](benchmarks/{name}.svg)"] if name in drawn else []


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
