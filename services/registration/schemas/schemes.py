"""Packages as handed in, and schemes as published."""

from datetime import date
from typing import Literal

from pydantic import Field

from .cases import Note
from .fields import (
    EXAMPLE_SPAN,
    EXAMPLE_VERSION,
    EXAMPLE_WINDOW,
    AnswerBody,
    Day,
    InstantOut,
    RequestBody,
    SchemeWindowOut,
    SpanOut,
)

_CORRECTED = "sha256:9c5d0a7be7f2f0c2c3d07bd5e5d1f64aab9d6f3f1e1a3f8e4a7e0d0c5b6a7988"


class WarningAnswer(RequestBody):
    """What an officer says to one warning about a package."""

    pointer: str = Field(max_length=500, description="Field that the warning names", examples=["/premiums/0"])
    code: str = Field(max_length=100, description="Code of the warning", examples=["amount_open"])
    answer: Note = Field(description="Why the package is right all the same", examples=["通知未公布，待财政部门发文"])


class CorrectionReason(RequestBody):
    """Why another version of a scheme takes the place of the one in force, and from when it counts."""

    reason: Note = Field(description="What was wrong", examples=["二档资助标准录入有误，按原通知第十二条更正"])
    counts_from: Day = Field(
        description="Who paid before this day keeps what was assessed; all others are assessed anew. Not later than the"
        " day of publication",
        examples=["2030-09-01"],
    )


class PackageValidation(RequestBody):
    """The officer's word that a draft is whole: every warning answered, every correction explained."""

    answers: list[WarningAnswer] = Field(default=[], max_length=1000, description="One for each warning", examples=[[]])
    correction: CorrectionReason | None = Field(
        default=None,
        description="Required where a version of the scheme is in force, otherwise null",
        examples=[None],
    )


class PackageWithdrawal(RequestBody):
    """Why a draft is given up."""

    reason: Note = Field(description="Why; it stays with the version", examples=["方案代码填写有误"])


class WarningAnswerOut(AnswerBody):
    """A warning, and what was said to it."""

    pointer: str = Field(description="Field that the warning names", examples=["/premiums/0"])
    code: str = Field(description="Code of the warning", examples=["amount_open"])
    answer: str = Field(description="Why the package is right all the same", examples=["通知未公布，待财政部门发文"])


class ReassessmentOut(AnswerBody):
    """How far those who are enrolled have been assessed anew by a correction."""

    state: Literal["running", "done", "cancelled"] = Field(description="done: everybody has been", examples=["done"])
    persons_total: int = Field(description="Persons enrolled when the correction was published", examples=[1200])
    persons_done: int = Field(description="Of them judged until now", examples=[1200])
    persons_changed: int = Field(
        description="Of them revised, or noted where they have paid and more would be due", examples=[31]
    )
    persons_refused: int = Field(
        description="Of them those who could not join by the correction; they keep their assessment", examples=[0]
    )
    persons_left: int = Field(
        description="Of them those left to a person: a status case is open or was declined, or they have paid and would"
        " be covered on other days",
        examples=[1],
    )


class PackageOut(AnswerBody):
    """One version of a scheme's package."""

    scheme: str = Field(description="Scheme code", examples=["example-2031"])
    pool: str = Field(description="Pooling area", examples=["990101"])
    version: str = Field(
        description="`sha256:` and the hash of the content; comments and order do not count",
        examples=[EXAMPLE_VERSION],
    )
    state: Literal["draft", "validated", "published", "replaced", "withdrawn"] = Field(
        description="A published version never changes; a correction is a new version, and this one then replaced",
        examples=["draft"],
    )
    benefit_year: int = Field(description="Calendar year of the benefits", examples=[2031])
    title: str = Field(description="Name of the scheme", examples=["示例县2031年度城乡居民基本医疗保险"])
    drafted_by: str = Field(description="Person who handed the draft in", examples=["agency-officer-a"])
    drafted_at: InstantOut = Field(description="Business instant of the draft", examples=["2030-08-30T14:00:00+08:00"])
    validated_by: str | None = Field(description="Who validated it", examples=["agency-officer-a"])
    validated_at: InstantOut | None = Field(
        description="Business instant of validation", examples=["2030-08-30T14:30:00+08:00"]
    )
    answers: list[WarningAnswerOut] | None = Field(
        description="What was said to its warnings; null before it is validated", examples=[[]]
    )
    corrects: str | None = Field(description="The version whose place it takes; null for the first", examples=[None])
    correction_reason: str | None = Field(description="What was wrong with that one", examples=[None])
    counts_from: date | None = Field(
        description="Who paid before this day keeps what was assessed by the version before", examples=[None]
    )
    published_by: str | None = Field(description="Another person, who published it", examples=["agency-officer-b"])
    published_at: InstantOut | None = Field(
        description="Business instant of publication", examples=["2030-08-30T15:00:00+08:00"]
    )
    replaced_by: str | None = Field(description="The version that corrected it", examples=[_CORRECTED])
    replaced_at: InstantOut | None = Field(
        description="Business instant of that", examples=["2030-09-10T15:00:00+08:00"]
    )
    withdrawn_by: str | None = Field(description="Who gave the draft up", examples=[None])
    withdrawn_at: InstantOut | None = Field(description="Business instant of that", examples=[None])
    withdrawn_reason: str | None = Field(description="Why", examples=[None])


class PackageStanding(PackageOut):
    """One version of a scheme's package, and what its publication set going."""

    reassessment: ReassessmentOut | None = Field(
        description="Of a correction: how far those who are enrolled have been assessed anew", examples=[None]
    )


class PackagePage(AnswerBody):
    """A page of the versions of a scheme."""

    items: list[PackageOut] = Field(description="In the order in which they were drafted", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_VERSION])


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
        examples=[EXAMPLE_VERSION],
    )
    title: str = Field(description="Name of the scheme", examples=["示例县2031年度城乡居民基本医疗保险"])
    window: SchemeWindowOut = Field(description="When payment is taken", examples=[EXAMPLE_WINDOW])
    cover: SpanOut | None = Field(
        description="Days on which benefits are due; null where the notice states none", examples=[EXAMPLE_SPAN]
    )
    refund: RefundRules | None = Field(description="Refund rules; null where the notice gives none", examples=[None])
    published_at: InstantOut = Field(
        description="Business instant of publication", examples=["2030-08-30T15:00:00+08:00"]
    )


class SchemePage(AnswerBody):
    """A page of schemes."""

    items: list[SchemeOut] = Field(description="Schemes by code", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=["example-2031"])
