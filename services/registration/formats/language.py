"""The package language, version 1: what an officer writes to state a scheme-year, field by field.

Every part cites `rules` (sentences of the notice) and, where a sentence leaves a question open, `readings` (how it is
read). A field with a single permitted value is such a reading made visible: the language grows by permitting more.
Nothing is ever filled in by default that would change what somebody pays.
"""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.codes import Document, Payer, RefusalCode, Status
from shared.regions import POOL_PATTERN

from ..rules.facts import EnrolmentKind
from ..rules.package import Span

SCHEME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*-\d{4}$"

RuleId = Annotated[str, Field(pattern=r"^S\d{3}-\d{2}$", description="规则编号", examples=["S004-14"])]
ReadingId = Annotated[str, Field(pattern=r"^A(\d{3}-\d{1,2}|-X\d)$", description="歧义解读编号", examples=["A004-4"])]
Fen = Annotated[int, Field(ge=0, le=10_000_000, description="金额（分）", examples=[30000])]
Year = Annotated[int, Field(ge=2000, le=2100, description="年度", examples=[2031])]
DayOfMonth = Annotated[int, Field(ge=1, le=31, description="每月几日", examples=[25])]
Grade = Annotated[int, Field(ge=1, le=4, description="残疾等级", examples=[2])]


