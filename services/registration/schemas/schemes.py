"""Packages as handed in, and schemes as published."""

from datetime import date
from typing import Literal

from pydantic import Field

from .fields import EXAMPLE_SPAN, EXAMPLE_WINDOW, AnswerBody, InstantOut, SpanOut, WindowOut


class PackageOut(AnswerBody):
    """One version of a scheme's package."""

    scheme: str = Field(description="Scheme code", examples=["example-2031"])
    pool: str = Field(description="Pooling area", examples=["990101"])
    version: str = Field(
        description="`sha256:` and the hash of the content; comments and order do not count",
        examples=["sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"],
    )
    state: Literal["draft", "published"] = Field(
        description="A published version never changes; a correction is a new version", examples=["draft"]
    )
    benefit_year: int = Field(description="Calendar year of the benefits", examples=[2031])
    title: str = Field(description="Name of the scheme", examples=["示例县2031年度城乡居民基本医疗保险"])
    drafted_by: str = Field(description="Person who handed the draft in", examples=["agency-officer-a"])
    drafted_at: InstantOut = Field(description="Business instant of the draft", examples=["2030-08-30T14:00:00+08:00"])
    published_by: str | None = Field(description="Another person, who published it", examples=["agency-officer-b"])
    published_at: InstantOut | None = Field(
        description="Business instant of publication", examples=["2030-08-30T15:00:00+08:00"]
    )


class RefundRules(AnswerBody):
    """When and why money may be asked back."""

    window_from: date = Field(description="First day on which a refund may be asked for", examples=["2030-09-01"])
    window_to: date = Field(description="Last day, inclusive; every day between counts", examples=["2030-12-25"])
    grounds: list[str] = Field(description="Grounds on which money is paid back", examples=[["paid_twice"]])
    rules: dict[str, list[str]] = Field(
        description="Ids of the rules behind `outside_window` and behind each ground",
        examples=[{"outside_window": ["S004-30", "S004-32"], "paid_twice": ["S004-29", "S004-31", "S004-33"]}],
    )
    person_decides: list[str] = Field(
        description="Grounds on which a person decides what the system finds after the last day",
        examples=[["status_recognised"]],
    )


class SchemeOut(AnswerBody):
    """A published scheme: its newest version in the words that other services need."""

    scheme: str = Field(description="Scheme code", examples=["example-2031"])
    pool: str = Field(description="Pooling area", examples=["990101"])
    benefit_year: int = Field(description="Calendar year of the benefits", examples=[2031])
    version: str = Field(
        description="Version in force",
        examples=["sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"],
    )
    title: str = Field(description="Name of the scheme", examples=["示例县2031年度城乡居民基本医疗保险"])
    window: WindowOut = Field(description="When payment is taken", examples=[EXAMPLE_WINDOW])
    cover: SpanOut = Field(description="Days on which benefits are due", examples=[EXAMPLE_SPAN])
    refund: RefundRules | None = Field(description="Refund rules; null where the notice gives none", examples=[None])
    published_at: InstantOut = Field(
        description="Business instant of publication", examples=["2030-08-30T15:00:00+08:00"]
    )


class SchemePage(AnswerBody):
    """A page of schemes."""

    items: list[SchemeOut] = Field(description="Schemes by code", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=["example-2031"])
