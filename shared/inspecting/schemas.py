"""The wire of audit lines and its problems."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from ..problem import ProblemType

EXPORT_LIMIT = 50_000
"""The most lines of one table: what a clerk's program opens at ease."""
SHOWN_PERSONS = 20
"""So many persons of a line stand in a list; the line by itself has all."""

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a40"

AUDIT_LINE_UNKNOWN = ProblemType(
    "audit_line_unknown",
    404,
    ("审计记录不存在", "There is no such audit line"),
    ("{pool} 没有第 {seq} 号审计记录，请核对统筹区与序号", "{pool} has no audit line {seq}; check pool and number"),
)
EXPORT_TOO_LARGE = ProblemType(
    "export_too_large",
    422,
    ("导出内容过多", "Too much to export"),
    (
        "符合条件的记录超过 {limit} 条，请缩短时间范围或增加查询条件",
        "More than {limit} lines match; narrow the time or name a person or actor",
    ),
)


class AuditLine(BaseModel):
    """Who did what to whom. Lines are numbered without gaps in the order of their commits, each with a hash over the
    one before (`make verify` re-reads them)."""

    seq: int = Field(description="Number of the line in its pool", examples=[1042])
    occurred_at: datetime = Field(description="Business instant", examples=["2021-12-05T10:00:00+08:00"])
    action: str = Field(description="What was done: noun and participle", examples=["person.read"])
    client_id: str = Field(description="Application through which", examples=["county-hall"])
    actor: str = Field(description="Person who acted, or the service where a job did", examples=["wang"])
    persons_count: int = Field(description="How many persons it concerned", examples=[1])
    persons: list[UUID] = Field(
        description=f"The persons; in a list the first {SHOWN_PERSONS} and the one that was asked for", examples=[[_ID]]
    )
    detail: dict[str, Any] = Field(
        description="What was asked or changed, without personal data", examples=[{"as_of": "2021-12-05"}]
    )


class AuditLinePage(BaseModel):
    """Some audit lines, the earliest first."""

    items: list[AuditLine] = Field(description="At most `limit` lines", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=["1042"])