class Part(BaseModel):
    """A part of a package: no unknown field, no value bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_by_alias=True)


class Cited(Part):
    """A part with the rules it comes from."""

    rules: tuple[RuleId, ...] = Field(min_length=1, description="该条出自哪些规则")
    readings: tuple[ReadingId, ...] = Field((), description="该条按哪些解读填写")


class Notice(Cited):
    """The notice itself: when it was signed and published, from when it holds."""

    signed_on: date
    published_on: date
    valid_from: date


class LocalTie(Cited):
    """What ties a person to the pooling area; one of the list suffices."""

    any_of: tuple[Literal["hukou", "residence"], ...] = Field(min_length=1, description="有一即可")


class Excluded(Cited):
    """A status with which one may not enrol, and the code of that refusal."""

    status: Status
    refused_as: Literal[RefusalCode.EMPLOYEE_INSURED, RefusalCode.INSURED_ELSEWHERE, RefusalCode.NOT_ELIGIBLE]


class Once(Cited):
    """How often a person may enrol."""

    per: Literal["benefit_year"]


class Admission(Cited):
    """Who may enrol."""

    once: Once
    local_tie: LocalTie
    excluded: tuple[Excluded, ...] = ()


class Edge(Cited):
    """The first or the last day of the window, inclusive."""

    day: date


class OpenDays(Cited):
    """On which days of each month payment is taken, both inclusive."""

    first: DayOfMonth
    last: DayOfMonth


class HolidayShift(Cited):
    """Whether an edge that falls on a holiday moves."""

    shift: Literal[False]


class Window(Part):
    """When payment is taken."""

    opens: Edge
    closes: Edge
    open_days: OpenDays
    holiday_shift: HolidayShift

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order("opens.day", self.opens.day, "closes.day", self.closes.day)
        _require_order("open_days.first", self.open_days.first, "open_days.last", self.open_days.last)
        return self


class Premium(Cited):
    """The individual part for some kinds of enrolment."""

    enrolments: tuple[Literal[EnrolmentKind.NEW, EnrolmentKind.RENEWAL], ...] = Field(min_length=1)
    individual_fen: Fen


class Full(Part):
    """Help with the whole individual part."""

    kind: Literal["full"]


class Percent(Part):
    """Help with a share of the individual part, at least `floor_fen`, never more than the whole."""

    kind: Literal["percent"]
    percent: int = Field(ge=1, le=100, description="个人缴费标准的百分之几（整数）")
    floor_fen: Fen = 0


class Fixed(Part):
    """Help of a fixed amount, never more than the individual part."""

    kind: Literal["fixed"]
    amount_fen: Fen


class BenefitYears(Part):
    """The benefit years in which a subsidy is given, both inclusive."""

    first: Year
    last: Year

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order("first", self.first, "last", self.last)
        return self


class Subsidy(Cited):
    """Help that the notice gives to some statuses."""

    statuses: tuple[Status, ...] = Field(min_length=1)
    grades: tuple[Grade, ...] | None = Field(None, min_length=1, description="残疾等级，只用于 disabled")
    help: Annotated[Full | Percent | Fixed, Field(discriminator="kind")]
    payer: Payer
    benefit_years: BenefitYears | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.grades is not None and self.statuses != (Status.DISABLED,):
            raise PydanticCustomError("grades_unexpected", "grades 只能用于 statuses: [disabled]")
        if self.payer is Payer.PERSON:
            raise PydanticCustomError("payer_is_person", "资助的 payer 不能是 person 本人")
        return self


class Denied(Cited):
    """Statuses of which the notice says that they get no help."""

    statuses: tuple[Status, ...] = Field(min_length=1)


class OneOnly(Cited):
    """Several statuses, one subsidy: which."""

    choice: Literal["highest_amount"]
    tie: Literal["listed_first"]


class Evidence(Cited):
    """The day on which a status must be held to count; what becomes of one that comes on a list after payment.

    Without `added_later` it changes nothing. With it the difference goes back where the list comes inside the window;
    after the window a person decides.
    """

    counts_on: Literal["payment_day"]
    added_later: Literal["difference_inside_window"] | None = None


class Subsidies(Part):
    """All help of the scheme; the order of `given` decides between equal amounts."""

    one_only: OneOnly
    evidence: Evidence
    given: tuple[Subsidy, ...] = ()
    denied: tuple[Denied, ...] = ()

    @model_validator(mode="after")
    def _each_status_once(self) -> Self:
        parts: tuple[Subsidy | Denied, ...] = (*self.given, *self.denied)
        _require_once("状态", [status for part in parts for status in part.statuses])
        return self


class BirthYear(Cited):
    """What is due for the year of birth, and from when it is covered."""

    due: Literal["nothing"]
    covered_from: Literal["birth"]


class AnyDocument(Cited):
    """Papers of which one must be shown."""

    any_of: tuple[Document, ...] = Field(min_length=1)


class Newborn(Part):
    """Children born in the benefit year."""

    birth_year: BirthYear
    documents: AnyDocument


class CitedSpan(Cited):
    """A span of days, both inclusive."""

    starts_on: date = Field(alias="from")
    ends_on: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order("from", self.starts_on, "to", self.ends_on)
        return self

    def span(self) -> Span:
        """The days alone."""
        return Span(self.starts_on, self.ends_on)


class Ground(Cited):
    """A reason for which money is paid back."""

    ground: str = Field(pattern=r"^[a-z]+(_[a-z]+)*$", examples=["paid_twice"])
    found_after_window: Literal["person_decides"] | None = Field(
        None, description="系统在退费期后自行发现时；缺省：不予退费"
    )


class Refund(Part):
    """When (on every day of the window) and why money may be asked back."""

    window: CitedSpan
    grounds: tuple[Ground, ...] = Field(min_length=1)


class PackageFile(Part):
    """A scheme-year: one pooling area, one benefit year. What the notice does not regulate is absent."""

    language: Literal[1]
    scheme: str = Field(pattern=SCHEME_PATTERN, description="方案代码", examples=["example-2031"])
    pool: str = Field(pattern=POOL_PATTERN, description="统筹区代码，六位数字（加引号）", examples=["990101"])
    benefit_year: Year
    title: str = Field(min_length=1, max_length=200)
    notice: Notice
    admission: Admission
    window: Window
    premiums: tuple[Premium, ...] = Field(min_length=1)
    subsidies: Subsidies
    newborn: Newborn | None = None
    cover: CitedSpan
    refund: Refund | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _require_once("参保方式", [kind for premium in self.premiums for kind in premium.enrolments])
        _require_order("window.opens.day", self.window.opens.day, "cover.to", self.cover.ends_on)
        if self.cover.ends_on.year != self.benefit_year:
            year = {"year": self.benefit_year}
            raise PydanticCustomError("cover_other_year", "cover.to 应在参保年度 {year} 内", year)
        return self


def _require_order(first_name: str, first: Any, last_name: str, last: Any) -> None:
    if first > last:
        names = {"first_name": first_name, "first": str(first), "last_name": last_name, "last": str(last)}
        text = "{first_name}（{first}）应不晚于 {last_name}（{last}）"
        raise PydanticCustomError("out_of_order", text, names)


def _require_once(what: str, values: list[Any]) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        named = {"what": what, "values": "、".join(twice)}
        raise PydanticCustomError("named_twice", "{what} {values} 只能出现一次", named)
