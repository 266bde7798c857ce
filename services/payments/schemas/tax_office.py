"""What the tax bureau was told of bills, and event ids of its that came with another content."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from shared.problem import ProblemType

from ..rules.tax_assessments import TaxLineKind, TaxLineState
from .fields import Body, PoolField

ASSESSMENT_NOT_REFUSED = ProblemType(
    "tax_assessment_not_refused",
    409,
    ("核定没有被退回", "Not refused"),
    (
        "应缴单 {bill_no} 没有被税务局退回的核定，无需重推",
        "The bureau has refused no assessment of {bill_no}; there is nothing to push again",
    ),
)
CONFLICT_UNKNOWN = ProblemType(
    "tax_conflict_unknown",
    404,
    ("没有这样的冲突", "No such conflict"),
    (
        "事件号 {event_id} 没有待说明的不同内容",
        "Nothing of event id {event_id} is to be explained",
    ),
)


class TaxAssessment(BaseModel):
    """核定推送: what the tax bureau was told last of a bill, and what it said."""

    pool: PoolField
    bill_no: str = Field(description="The bill", examples=["9901017QK3M9Z5T2WB8XCD"])
    bill_version: int = Field(description="Version of the bill that it was told", examples=[1])
    batch_no: str = Field(description="Number of the batch", examples=["9901010000000001"])
    line_no: int = Field(description="Number of the line; with the batch its key", examples=[1])
    kind: TaxLineKind = Field(description="`save`: collect this; `cancel`: do not any more", examples=["save"])
    amount_fen: int = Field(description="Amount in fen", examples=[30000])
    state: TaxLineState = Field(
        description="`waiting` for the bureau; `kept`; `refused` with its reason; `repeated`: goes again",
        examples=["refused"],
    )
    reason: str | None = Field(description="Why it was refused, in the bureau's words", examples=["参保人未登记"])


class TaxAssessmentPage(BaseModel):
    """A page of what the bureau was told."""

    items: list[TaxAssessment] = Field(description="By bill", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["9901017QK3M9Z5T2WB8XCD"])


class TaxAssessmentRepeat(Body):
    """Push a refused line again: what was wrong has been mended on the bureau's side."""

    pool: PoolField
    note: str = Field(min_length=1, max_length=500, description="What was mended", examples=["税务局已补登记"])


class TaxConflict(BaseModel):
    """An event id that came with another content than its first; the first stands, the others were refused."""

    pool: PoolField
    event_id: str = Field(description="The bureau's id", examples=["TAX-20211205-000001"])
    collection_id: UUID | None = Field(
        description="What the first content became", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"]
    )
    times: int = Field(description="How often other contents came", examples=[1])
    said: list[dict[str, Any]] = Field(description="What they said", examples=[[]])
    first_at: datetime = Field(description="When the first of them came", examples=["2021-12-05T10:00:00+08:00"])
    last_at: datetime = Field(description="When the last of them came", examples=["2021-12-05T10:00:00+08:00"])
    explained_by: str | None = Field(description="Who explained it (`sub`)", examples=[None])
    explained_at: datetime | None = Field(description="When", examples=[None])
    note: str | None = Field(description="What was behind it", examples=[None])


class TaxConflictPage(BaseModel):
    """A page of conflicts."""

    items: list[TaxConflict] = Field(description="By event id", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["TAX-20211205-000001"])


class TaxConflictExplanation(Body):
    """Say what was behind an event id's other contents; the alarm ends."""

    pool: PoolField
    note: str = Field(
        min_length=1, max_length=500, description="What the bureau said", examples=["税务局确认首次报文金额正确"]
    )
