"""When payment is taken, what is due after the window and for newborns, and from when cover runs."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.codes import Payer

from .parts import Cited, DayOfMonth, Days, Due, Months, Part, Years, require_once, require_order
from .people import Who


class Edge(Cited):
    """The first or the last day of the window, inclusive."""

    day: date


class OpenDays(Cited):
    """On which days of each month payment is taken, both inclusive."""

    first: DayOfMonth
    last: DayOfMonth


class HolidayShift(Cited):
    """Whether the last day, where it is one of `days_off`, moves to the next day that is none."""

    shift: bool
    days_off: tuple[date, ...] = Field((), description="放假日，仅在 shift: true 时填写")


class Deadline(Cited):
    """Another last day for some people."""

    who: Who
    day: date


class PayerDeadline(Cited):
    """The last day on which a payer hands over its part."""

    payer: Payer
    day: date


class Window(Part):
    """When payment is taken. An edge that the notice does not state is absent: nothing is refused for it."""

    opens: Edge | None = None
    closes: Edge | None = None
    extension: Edge | None = Field(None, description="延长后的截止日")
    open_days: OpenDays | None = None
    holiday_shift: HolidayShift | None = None
    deadlines: tuple[Deadline, ...] = Field((), description="另有截止日的人员，依次判断，先符合者为准")
    payer_deadlines: tuple[PayerDeadline, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.opens and self.closes:
            require_order("opens.day", self.opens.day, "closes.day", self.closes.day)
        if self.closes and self.extension:
            require_order("closes.day", self.closes.day, "extension.day", self.extension.day)
        if self.open_days:
            require_order("open_days.first", self.open_days.first, "open_days.last", self.open_days.last)
        require_once("付款方", [found.payer for found in self.payer_deadlines])
        return self


class FromPeriod(Part):
    """Cover begins with the benefit period."""

    kind: Literal["period"]


class FromDay(Part):
    """Cover begins on a day that the notice names."""

    kind: Literal["day"]
    day: date


class FromBirth(Part):
    """Cover begins at birth."""

    kind: Literal["birth"]


class FromRegistration(Part):
    """Cover begins on the day of registration."""

    kind: Literal["registration"]


class AfterPayment(Part):
    """Cover begins `days` after payment is recognised: `plus_n` on the D+N-th day, `strict` the day after (A-X1)."""

    kind: Literal["after_payment"]
    days: Days
    count: Literal["plus_n", "strict"]


Start = Annotated[
    FromPeriod | FromDay | FromBirth | FromRegistration | AfterPayment,
    Field(discriminator="kind", description="待遇起始"),
]


class LateStage(Cited):
    """What happens to those who pay after the window, from a day on (to `until`, inclusive)."""

    starts_on: date = Field(alias="from")
    until: date | None = None
    due: Due
    cover: Start
    helped: Literal["as_in_window", "no_rule"] = Field(description="资助对象逾期：照常资助，或政策未作规定")
    prior_scheme_only: bool = Field(False, description="是否只适用于原制度参保人员")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until:
            require_order("from", self.starts_on, "until", self.until)
        return self


class NewbornCase(Cited):
    """Children born from `born_from` to `born_to`, both inclusive.

    `within_months` of birth the child must be registered here; the last day is the same day of the month, clamped.
    `paid_inside_window`: only where a payment inside the window goes with it.
    """

    born_from: date
    born_to: date
    who: Who = Field(default_factory=Who)
    within_months: Months | None = None
    paid_inside_window: bool = False
    due: Due
    cover: Start
    helped: Literal["as_in_window", "no_rule"]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_order("born_from", self.born_from, "born_to", self.born_to)
        return self


class Newborn(Part):
    """Children who enrol as newborns: the first case that fits counts. One born on none of its days is refused."""

    cases: tuple[NewbornCase, ...] = Field(min_length=1)
    otherwise: Literal["as_new"] | None = Field(None, description="出生日期符合、情形均不符合者：按新参保办理")
    next_year: Literal["flag"] | None = Field(None, description="跨年度：提示次年另行缴费")


class LongGap(Part):
    """After this many missed years the whole wait is at least so many months, whatever was repaired."""

    missed_years: Years
    at_least_months: Months


class WaitingPeriod(Cited):
    """The wait of those who missed years or pay late, in months after payment."""

    fixed_months: Months
    months_per_missed_year: Months
    first_missed_year_counts: bool = Field(description="断保第一年是否计入变动等待期")
    months_per_repaired_year: Months = Field(description="每补缴一年减少的月数")
    long_gap: LongGap | None = None
