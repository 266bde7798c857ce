"""Cover (待遇享受期) by calendar year: a person has one cover row a year, its days inside that year."""

from datetime import date

from .package import Span


def split_by_year(span: Span) -> list[Span]:
    """The span cut at every turn of the year; the parts together are the span."""
    return [
        Span(max(span.starts_on, date(year, 1, 1)), min(span.ends_on, date(year, 12, 31)))
        for year in range(span.starts_on.year, span.ends_on.year + 1)
    ]
