"""Days that do not fit together: a hole before a late stage, a last day that is closed, cover that begins too early."""

from collections.abc import Iterator
from datetime import date

from ...rules.cover import cover_from
from ...rules.facts import Situation
from ...rules.package import Package, Terms, Window
from ...rules.verdict import Reason
from ...rules.window import next_open_day, terms_on, window_refusal
from ..language import PackageFile
from ..language.days import NewbornCase
from ..marks import Steps
from .finding import Finding
from .people import DAY, adult, day_after


def _windows(package: Package) -> list[tuple[Steps, Window]]:
    groups = enumerate(package.group_windows)
    return [(("window",), package.window), *((("window", "deadlines", number), one.window) for number, one in groups)]


def closed_days(package: Package) -> Iterator[Finding]:
    """A window that never opens, a last day on which nobody can pay, days between window and late stages."""
    for steps, window in _windows(package):
        closes_on = window.closes_on
        if closes_on is None:
            continue
        if window.opens_on and next_open_day(window, window.opens_on) is None:
            zh, en = "征缴期内没有一天可以缴费", "On no day of the window can anybody pay"
            yield Finding(steps, "window_never_open", f"{zh}，例：{window.opens_on}", f"{en}: {window.opens_on}")
        elif window_refusal(window, closes_on):
            zh, en = f"截止日 {closes_on} 不在每月可缴费日内", f"The last day {closes_on} is none of the open days"
            yield Finding(steps, "last_day_closed", zh, en)
        yield from _holes(package, window, closes_on)
    for number, (before, after) in enumerate(zip(package.late, package.late[1:], strict=False), start=1):
        if before.until is None or before.until >= after.starts_on:
            day = after.starts_on
            zh, en = f"两个逾期阶段重叠，例：{day} 缴费", f"Two late stages overlap, for example: paid on {day}"
            yield Finding(("late", number), "late_stages_overlap", zh, en)


def _holes(package: Package, window: Window, closes_on: date) -> Iterator[Finding]:
    """Days after the window that no stage takes, while a later one does."""
    for number, stage in enumerate(package.late):
        before = max((one.until or closes_on for one in package.late[:number]), default=closes_on)
        day = day_after(max(before, closes_on))
        seen = Situation(package.pool, adult(package, day))
        if day < stage.starts_on and isinstance(terms_on(package, window, seen), Reason):
            last = stage.starts_on - DAY
            zh = f"{day} 至 {last} 既不在征缴期内，也不属于逾期阶段，例：{day} 缴费"
            en = f"{day} to {last} lie neither in the window nor in a late stage, for example: paid on {day}"
            yield Finding(("late", number), "late_hole", zh, en)


def cover_before_payment(package: Package) -> Iterator[Finding]:
    """Cover that would have begun before it was paid for, or that is over before it begins."""
    for steps, window in _windows(package):
        if window.closes_on:
            yield from _cover(package, steps, package.in_window, window.closes_on)
    for number, stage in enumerate(package.late):
        # Of a stage without end only the first day is asked about: its later days may come too late for any cover.
        for day in sorted({stage.starts_on, stage.until or stage.starts_on}):
            yield from _cover(package, ("late", number), stage.terms, day)


def _cover(package: Package, steps: Steps, terms: Terms, day: date) -> Iterator[Finding]:
    if package.cover is None:
        return
    if day > package.cover.ends_on:
        zh = f"{day} 缴费，已过待遇期末日 {package.cover.ends_on}"
        en = f"Paid on {day}, after the last covered day {package.cover.ends_on}"
        yield Finding(steps, "window_after_cover", zh, en)
        return
    starts_on, _ = cover_from(package, package.cover, terms, adult(package, day))
    if starts_on < day:
        zh = f"{day} 缴费，待遇却自 {starts_on} 起，早于缴费"
        en = f"Paid on {day}, covered from {starts_on}, which is before payment"
        yield Finding(steps, "window_after_cover", zh, en)
    elif starts_on > package.cover.ends_on:
        zh = f"{day} 缴费，待遇自 {starts_on} 起，已过待遇期末日 {package.cover.ends_on}"
        en = f"Paid on {day}, covered from {starts_on}, after the last covered day {package.cover.ends_on}"
        yield Finding(steps, "no_cover_left", zh, en)


def newborn_days(file: PackageFile) -> Iterator[Finding]:
    """Birthdays between the cases of newborns that none of them takes, and cases that only the order tells apart."""
    cases = file.newborn.cases if file.newborn else ()
    by_day = sorted(enumerate(cases), key=lambda found: found[1].born_from)
    reached = by_day[0][1].born_to if by_day else date.max
    for number, case in by_day[1:]:
        if day_after(reached) < case.born_from:
            day, last = day_after(reached), case.born_from - DAY
            zh = f"{day} 至 {last} 出生的新生儿没有规定，例：{day} 出生"
            en = f"No case takes a newborn born {day} to {last}, for example: born {day}"
            yield Finding(("newborn", "cases", number), "birthday_without_case", zh, en)
        reached = max(reached, case.born_to)
    for number, case in enumerate(cases):
        for before in cases[:number]:
            if case.born_from <= before.born_to and before.born_from <= case.born_to and _alike(before, case):
                day = max(case.born_from, before.born_from)
                zh, en = f"两种新生儿情形重叠，例：{day} 出生", f"Two cases of newborns overlap: born {day}"
                yield Finding(("newborn", "cases", number), "two_newborn_cases", zh, en)


def _alike(one: NewbornCase, other: NewbornCase) -> bool:
    conditions = {"who", "within_months", "paid_inside_window"}
    return one.model_dump_json(include=conditions) == other.model_dump_json(include=conditions)
