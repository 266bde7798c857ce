"""When payment is taken: inside the period, and inside it on the open days of each month."""

from datetime import date, timedelta

from shared.codes import RefusalCode

from .facts import EnrolmentKind
from .package import Window
from .verdict import Reason


def window_refusal(window: Window, day: date) -> Reason | None:
    """Why nothing can be paid on `day`, or None on an open day.

    Before or after the period `outside_window`, inside it on a masked day `closed_day`, never both. A holiday
    changes nothing: neither the last day nor an open one moves (S004-08).
    """
    if day < window.opens_on:
        text = f"集中征缴期自{window.opens_on}开始，{day}尚未开始"
        return Reason(RefusalCode.OUTSIDE_WINDOW, text, window.opens_rules)
    if day > window.closes_on:
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
    day = max(day, window.opens_on)
    while day <= window.closes_on:
        if _is_unmasked(window, day):
            return day
        day += timedelta(days=1)
    return None


def assessment_day(window: Window, enrolment: EnrolmentKind, today: date) -> date:
    """The day for which somebody who enrols today is assessed: the first on which they can pay.

    After the period it is today, which `window_refusal` then refuses. A newborn is bound by no window.
    """
    if enrolment is EnrolmentKind.NEWBORN:
        return today
    return next_open_day(window, today) or today


def _is_unmasked(window: Window, day: date) -> bool:
    return window.first_day <= day.day <= window.last_day
