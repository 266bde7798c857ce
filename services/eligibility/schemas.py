"""The wire of eligibility: requests, answers, event bodies and problems."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.codes import Status
from shared.problem import ProblemType
from shared.regions import POOL_PATTERN, REGION_PATTERN

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"
_FEED_ID = "0192f0c4-0000-7c3e-8a55-3f1f7f1b2a01"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

FEED_UNKNOWN = ProblemType(
    "feed_unknown",
    404,
    ("数据批次不存在", "No such feed"),
    ("没有数据批次 {feed_id}，请核对编号", "There is no feed {feed_id}; check the identifier"),
)
FEED_UNREADABLE = ProblemType(
    "feed_unreadable",
    422,
    ("文件无法读取", "The file cannot be read"),
    ("文件无法读取：{reason}", "The file cannot be read: {reason}"),
)
FEED_NOT_TAKEN = ProblemType(
    "feed_not_taken",
    409,
    ("数据批次仍在审核", "The feed is still being judged"),
    (
        "已审核 {done}/{total} 行，请稍后再取退回行",
        "{done} of {total} rows are judged; ask for the rejected rows later",
    ),
)
SUPPLIER_UNKNOWN = ProblemType(
    "supplier_unknown",
    422,
    ("数据提供部门未登记", "No such supplier"),
    ("没有数据提供部门 {supplier}，应为：{known}", "There is no supplier {supplier}; known are: {known}"),
)
PERSON_UNKNOWN = ProblemType(
    "person_unknown",
    404,
    ("查无此人", "No such person"),
    (
        "系统中没有此人（{count} 人），请核对证件号码或人员编号",
        "{count} person(s) are not in the register; check the numbers",
    ),
)

PoolCode = Annotated[
    str, Field(pattern=POOL_PATTERN, description="Pooling area, six-digit division code", examples=["140522"])
]
RegionCode = Annotated[str, Field(pattern=REGION_PATTERN)]


class Request(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Feed(BaseModel):
    """One handed-over version of a department's list."""

    feed_id: UUID = Field(description="Identifier of the feed", examples=[_FEED_ID])
    pool: PoolCode
    supplier: str = Field(description="Department that handed the list over", examples=["civil_affairs"])
    file_name: str = Field(description="Name of the file as it came", examples=["低保花名2021-08.xlsx"])
    sha256: str = Field(description="SHA-256 of the file, hex", examples=[_SHA256])
    size_bytes: int = Field(description="Size of the file, bytes", examples=[20480])
    state: Literal["received", "taken"] = Field(
        description="received: kept, its rows are being judged; taken: every row is judged", examples=["taken"]
    )
    rows_total: int = Field(description="Rows in the list, empty ones not counted", examples=[120])
    rows_accepted: int = Field(description="Rows taken in so far", examples=[117])
    rows_rejected: int = Field(description="Rows that go back so far", examples=[3])
    received_at: datetime = Field(description="Business instant of receipt", examples=["2021-08-18T09:00:00+08:00"])
    taken_at: datetime | None = Field(
        description="Business instant at which the last row was judged; null before",
        examples=["2021-08-18T09:00:04+08:00"],
    )


class FeedPage(BaseModel):
    """A page of feeds."""

    items: list[Feed] = Field(description="Feeds in the order they came", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])


class DocumentIn(Request):
    """The document that names a person."""

    type: Literal["resident_id"] = Field(description="Kind of document", examples=["resident_id"])
    number: str = Field(
        max_length=40,
        description="Number as written; blanks and a lower-case x are fine",
        examples=["11010519491231002X"],
    )


class DocumentOut(BaseModel):
    """The document that names a person, its number masked unless the token has `persons:full`."""

    type: Literal["resident_id"] = Field(description="Kind of document", examples=["resident_id"])
    number: str = Field(description="Number, masked without the scope `persons:full`", examples=["1101************2X"])


class ResolveItem(Request):
    """One person of a roster."""

    row: int = Field(ge=0, description="The caller's own number for this person", examples=[2])
    name: str = Field(max_length=100, description="Name as written", examples=["张三"])
    document: DocumentIn = Field(
        description="The document shown", examples=[{"type": "resident_id", "number": "11010519491231002X"}]
    )
    hukou: RegionCode | None = Field(
        None, description="Declared place of the hukou, 6, 9 or 12 digits", examples=["140522108200"]
    )
    residence: RegionCode | None = Field(
        None, description="Declared residence, 6, 9 or 12 digits", examples=["140522108200"]
    )


class ResolveRequest(Request):
    """Persons to find, or to record where the register does not know them."""

    pool: PoolCode
    items: list[ResolveItem] = Field(min_length=1, max_length=1000, description="1 to 1,000 persons", examples=[[]])


class Reason(BaseModel):
    """Why a person was refused."""

    code: str = Field(description="Stable code of the fault", examples=["name_differs"])
    detail: str = Field(description="What is wrong, for the clerk", examples=["姓名与已登记的姓名不一致"])


