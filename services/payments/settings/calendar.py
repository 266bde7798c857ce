"""The calendar of working days: holidays, and weekends that are worked for them (调休), as announced each year."""

from datetime import date

from pydantic import BaseModel, ConfigDict


class WorkingDays(BaseModel):
    """Saturdays and Sundays are no working days, and neither are holidays; weekends to which work is moved are."""

    model_config = ConfigDict(extra="forbid")

    holidays: frozenset[date] = frozenset()
    working_weekends: frozenset[date] = frozenset()
