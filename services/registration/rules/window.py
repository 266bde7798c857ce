"""When payment is taken: inside the period, and inside it on the open days of each month; after it by late stages."""

from datetime import date, timedelta

from shared.codes import RefusalCode

from .facts import Situation
from .package import LateStage, Package, RuleIds, Terms, Window
from .verdict import Reason


def window_of(package: Package, seen: Situation) -> tuple[Window, RuleIds]:
    """The window of the person's group, and the rules that give the group another last day than everybody's."""
    for group in package.group_windows:
        if group.who.fits(seen):
            return group.window, group.rules
    return package.window, ()


def terms_on(package: Package, window: Window, seen: Situation) -> Terms | Reason:
    """On what terms payment is taken on the day of the situation, or why it is not.

    Before or after the period `outside_window`, inside it on a masked day `closed_day`, never both. After the period
    the late stages go on; where there is none, or a gap between them, payment is refused.
    """
    closed = window_refusal(window, seen.day)
    if closed is None:
        return package.in_window
    stage = stage_on(package, window, seen)
    return stage.terms if stage else closed


def stage_on(package: Package, window: Window, seen: Situation) -> LateStage | None:
    """The late stage of a day after the period that is for the person."""
    if window.closes_on is None or seen.day <= window.closes_on:
        return None
    for stage in package.late:
        if stage.starts_on <= seen.day and (stage.until is None or seen.day <= stage.until) and stage.who.fits(seen):
            return stage
    return None


def window_refusal(window: Window, day: date) -> Reason | None:
    """Why nothing can be paid on `day` by the window alone, or None on an open day.

    A holiday changes nothing that the package does not say: its edges are those after any shift.
    """
    if window.opens_on is not None and day < window.opens_on:
        text = f"集中征缴期自{window.opens_on}开始，{day}尚未开始"
        return Reason(RefusalCode.OUTSIDE_WINDOW, text, window.opens_rules)
    if window.closes_on is not None and day > window.closes_on:
        text = f"集中征缴期已于{window.closes_on}截止，{day}不能缴费"
        return Reason(RefusalCode.OUTSIDE_WINDOW, text, window.closes_rules)
    if not _is_unmasked(window, day):
        text = f"每月{window.first_day}日至{window.last_day}日可办理缴费，{day}不能缴费"
        return Reason(RefusalCode.CLOSED_DAY, text, window.mask_rules)
    return None


def next_open_day(window: Window, day: date) -> date | None:
    """The first open day from `day` on, `day` itself included; None once nothing of the period is left.

    The day mask binds paying, not registering (S004-02, A004-12): a roster handed in on a masked day, or before
    the period, is assessed for the first day on which its people can pay.
    """
    if window.opens_on is not None:
        day = max(day, window.opens_on)
    while window.closes_on is None or day <= window.closes_on:
        if _is_unmasked(window, day):
            return day
        day += timedelta(days=1)
    return None


def _is_unmasked(window: Window, day: date) -> bool:
    return window.first_day <= day.day <= window.last_day