class PersonFacts(BaseModel):
    """What the register knows about a person, besides name and number."""

    birth_date: date | None = Field(description="Day of birth", examples=["1949-12-31"])
    sex: Literal["male", "female"] | None = Field(description="Sex, as the number says", examples=["female"])
    hukou: str | None = Field(
        description="Place of the hukou by the public-security register, 12 digits; null where it has told nothing",
        examples=["140522108200"],
    )
    hukou_since: date | None = Field(
        description="Day since when the hukou is there; null: since birth, or not known", examples=[None]
    )
    deceased_on: date | None = Field(description="Day of death; null for the living", examples=[None])


class Resolved(PersonFacts):
    """Whom an item means."""

    row: int = Field(description="The caller's own number for this person", examples=[2])
    outcome: Literal["matched", "created", "refused"] = Field(
        description="matched: known before; created: recorded now; refused: see reasons", examples=["matched"]
    )
    person_id: UUID | None = Field(description="Identifier of the person; null where refused", examples=[_ID])
    reasons: list[Reason] = Field(description="Every fault of a refused item", examples=[[]])


class ResolveAnswer(BaseModel):
    """The persons, in the order they were asked for."""

    items: list[Resolved] = Field(description="One entry per item", examples=[[]])


class LookupRequest(Request):
    """Whom does this document name?"""

    pool: PoolCode
    document: DocumentIn = Field(
        description="The document shown", examples=[{"type": "resident_id", "number": "11010519491231002X"}]
    )


class Person(PersonFacts):
    """A person of the register."""

    person_id: UUID = Field(description="Identifier of the person", examples=[_ID])
    name: str = Field(description="Name", examples=["张三"])
    document: DocumentOut = Field(
        description="The document that names the person",
        examples=[{"type": "resident_id", "number": "1101************2X"}],
    )
    version: int = Field(description="Version of the record, as in ETag", examples=[1])


class Evidence(BaseModel):
    """The row of a department's list on which a status rests."""

    supplier: str = Field(description="Department that states it", examples=["civil_affairs"])
    feed_id: UUID = Field(description="The list", examples=[_FEED_ID])
    row: int = Field(description="Row of the list; the header is row 1", examples=[17])
    sha256: str = Field(description="SHA-256 of the list, hex", examples=[_SHA256])


class StatusFact(BaseModel):
    """A status that holds on the day asked for."""

    code: Status = Field(description="Which status", examples=["dibao"])
    grade: int | None = Field(description="Grade of a disability, 1 (heaviest) to 4; else null", examples=[None])
    school_region: str | None = Field(
        description="Where a student's school lies, 6 to 12 digits; else null", examples=[None]
    )
    identified_on: date = Field(description="First day on which it holds", examples=["2021-03-01"])
    valid_to: date | None = Field(description="Last day on which it holds; null: until further notice", examples=[None])
    evidence: Evidence = Field(
        description="What it rests on",
        examples=[{"supplier": "civil_affairs", "feed_id": _FEED_ID, "row": 17, "sha256": _SHA256}],
    )


class PersonStatuses(BaseModel):
    """The statuses of one person."""

    person_id: UUID = Field(description="Identifier of the person", examples=[_ID])
    statuses: list[StatusFact] = Field(description="Statuses that hold on the day; none: an empty list", examples=[[]])


class StatusAnswer(BaseModel):
    """The statuses of persons as of one day."""

    as_of: date | None = Field(
        description="The day answered for; null where every day was asked for", examples=["2021-12-05"]
    )
    items: list[PersonStatuses] = Field(description="One entry per person asked for, in that order", examples=[[]])


class StatusQuery(Request):
    """Which statuses do these persons hold on a day, or on any?"""

    pool: PoolCode
    as_of: date | None = Field(
        None, description="Day in question; null: today in Asia/Shanghai", examples=["2021-12-05"]
    )
    every_day: bool = Field(
        False, description="Instead of a day: every status with its days, past and future ones too", examples=[False]
    )
    person_ids: list[UUID] = Field(min_length=1, max_length=10_000, description="1 to 10,000 persons", examples=[[_ID]])

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.every_day and self.as_of is not None:
            raise ValueError("`as_of` is not given with `every_day`")
        return self


class StatusNews(BaseModel):
    """Body of the events `status.granted` and `status.withdrawn`."""

    status_id: UUID = Field(description="Identifier of the status", examples=[_ID])
    person_id: UUID = Field(description="Whose status", examples=[_ID])
    code: Status = Field(description="Which status", examples=["dibao"])
    grade: int | None = Field(description="Grade of a disability, else null", examples=[None])
    school_region: str | None = Field(description="Where a student's school lies, else null", examples=[None])
    identified_on: date = Field(description="First day on which it holds", examples=["2021-03-01"])
    valid_to: date | None = Field(description="Last day on which it holds; null: until further notice", examples=[None])
    supplier: str = Field(description="Department that states it", examples=["civil_affairs"])
    feed_id: UUID = Field(description="The list", examples=[_FEED_ID])
    row: int = Field(description="Row of the list; the header is row 1", examples=[17])
