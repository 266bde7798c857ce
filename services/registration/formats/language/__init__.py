"""The package language, version 1: what an officer writes to state a scheme-year, field by field.

Every part cites `rules` (sentences of the notice) and, where a sentence leaves a question open, `readings` (how it is
read). A field with a single permitted value is such a reading made visible: the language grows by permitting more.
Nothing is ever filled in by default that would change what somebody pays: what a notice does not regulate is absent and
answered `no_rule`, a figure that it leaves open is absent and answered `amount_unknown`.

Read `parts` → `people` (who) → `days` (when) → `money` (how much, who pays) → `handling` (how the work is done).
"""

from datetime import date
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.regions import POOL_PATTERN

from .days import LateStage, Newborn, WaitingPeriod, Window
from .handling import (
    Account,
    Duty,
    Ledger,
    Migration,
    PublicNotice,
    Receipts,
    Refund,
    Remittance,
    Report,
    Supplementary,
    Supply,
    TakenBy,
    Target,
)
from .money import Adjustment, Kept, Premium, Subsidies
from .parts import Cited, CitedSpan, Part, ReadingId, RuleId, Text, Year, require_order
from .people import Admission, Documents, Place
from .sentences import Sentence

SCHEME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*-\d{4}$"


class Notice(Cited):
    """The notice itself: when it was signed and published, from when it holds; what it does not tell is absent."""

    signed_on: date | None = None
    published_on: date | None = None
    valid_from: date | None = None
    launched_on: date | None = Field(None, description="全面启动日，不影响缴费起始")


class Reading(Part):
    """How an open question of the notice is read where no other part shows it."""

    reading: ReadingId
    parameter: str = Field(min_length=1, max_length=60)
    value: str | int | bool | date | None
    text: Text


class OverlayMark(Part):
    """An overlay that filled in open figures of this package: its label, and the fields it set."""

    label: Text
    sets: tuple[str, ...] = Field(min_length=1)


class PackageFile(Part):
    """A scheme-year: one pooling area, one benefit year. What the notice does not regulate is absent."""

    language: Literal[1]
    scheme: str = Field(pattern=SCHEME_PATTERN, description="方案代码", examples=["example-2031"])
    pool: str = Field(pattern=POOL_PATTERN, description="统筹区代码，六位数字（加引号）", examples=["990101"])
    benefit_year: Year
    title: str = Field(min_length=1, max_length=200)
    notice: Notice
    admission: Admission
    window: Window | None = None
    late: tuple[LateStage, ...] = ()
    premiums: tuple[Premium, ...] = Field(min_length=1, description="费率，依次判断，先符合者为准")
    transition: tuple[Kept, ...] = Field((), description="制度合并的过渡人员，依次判断，先符合者为准")
    adjustment: Adjustment | None = None
    subsidies: Subsidies | None = None
    newborn: Newborn | None = None
    cover: CitedSpan | None = None
    waiting_period: WaitingPeriod | None = None
    documents: tuple[Documents, ...] = ()
    places: tuple[Place, ...] = ()
    channels: tuple[TakenBy, ...] = ()
    ledger: Ledger | None = None
    receipts: Receipts | None = None
    remittance: tuple[Remittance, ...] = ()
    account: Account | None = None
    public_notice: PublicNotice | None = None
    targets: tuple[Target, ...] = ()
    reports: tuple[Report, ...] = ()
    supplies: tuple[Supply, ...] = ()
    refund: Refund | None = None
    supplementary: Supplementary | None = None
    migration: Migration | None = None
    duties: tuple[Duty, ...] = ()
    readings: tuple[Reading, ...] = Field((), description="其他各处未体现的歧义解读")
    sentences: dict[RuleId, Sentence] = Field(default_factory=dict, description="通知原文：规则编号对应的句子")
    overlays: tuple[OverlayMark, ...] = Field((), description="由系统填写：已套用的本地补充")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.cover and self.cover.ends_on.year != self.benefit_year:
            year = {"year": self.benefit_year}
            raise PydanticCustomError("cover_other_year", "cover.to 应在参保年度 {year} 内", year)
        if self.cover and self.window and self.window.opens:
            require_order("window.opens.day", self.window.opens.day, "cover.to", self.cover.ends_on)
        closes = self.window.closes if self.window else None
        stages = [(f"late.{n}.from", stage.starts_on) for n, stage in enumerate(self.late)]
        edges = [("window.closes.day", closes.day), *stages] if closes else stages
        for (before, first), (after, last) in pairwise(edges):
            require_order(before, first, after, last)
        return self
