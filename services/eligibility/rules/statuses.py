"""On which days a status holds, what was known of it when, and who may see whose."""

from datetime import date, datetime
from enum import StrEnum

from shared.regions import area_covers, area_covers_pool


class NearReason(StrEnum):
    """Why a status that was near does not hold on the day, as it was known at the instant in question."""

    NOT_YET_RECORDED = "not_yet_recorded"
    WITHDRAWN = "withdrawn"
    NOT_YET_BEGUN = "not_yet_begun"
    ENDED = "ended"


def may_see(area: str, pool: str, hukou: str | None) -> bool:
    """Whether a token of an area may read a person of the pool: all of them where it covers the pool, else by hukou.

    A person whose hukou no feed has told is seen only by who may see the whole pool.
    """
    return area_covers_pool(area, pool) or (hukou is not None and area_covers(area, hukou))


def status_holds(identified_on: date, valid_to: date | None, as_of: date) -> bool:
    """Whether a status holds on a day: its first and its last day both count (S004-17)."""
    return identified_on <= as_of and (valid_to is None or as_of <= valid_to)


def why_not(
    identified_on: date,
    valid_to: date | None,
    recorded_at: datetime,
    withdrawn_at: datetime | None,
    as_of: date | None,
    known_at: datetime,
) -> NearReason | None:
    """Why a recorded status does not hold on the day (None: on any day) by what was known at an instant; None: it does.

    Knowledge comes before days: a status that nobody knew of yet, or no longer, is not asked about its days.
    """
    if known_at < recorded_at:
        return NearReason.NOT_YET_RECORDED
    if withdrawn_at is not None and withdrawn_at <= known_at:
        return NearReason.WITHDRAWN
    if as_of is not None and as_of < identified_on:
        return NearReason.NOT_YET_BEGUN
    if as_of is not None and not status_holds(identified_on, valid_to, as_of):
        return NearReason.ENDED
    return None
