"""Kinds of fields that several bodies share: each takes the form of the contract and nothing that resembles it."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.clock import SHANGHAI
from shared.regions import POOL_PATTERN, REGION_PATTERN

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9-]{10}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_NO_NUL = r"^[^\x00]*$"  # the one character that no database keeps in a text


class RequestBody(BaseModel):
    """A request: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class AnswerBody(BaseModel):
    """An answer."""

    model_config = ConfigDict(populate_by_name=True)

    @classmethod
    def body_of(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row, with whatever else it holds, as the plain JSON of this answer."""
        return cls.model_validate(row).model_dump(mode="json", by_alias=True)


def _day_text(value: Any) -> Any:
    # A number would pass for a day since 1970, and an instant for its day: neither is a day of the contract.
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("date_parsing", "should be a day written YYYY-MM-DD")
    if not isinstance(value, str | date) or isinstance(value, datetime):
        raise PydanticCustomError("date_type", "should be a day written YYYY-MM-DD")
    return value


def _instant_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise PydanticCustomError(
            "timezone_aware", "should be an instant with offset, such as 2030-12-20T09:00:00+08:00"
        )
    return value


def _has_a_day_everywhere(instant: datetime) -> datetime:
    # At the edges of the calendar an instant has no day in Shanghai, and no day of cover behind it.
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise PydanticCustomError(
            "year_out_of_range", f"should be an instant of the years {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return instant


Day = Annotated[date, BeforeValidator(_day_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant_text), AfterValidator(_has_a_day_everywhere)]
InstantOut = Annotated[datetime, AfterValidator(lambda instant: instant.astimezone(SHANGHAI))]
RegionCode = Annotated[str, StringConstraints(strict=True, pattern=REGION_PATTERN)]
PoolCode = Annotated[str, StringConstraints(strict=True, pattern=POOL_PATTERN)]
Name = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_NUL)
]
UnitCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z_-]{1,32}$")]


EXAMPLE_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"
EXAMPLE_VERSION = "sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"
EXAMPLE_SPAN = {"from": "2031-01-01", "to": "2031-12-31"}
EXAMPLE_WINDOW = {
    "from": "2030-09-01",
    "to": "2030-12-25",
    "first_day": 1,
    "last_day": 25,
    "rules": ["S004-06", "S004-08"],
    "day_rules": ["S004-07"],
}


class SpanOut(AnswerBody):
    """An unbroken span of days."""

    starts_on: date = Field(alias="from", description="First day, inclusive", examples=["2031-01-01"])
    ends_on: date = Field(alias="to", description="Last day, inclusive", examples=["2031-12-31"])


class ReasonOut(AnswerBody):
    """One reason of a refusal."""

    code: str = Field(description="Stable code of the reason", examples=["closed_day"])
    detail: str = Field(description="The reason in Chinese", examples=["每月1日至25日可办理缴费，2030-09-26不能缴费"])
    rules: list[str] = Field(description="Ids of the notice's rules behind it", examples=[["S004-07"]])


class LineOut(AnswerBody):
    """Who pays a part of the standard."""

    payer: str = Field(description="Payer code", examples=["medical_assistance_fund"])
    amount_fen: int = Field(description="Amount of this payer, fen", examples=[27000])
    status: str | None = Field(
        description="Status because of which this payer pays; null on an ordinary line", examples=["dibao"]
    )
    rules: list[str] = Field(description="Ids of the rules behind the line", examples=[["S004-14", "S004-15"]])


class NotAppliedOut(AnswerBody):
    """A given status that gave nothing here."""

    status: str = Field(description="Status code", examples=["dibao"])
    amount_fen: int = Field(description="What this status alone would have given, fen; 0 if nothing", examples=[27000])
    reason: str = Field(
        description="one_subsidy_only, not_yet_identified, not_in_scheme, grade_not_covered, expired, not_local"
        " or condition_not_met",
        examples=["one_subsidy_only"],
    )
    rules: list[str] = Field(description="Ids of the rules behind it", examples=[["S004-18"]])


class SchemeWindowOut(AnswerBody):
    """When a scheme takes payment."""

    opens_on: date | None = Field(
        alias="from",
        description="First day of the period, inclusive; null where the notice states none",
        examples=["2030-09-01"],
    )
    closes_on: date | None = Field(
        alias="to",
        description="Last day of the period, inclusive; null where the notice states none",
        examples=["2030-12-25"],
    )
    first_day: int = Field(description="First day of each month on which payment is taken", examples=[1])
    last_day: int = Field(description="Last day of each month on which payment is taken", examples=[25])
    rules: list[str] = Field(description="Ids of the rules behind the period", examples=[["S004-06", "S004-08"]])
    day_rules: list[str] = Field(description="Ids of the rules behind the days of the month", examples=[["S004-07"]])


class WindowOut(SchemeWindowOut):
    """When a bill can be paid."""

    opens_on: date = Field(alias="from", description="First day, inclusive", examples=["2030-09-01"])
    closes_on: date = Field(alias="to", description="Last day, inclusive", examples=["2030-12-25"])
