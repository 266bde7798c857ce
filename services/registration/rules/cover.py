"""Cover (待遇享受期): from when it runs, what a waiting period adds, and its rows by calendar year."""

from datetime import date, timedelta

from .days import add_months
from .facts import Facts
from .package import (
    AfterPayment,
    FromBirth,
    FromDay,
    FromRegistration,
    Package,
    RuleIds,
    Span,
    Start,
    Terms,
    WaitingPeriod,
)


def cover_from(package: Package, period: Span, terms: Terms, facts: Facts) -> tuple[date, RuleIds]:
    """The first covered day on these terms, and the rules of a wait; it may lie behind the end of the period."""
    begins = _begins(terms.start, period, facts)
    waiting = package.waiting_period
    if waiting is None or terms.newborn:
        return begins, ()
    months = waiting_months(waiting, facts.missed_years, facts.repaired_years, late=terms.late)
    if months == 0:
        return begins, ()
    return max(begins, add_months(facts.day, months)), waiting.rules


def waiting_months(waiting: WaitingPeriod, missed: int, repaired: int, *, late: bool) -> int:
    """How many months somebody waits after payment.

    A fixed wait for whoever missed years or pays late, more for every missed year that was not repaired, and at least
    the floor after a long gap, whatever was repaired.
    """
    if missed == 0 and not late:
        return 0
    counted = max(0, missed - waiting.uncounted_years) * waiting.months_per_missed_year
    months = waiting.fixed_months + max(0, counted - repaired * waiting.months_per_repaired_year)
    if waiting.long_gap_years is not None and missed >= waiting.long_gap_years:
        return max(months, waiting.long_gap_months)
    return months


def split_by_year(span: Span) -> list[Span]:
    """The span cut at every turn of the year; the parts together are the span."""
    return [
        Span(max(span.starts_on, date(year, 1, 1)), min(span.ends_on, date(year, 12, 31)))
        for year in range(span.starts_on.year, span.ends_on.year + 1)
    ]


def _begins(start: Start, period: Span, facts: Facts) -> date:
    if isinstance(start, AfterPayment):
        return max(period.starts_on, facts.day + timedelta(days=start.days))
    if isinstance(start, FromBirth):
        return facts.birth_date
    if isinstance(start, FromRegistration):
        return facts.registered_on
    if isinstance(start, FromDay):
        return start.day
    return period.starts_on
