"""What runs just now, for whoever waits: live on a terminal, else a line for each step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_TELL: ContextVar[Callable[[str], None] | None] = ContextVar("tell", default=None)


def step(text: str) -> None:
    """Tell what a case does next. Says nothing where nobody shows it, in a test for one."""
    if tell := _TELL.get():
        tell(text)


@contextmanager
def shown(text: str, before: float | None) -> Iterator[None]:
    """Show what runs and for how long, its steps, and how long it took the last time."""
    text += f", {before:.0f} s the last time" if before else ""
    console, began = Console(stderr=True), time.monotonic()
    if not console.is_terminal:
        console.print(text, highlight=False)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(text, total=None)

        def tell(of_it: str) -> None:
            progress.update(task, description=f"{text} · {of_it}")
            if not console.is_terminal:
                console.print(f"  {time.monotonic() - began:>5.0f} s  {of_it}", highlight=False)

        before_it = _TELL.set(tell)
        try:
            yield
        finally:
            _TELL.reset(before_it)
