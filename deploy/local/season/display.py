"""Shows how the season goes: progress bars on a terminal, a line for each phase elsewhere."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.local.town import Plan

Act = dict[str, Any]


def phase_of(plan: Plan, act: Mapping[str, Any]) -> str:
    """The phase in which an act belongs, in Chinese and English."""
    month = str(act["at"])[:7]
    first, last = (day.isoformat()[:7] for day in (plan.calendar[0][0], plan.calendar[-1][0]))
    if month < first:
        return f"{month} 部门数据与政策包 lists of the departments, package"
    if month == first:
        return f"{month} 花名册与征缴 rosters and collection"
    return f"{month} 集中征缴 collection" if month <= last else "征缴期后与结账 late payers, newborns, closing"


class Display:
    """Counts acts by phase. `with` shows and ends the bars."""

    def __init__(self, console: Console, plan: Plan, acts: Sequence[Act]) -> None:
        self._console = console
        self._plan = plan
        self._totals = Counter(phase_of(plan, act) for act in acts)
        self._done: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Progress(*columns, console=console)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._tasks = {
                phase: self._bars.add_task(phase, total=total, start=False, visible=False)
                for phase, total in self._totals.items()
            }
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def done(self, act: Act) -> None:
        """One act is done."""
        phase = phase_of(self._plan, act)
        self._done[phase] += 1
        if phase not in self._began:
            self._began[phase] = time.monotonic()
            if self._bars is not None:
                self._bars.start_task(self._tasks[phase])
                self._bars.update(self._tasks[phase], visible=True)
        if self._bars is not None:
            self._bars.advance(self._tasks[phase])
        elif self._done[phase] == self._totals[phase]:
            seconds = time.monotonic() - self._began[phase]
            self.say(f"{phase}: {self._totals[phase]} acts, {seconds:.1f} s")

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(f"  · {text}", highlight=False)
