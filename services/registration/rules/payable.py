"""When an assessment can be paid, and what the day of payment settles: the days of its bill, and its cover."""

from datetime import date, timedelta

from .assess import cover_on, joining_terms
from .facts import EnrolmentKind, Facts, Situation
from .package import Due, Package, Span, Terms, Window
from .verdict import Reason
from .window import next_open_day, stage_on, window_of


def status_day(package: Package, enrolment: EnrolmentKind, today: date) -> date:
    """The day as of which the statuses of people who enrol today are asked: the first on which payment is taken."""
    if enrolment is EnrolmentKind.NEWBORN:
        return today
    return next_open_day(package.window, today) or today


def assessment_day(package: Package, facts: Facts, today: date) -> date:
    """The day for which somebody who enrols today is assessed: the first on which they can pay.

    After the period it is today, on which a late stage may go on. A newborn is bound by no window.
    """
    if facts.enrolment is EnrolmentKind.NEWBORN:
        return today
    window, _ = window_of(package, Situation(package.pool, facts.paid(today)))
    return next_open_day(window, today) or today


def bill_window(package: Package, facts: Facts) -> Window:
    """The days on which what was assessed for `facts.day` can be paid, both edges stated.

    Inside the window those of the window; in a late stage its days, as long as cover is left; a newborn's from the day
    of registration. Another stage is another assessment.
    """
    seen = Situation(package.pool, facts)
    terms, _ = joining_terms(package, seen)
    last = package.cover.ends_on if package.cover else date(package.benefit_year, 12, 31)
    if isinstance(terms, Terms) and terms.newborn and terms.due is not Due.NOTHING:
        return Window(facts.registered_on, terms.rules, _last_payable(package, facts, terms, last), terms.rules)
    window, _ = window_of(package, seen)
    stage = stage_on(package, window, seen)
    if stage and isinstance(terms, Terms) and terms.late:
        until = _last_payable(package, facts, terms, stage.until or last)
        return Window(stage.starts_on, terms.rules, until, terms.rules)
    return Window(
        window.opens_on or facts.registered_on,
        window.opens_rules,
        window.closes_on or last,
        window.closes_rules,
        window.first_day,
        window.last_day,
        window.mask_rules,
    )


def cover_when_paid(package: Package, facts: Facts, paid_on: date) -> Span | None:
    """The cover of an enrolment that is paid on this day; None where the notice states none.

    Money that was taken was taken in time: on a day that takes none it counts as inside the window.
    """
    seen = Situation(package.pool, facts.paid(paid_on))
    terms, _ = joining_terms(package, seen)
    return cover_on(package, package.in_window if isinstance(terms, Reason) else terms, seen)[0]


def _last_payable(package: Package, facts: Facts, terms: Terms, last: date) -> date:
    """The last day up to `last` on which these terms still go on, and paying still leaves cover."""
    day = last
    while day > facts.day:
        seen = Situation(package.pool, facts.paid(day))
        span, _ = cover_on(package, terms, seen)
        if joining_terms(package, seen)[0] == terms and (span is None or span.starts_on <= span.ends_on):
            break
        day -= timedelta(days=1)
    return day
