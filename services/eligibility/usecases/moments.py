"""What a question is about: the day in question, and the instant whose knowledge is asked for."""

from dataclasses import dataclass
from datetime import date, datetime

from shared.clock import business_day

from .. import schemas
from .suite import Eligibility


@dataclass(frozen=True)
class Moment:
    """What is asked about: a day (None: every day), as it was known at a business instant."""

    as_of: date | None
    known_at: datetime


def moment(service: Eligibility, as_of: date | None, known_at: datetime | None, *, every_day: bool = False) -> Moment:
    """The moment of a question; what is left out is today, and now. Raises Problem KNOWN_AT_IN_FUTURE."""
    now = service.clock.now()
    if known_at is not None and known_at > now:
        raise schemas.KNOWN_AT_IN_FUTURE(known_at=known_at.isoformat())
    return Moment(None if every_day else as_of or business_day(now), known_at or now)
