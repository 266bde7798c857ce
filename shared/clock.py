"""One clock for business time: windows, days, benefit periods, closings. Tokens and timers use wall time."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells business time, aware and in Asia/Shanghai."""

    def now(self) -> datetime:
        """The business instant."""
        ...


class WallClock:
    """Production: the wall clock in Asia/Shanghai."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(SHANGHAI)


class SetClock:
    """A clock that stands where it was put; for tests."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant.astimezone(SHANGHAI)

    def now(self) -> datetime:
        """The instant it was put to."""
        return self.instant

    def set(self, instant: datetime) -> None:
        """Put it to another instant."""
        self.instant = instant.astimezone(SHANGHAI)


def business_day(instant: datetime) -> date:
    """The day of an instant in Asia/Shanghai. Raises ValueError for an instant without offset."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs its offset: {instant}")
    return instant.astimezone(SHANGHAI).date()


def wall_now() -> datetime:
    """Wall time in UTC, for leases, tokens and timers; never for business."""
    return datetime.now(UTC)
