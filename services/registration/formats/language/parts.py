"""What every part of a package file is made of: fields that take one form only, and the rules that a part cites."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.codes import Payer

from ...rules.package import Span

RULE_PATTERN = r"^(S\d{3}-\d{2}|B\d|L\d{2})$"
"""A sentence of a notice, a section of the national rules, or a local decision (L) that an overlay brings."""

RuleId = Annotated[str, Field(pattern=RULE_PATTERN, description="规则编号", examples=["S004-14"])]
ReadingId = Annotated[str, Field(pattern=r"^A(\d{3}-\d{1,2}|-X\d)$", description="歧义解读编号", examples=["A004-4"])]
Fen = Annotated[int, Field(ge=0, le=10_000_000, description="金额（分）", examples=[30000])]
Year = Annotated[int, Field(ge=2000, le=2100, description="年度", examples=[2031])]
Years = Annotated[int, Field(ge=1, le=50, description="年数", examples=[2])]
Months = Annotated[int, Field(ge=0, le=120, description="月数", examples=[3])]
Days = Annotated[int, Field(ge=0, le=1000, description="天数", examples=[30])]
DayOfMonth = Annotated[int, Field(ge=1, le=31, description="每月几日", examples=[25])]
Grade = Annotated[int, Field(ge=1, le=4, description="残疾等级", examples=[2])]
Percentage = Annotated[int, Field(ge=1, le=100, description="百分之几（整数）", examples=[90])]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60, examples=["town_office"])]
Text = Annotated[str, Field(min_length=1, max_length=400)]


class Part(BaseModel):
    """A part of a package: no unknown field, no value bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_by_alias=True)


class Cited(Part):
    """A part with the rules it comes from."""

    rules: tuple[RuleId, ...] = Field(min_length=1, description="该条出自哪些规则")
    readings: tuple[ReadingId, ...] = Field((), description="该条按哪些解读填写")


class CitedSpan(Cited):
    """A span of days, both inclusive."""

    starts_on: date = Field(alias="from")
    ends_on: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_order("from", self.starts_on, "to", self.ends_on)
        return self

    def span(self) -> Span:
        """The days alone."""
        return Span(self.starts_on, self.ends_on)


class Share(Part):
    """What one of several payers takes of an amount, in the order of the list; the last takes the rest."""

    payer: Payer
    up_to_fen: Fen | None = Field(None, description="至多承担多少（分）；最后一个付款方承担其余部分，不填")


Due = Literal["nothing", "individual", "individual_and_fiscal"]
"""What is due: nothing, the individual part, or the full cost with the fiscal subsidy of all levels."""


def require_order(first_name: str, first: Any, last_name: str, last: Any) -> None:
    """Raises PydanticCustomError where the first is later than the last."""
    if first > last:
        names = {"first_name": first_name, "first": str(first), "last_name": last_name, "last": str(last)}
        text = "{first_name}（{first}）应不晚于 {last_name}（{last}）"
        raise PydanticCustomError("out_of_order", text, names)


def require_once(what: str, values: list[Any]) -> None:
    """Raises PydanticCustomError where a value comes twice."""
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        named = {"what": what, "values": "、".join(twice)}
        raise PydanticCustomError("named_twice", "{what} {values} 只能出现一次", named)
