"""`make drawings`: draws the state graphs of each service into its README and the pages of its `docs`, from the tables
that its code asks; those of the webhooks, which every service has, into theirs.

A page says where and which: `<!-- states: bill shift -->` … `<!-- end -->`; what stands between is written here.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local import places
from shared.graph import Graph

PARTS = (*places.SERVICES, "webhooks")
"""What has state graphs and pages that draw them."""

_PLACE = re.compile(r"(<!-- states: ([\w ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def graphs_of(part: str) -> Mapping[str, Graph[Any, Any]]:
    """The state graphs of a service or of the webhooks, by table."""
    module = "shared.webhooks.rules" if part == "webhooks" else f"services.{part}.rules"
    graphs: Mapping[str, Graph[Any, Any]] = importlib.import_module(module).GRAPHS
    return graphs


def path_of(part: str) -> Path:
    """Where the README of a service or of the webhooks lies."""
    return places.ROOT / ("shared" if part == "webhooks" else "services") / part / "README.md"


def pages_of(part: str) -> list[Path]:
    """The README of a service or of the webhooks, and the pages of its subjects."""
    readme = path_of(part)
    return [readme, *sorted((readme.parent / "docs").glob("*.md"))]


def named_in(text: str) -> list[str]:
    """The tables whose graphs a page draws."""
    return [name for _, names, _ in _PLACE.findall(text) for name in names.split()]


def drawn(text: str, graphs: Mapping[str, Graph[Any, Any]]) -> str:
    """A page with its drawings as the tables are now. Raises KeyError for a table that has no graph."""

    def draw(place: re.Match[str]) -> str:
        return place[1] + _diagram([(name, graphs[name]) for name in place[2].split()]) + place[3]

    return _PLACE.sub(draw, text)


def _diagram(graphs: Sequence[tuple[str, Graph[Any, Any]]]) -> str:
    """A diagram for each table: states of one name in two tables would be one state of one diagram."""
    return "".join(
        "\n".join(["```mermaid", "---", f"title: {name}", "---", "stateDiagram-v2", *_edges(graph), "```", ""])
        for name, graph in graphs
    )


def _edges(graph: Graph[Any, Any]) -> list[str]:
    return [f"    {edge}" for edge in graph.drawing()]


def main() -> int:
    """Write all of them."""
    argparse.ArgumentParser(prog="python -m deploy.local.drawings", description=__doc__).parse_args()
    for part in PARTS:
        for path in pages_of(part):
            before = path.read_text(encoding="utf-8")
            after = drawn(before, graphs_of(part))
            if after != before:
                path.write_text(after, encoding="utf-8")
                print(f"{path.relative_to(places.ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
