"""Kinds of fields that several bodies share: each takes the form of the contract and nothing that resembles it."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.regions import POOL_PATTERN, REGION_PATTERN

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_INSTANT = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$")
UUID_OR_EMPTY = r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$"


class Request(BaseModel):
    """A request body: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Answer(BaseModel):
    """An answer body."""

    model_config = ConfigDict(populate_by_name=True)


def _day_text(value: Any) -> Any:
    # A number would pass for a day since 1970, and an instant for its day: neither is a day of the contract.
    if isinstance(value, str) and not _DAY.match(value):
        raise PydanticCustomError("date_parsing", "应为日期 YYYY-MM-DD")
    if not isinstance(value, str | date) or isinstance(value, datetime):
        raise PydanticCustomError("date_type", "应为日期 YYYY-MM-DD")
    return value


def _instant_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.match(value):
        raise PydanticCustomError("timezone_aware", "应为带时区的时刻，例如 2030-12-20T09:00:00+08:00")
    return value


Day = Annotated[date, BeforeValidator(_day_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant_text)]
RegionCode = Annotated[str, StringConstraints(strict=True, pattern=REGION_PATTERN)]
PoolCode = Annotated[str, StringConstraints(strict=True, pattern=POOL_PATTERN)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200)]
UnitCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z_-]{1,32}$")]


class SpanOut(Answer):
    """An unbroken span of days."""

    starts_on: date = Field(alias="from", description="First day, inclusive", examples=["2031-01-01"])
    ends_on: date = Field(alias="to", description="Last day, inclusive", examples=["2031-12-31"])


class ReasonOut(Answer):
    """One reason of a refusal."""

    code: str = Field(description="Stable code of the reason", examples=["closed_day"])
    detail: str = Field(description="The reason in Chinese", examples=["每月1日至25日可办理缴费，2030-09-26不能缴费"])
    rules: list[str] = Field(description="Ids of the notice's rules behind it", examples=[["S004-07"]])


class LineOut(Answer):
    """Who pays a part of the standard."""

    payer: str = Field(description="Payer code", examples=["medical_assistance_fund"])
    amount_fen: int = Field(description="Amount of this payer, fen", examples=[27000])
    status: str | None = Field(
        description="Status because of which this payer pays; null on an ordinary line", examples=["dibao"]
    )
    rules: list[str] = Field(description="Ids of the rules behind the line", examples=[["S004-14", "S004-15"]])


class NotAppliedOut(Answer):
    """A given status that gave nothing here."""

    status: str = Field(description="Status code", examples=["dibao"])
    amount_fen: int = Field(description="What this status alone would have given, fen; 0 if nothing", examples=[27000])
    reason: str = Field(
        description="one_subsidy_only, not_yet_identified, not_in_scheme, grade_not_covered, expired, not_local"
        " or condition_not_met",
        examples=["one_subsidy_only"],
    )
    rules: list[str] = Field(description="Ids of the rules behind it", examples=[["S004-18"]])


class WindowOut(Answer):
    """When payment is taken."""

    opens_on: date = Field(alias="from", description="First day of the period, inclusive", examples=["2030-09-01"])
    closes_on: date = Field(alias="to", description="Last day of the period, inclusive", examples=["2030-12-25"])
    first_day: int = Field(description="First day of each month on which payment is taken", examples=[1])
    last_day: int = Field(description="Last day of each month on which payment is taken", examples=[25])
