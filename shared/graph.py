"""State graphs as tables: where a record stands, what happens to it, where it stands then.

The code that moves a record asks its graph, the README draws it (`deploy/local/drawings.py`), and the tests hold the
tables' CHECK constraints and every statement that names a state to it.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)


class Graph(Mapping[tuple[S | None, E], S]):
    """`graph[state, event]` is the next state, `graph[None, event]` the first; KeyError where there is no such edge.

    `states` and `events` are all that there are of each; none of them may be missing from the edges.
    """

    def __init__(self, states: type[S], events: type[E], edges: Mapping[tuple[S | None, E], S]) -> None:
        self.states: tuple[S, ...] = tuple(states)
        self.events: tuple[E, ...] = tuple(events)
        self._edges = MappingProxyType(dict(edges))

    def __getitem__(self, edge: tuple[S | None, E]) -> S:
        return self._edges[edge]

    def __iter__(self) -> Iterator[tuple[S | None, E]]:
        return iter(self._edges)

    def __len__(self) -> int:
        return len(self._edges)

    @property
    def ends(self) -> frozenset[S]:
        """The states that nothing leads out of; what leads from a state to itself keeps it no longer open."""
        left = {before for (before, _), after in self.items() if before is not after}
        return frozenset(state for state in self.states if state not in left)

    def drawing(self) -> list[str]:
        """The edges as lines of a mermaid state diagram, in the order of the table."""
        return [
            f"{before.name.lower() if before else '[*]'} --> {after.name.lower()}: {event.name.lower()}"
            for (before, event), after in self.items()
        ]
