"""Drawings of a run: ratios against their aims, waits, where the processor's time goes, and what grows with size."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from .measures import Measured

_MET, _BELOW, _LINE = "#2a9d8f", "#e76f51", "#444444"
_PARTS = ("#457b9d", "#e9c46a", "#8d99ae", "#b5838d", "#6a994e")
_STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "svg.hashsalt": "bench",  # so that the same figures give the same file
}
_CPU = re.compile(r"(\w+?)_cpu_(us|ms)")
_WAITS = {"": "", "alone_": ", one at a time"}


def draw(found: Sequence[Measured], folder: Path, in_full: Sequence[Measured] = ()) -> dict[str, Path]:
    """Draw what there are figures for into a folder; the files, by what they show. What grows is drawn as far as it was
    measured, at the full sizes where they were."""
    further = {one.row.name for one in in_full}
    growing = [*(one for one in found if one.row.name not in further), *in_full]
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Path] = {}
    for name, plot in _PLOTS.items():
        path = folder / f"{name}.svg"
        path.unlink(missing_ok=True)
        with rc_context(_STYLE):
            if figure := plot(growing if plot is _growth else found):
                figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
                made[name] = path
    return made


def cpu_parts(one: Measured) -> Mapping[str, float]:
    """Processor time for one thing, in ms, by who spent it."""
    read = {name: _CPU.match(name) for name in one.beside}
    return {
        part[1]: one.beside[name] / (1000 if part[2] == "us" else 1)
        for name, part in read.items()
        if part and one.beside[name]
    }


def label(one: Measured) -> str:
    """A row's title and size."""
    return f"{one.row.title}\n{one.row.n:,}"


def _ratios(found: Sequence[Measured]) -> Figure | None:
    figure, axes = _canvas(len(found))
    for at, one in enumerate(found):
        ratio = one.row.ratio
        axes.barh(at, ratio, height=0.62, color=_MET if ratio >= one.aim else _BELOW)
        axes.plot([one.aim, one.aim], [at - 0.42, at + 0.42], color=_LINE, linewidth=2)
        axes.text(max(ratio, one.aim) + 0.02, at, f"{ratio:.3g}  (aim {one.aim:g})", va="center")
    axes.set_xlabel("ours ÷ limit, larger is better; the mark is the aim")
    _rows(axes, [label(one) for one in found])
    return figure


def _waits(found: Sequence[Measured]) -> Figure | None:
    rows = [
        (f"{label(one)}{words}", one.beside[f"{kind}p50_ms"], one.beside[f"{kind}p99_ms"])
        for one in found
        for kind, words in _WAITS.items()
        if f"{kind}p99_ms" in one.beside
    ]
    if not rows:
        return None
    figure, axes = _canvas(len(rows))
    for at, (_, middle, late) in enumerate(rows):
        axes.plot([middle, late], [at, at], color=_PARTS[2], linewidth=3, solid_capstyle="round")
        axes.plot(middle, at, "o", color=_MET)
        axes.plot(late, at, "o", color=_BELOW)
        axes.text(late * 1.12, at, f"{middle:.3g} / {late:.3g}", va="center")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel("ms until the answer: half of the requests / 99 in 100")
    _rows(axes, [name for name, _, _ in rows])
    return figure


def _processor(found: Sequence[Measured]) -> Figure | None:
    rows = [(label(one), cpu_parts(one)) for one in found if cpu_parts(one)]
    if not rows:
        return None
    figure, axes = _canvas(len(rows))
    names = list(dict.fromkeys(name for _, parts in rows for name in parts))
    for name, color in zip(names, _PARTS, strict=False):
        shares = [100 * parts.get(name, 0) / sum(parts.values()) for _, parts in rows]
        before = [
            sum(100 * parts.get(other, 0) for other in names[: names.index(name)]) / sum(parts.values())
            for _, parts in rows
        ]
        axes.barh(range(len(rows)), shares, left=before, height=0.62, color=color, label=name)
    for at, (_, parts) in enumerate(rows):
        axes.text(101, at, f"{sum(parts.values()):.3g} ms each", va="center")
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of the processor's time")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(names), frameon=False)
    _rows(axes, [name for name, _ in rows])
    return figure


def _growth(found: Sequence[Measured]) -> Figure | None:
    names = [name for name in dict.fromkeys(one.row.name for one in found) if name.endswith("_growth")]
    if not names:
        return None
    figure = Figure(figsize=(4.4 * len(names), 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        rows = sorted((one for one in found if one.row.name == name), key=lambda one: one.row.n)
        sizes = [one.row.n for one in rows]
        axes.plot(sizes, [one.row.ours for one in rows], "o-", color=_MET, label="measured")
        # A pace may fall to the aim's share of the smallest's, a time may rise by as much.
        asked = [one.row.limit * one.aim if "/s" in one.row.unit else one.row.limit / one.aim for one in rows]
        axes.plot(sizes, asked, "--", color=_LINE, label="what the aim asks")
        axes.set(title=name, xlabel="n", ylabel=rows[0].row.unit, xscale="log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_ylim(0, 1.15 * max(*asked, *(one.row.ours for one in rows)))
        axes.grid(color="#dddddd")
        axes.legend(frameon=False, loc="lower right")
    return figure


def _canvas(rows: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, 0.9 + 0.42 * rows), layout="constrained")
    return figure, figure.subplots()


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd")


_PLOTS: Mapping[str, Callable[[Sequence[Measured]], Figure | None]] = {
    "ratios": _ratios,
    "waits": _waits,
    "processor": _processor,
    "growth": _growth,
}
