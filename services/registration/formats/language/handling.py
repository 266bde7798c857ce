"""How the work is done: money handed up, receipts, public notice, reports, targets, who supplies which lists.

These parts are read by whoever does the work; none of them decides what a person owes.
"""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field

from shared.codes import Channel, Status

from .parts import Cited, CitedSpan, Code, Days, Fen, Part, Percentage, Text


class Promptly(Part):
    """As soon as money is in."""

    kind: Literal["promptly"]


class MonthEnd(Part):
    """By the last calendar day of each month."""

    kind: Literal["month_end"]


class Weekly(Part):
    """On a day of each week, up to an hour; with what came in up to the day before."""

    kind: Literal["weekly"]
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday"]
    until: time
    on_holiday: Literal["previous_working_day"]


class ByDay(Part):
    """By a day."""

    kind: Literal["by_day"]
    day: date


class Remittance(Cited):
    """One step by which collected money goes up; `to` are alternatives, one of them for a batch."""

    sender: Code = Field(alias="from")
    to: tuple[Code, ...] = Field(min_length=1)
    when: Annotated[Promptly | MonthEnd | Weekly | ByDay, Field(discriminator="kind")]
    with_interest: bool = False
    attached: tuple[Code, ...] = Field((), description="随款附送")
    last_after_window: bool = Field(False, description="截止日后尚有一次")


class Receipts(Cited):
    """The receipt for a payment."""

    form: Text
    consecutive: bool
    voided_kept: bool
    issued_by: tuple[Code, ...] = ()
    agrees: tuple[Literal["money", "heads", "roster", "receipts"], ...] = Field((), description="须相互一致的各项")


class Account(Cited):
    """Where the fund stands, and by what order it is kept."""

    account: Code
    earmarked: bool
    merges: tuple[Code, ...] = Field((), description="合并而来的基金")


class TakenBy(Cited):
    """A way to pay."""

    channel: Channel
    name: Text
    units: tuple[Code, ...] = ()


class Ledger(Cited):
    """The book of agents who collect: when it is kept, who signs."""

    when: Literal["agent_pays_electronically"]
    signed_by: tuple[Code, ...] = Field(min_length=1)
    closed_by: Code


class PublicNotice(Cited):
    """A unit's list of the insured, put up in public."""

    posted_by: tuple[Code, ...] = Field(min_length=1)
    days: Days
    count: Literal["calendar_days_after_posting"]
    shows: tuple[Code, ...] = Field(min_length=1)
    objection: Literal["opens_case"]


class Target(Cited):
    """How many are to be reached: persons, or a share of a base. No number: only the ratio is reported."""

    persons: int | None = Field(None, ge=1)
    percent: Percentage | None = None
    base: Code | None = None
    of: tuple[Status, ...] = Field((), description="只计这些身份")
    reported_beside: tuple[Code, ...] = Field((), description="同时报告的其他口径")


class Report(Cited):
    """Something that is reported or filled in, by whom, to whom, how often."""

    report: Code
    title: Text
    by: tuple[Code, ...] = Field(min_length=1)
    to: tuple[Code, ...] = Field(min_length=1)
    period: Literal["regular", "weekly", "after_window", "with_remittance", "at_registration"]
    via: Code | None = Field(None, description="由谁汇总转报")
    split: tuple[Code, ...] = Field((), description="分别汇总")


class Supply(Cited):
    """Which department hands over which lists, when; `alias` is its later or former name."""

    supplier: Code
    statuses: tuple[Status, ...] = ()
    data: tuple[Code, ...] = ()
    when: Text | None = None
    also_enrols: bool = False
    alias: Code | None = None


class Supplementary(Cited):
    """Voluntary accident cover taken together with the premium and accounted apart; never part of what is due."""

    voluntary: bool | None = Field(None, description="通知未写明则不填")
    insurer: Text | None = None
    collected_with_premium: bool
    amount_fen: Fen | None = None


class Ground(Cited):
    """A reason for which money is paid back."""

    ground: Code
    found_after_window: Literal["person_decides"] | None = Field(
        None, description="系统在退费期后自行发现时；缺省：不予退费"
    )


class Refund(Part):
    """When (on every day of the window) and why money may be asked back."""

    window: CitedSpan
    grounds: tuple[Ground, ...] = Field(min_length=1)


class Migration(Cited):
    """How the data of former schemes become this scheme's."""

    from_units: Code
    to_unit: Literal["person"]
    persons: int | None = Field(None, ge=1)
    methods: tuple[Code, ...] = Field(min_length=1)
    unmatched: Literal["work_list"]
    duplicates: Literal["listed_before_start"]


class Duty(Cited):
    """Anything else that the notice asks of somebody, in its words."""

    duty: Code
    of: tuple[Code, ...] = Field(min_length=1)
    text: Text
    by_day: date | None = None
