"""Dry runs: what a package would change for everybody who is enrolled in a scheme."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from .fields import EXAMPLE_ID, EXAMPLE_VERSION, AnswerBody, InstantOut, LineOut, Name, ReasonOut, RequestBody, SpanOut

Effect = Literal["pays_more", "pays_less", "pays_the_same", "refused"]


class DryRunRequest(RequestBody):
    """Whose people a package is tried on."""

    against: Name | None = Field(
        default=None,
        description="Scheme of the same pool whose people are judged, such as last year's; null: the package's own."
        " From another year they come as renewing, on the first day on which they can pay",
        examples=["example-2030"],
    )


class DryRunSum(AnswerBody):
    """What one payer pays for one group, before and after.

    Groups go by the kind of enrolment and by the status that helps.
    """

    kind: str = Field(description="new, renewal or newborn", examples=["renewal"])
    helped_as: str | None = Field(description="Status that helps; null: nobody helps", examples=["dibao"])
    payer: str = Field(description="Payer code", examples=["medical_assistance_fund"])
    persons_before: int = Field(description="Persons for whom this payer pays now", examples=[120])
    before_fen: int = Field(description="What the payer pays for them by their assessments, fen", examples=[3240000])
    persons_after: int = Field(description="Persons for whom it would pay", examples=[120])
    after_fen: int = Field(description="What it would pay, fen", examples=[3360000])


class DryRunRefusal(AnswerBody):
    """How many who are enrolled would be refused for a reason; one with two reasons counts under both."""

    code: str = Field(description="Stable code of the reason", examples=["no_local_tie"])
    persons: int = Field(description="Persons", examples=[3])


class DryRunOut(AnswerBody):
    """A package over the people of a scheme, and how far it has come."""

    run_id: UUID = Field(description="Identifier of the dry run", examples=[EXAMPLE_ID])
    pool: str = Field(description="Pooling area", examples=["990101"])
    scheme: str = Field(description="Scheme whose people are judged", examples=["example-2031"])
    package_scheme: str = Field(description="Scheme of the package", examples=["example-2031"])
    package: str = Field(description="Version of the package", examples=[EXAMPLE_VERSION])
    state: Literal["running", "done", "cancelled"] = Field(description="done: everybody was judged", examples=["done"])
    persons_total: int = Field(description="Persons enrolled when it was started", examples=[1200])
    persons_done: int = Field(description="Of them judged until now", examples=[1200])
    persons_changed: int = Field(description="Of them assessed otherwise", examples=[31])
    persons_refused: int = Field(description="Of them newly refused", examples=[2])
    started_by: str = Field(description="Person who started it", examples=["agency-officer-a"])
    started_at: InstantOut = Field(description="Business instant", examples=["2030-08-30T14:00:00+08:00"])
    ended_at: InstantOut | None = Field(description="Business instant", examples=["2030-08-30T14:01:00+08:00"])
    version: int = Field(description="Raised with each change", examples=[4])


class DryRunSummary(DryRunOut):
    """A dry run with its sums, as far as it has come."""

    sums: list[DryRunSum] = Field(description="By group and payer", examples=[[]])
    refusals: list[DryRunRefusal] = Field(description="By reason", examples=[[]])


class DryRunPage(AnswerBody):
    """A page of dry runs."""

    items: list[DryRunOut] = Field(description="In the order in which they were started", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])


class DryRunAssessment(AnswerBody):
    """What is due for a person, and who pays it."""

    standard_fen: int = Field(description="The whole that is due, fen", examples=[30000])
    payable_fen: int = Field(description="The person's own part, fen", examples=[3000])
    lines: list[LineOut] = Field(description="Who pays which part", examples=[[]])
    cover: SpanOut | None = Field(description="Covered days; null where the notice states none", examples=[None])


class DryRunChange(AnswerBody):
    """Somebody whom the package would change."""

    enrolment_id: UUID = Field(description="The enrolment", examples=[EXAMPLE_ID])
    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    unit_code: str = Field(description="Unit", examples=["990101102203"])
    kind: str = Field(description="new, renewal or newborn", examples=["renewal"])
    paid: bool = Field(description="Whether the person has paid", examples=[False])
    effect: Effect = Field(
        description="pays_the_same: others pay otherwise, or cover differs; refused: newly", examples=["pays_more"]
    )
    before: DryRunAssessment = Field(description="By the assessment in force", examples=[None])
    after: DryRunAssessment | None = Field(description="By the package; null where refused", examples=[None])
    reasons: list[ReasonOut] = Field(description="Why the person would be refused", examples=[[]])


class DryRunChangePage(AnswerBody):
    """A page of those whom the package would change."""

    items: list[DryRunChange] = Field(description="In the order in which they enrolled", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])
