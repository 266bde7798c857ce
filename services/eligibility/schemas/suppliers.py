"""The wire of suppliers: what each may assert, what a pool has agreed with it, and how it stands today."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field, field_validator, model_validator

from shared.codes import Status
from shared.signatures import ed25519_key

from .fields import Request


class Agreement(Request):
    """What a pool has agreed with a department."""

    contact: str | None = Field(
        None, max_length=200, description="Whom to call when a list is late or wrong", examples=["救助股 0000-0000000"]
    )
    first_due_on: date | None = Field(
        None, description="By when the first list must come; null: whenever there is something", examples=["2021-08-20"]
    )
    every_months: int | None = Field(
        None, ge=1, le=12, description="Months from one list to the next; null: no more", examples=[1]
    )
    stale_after_days: int | None = Field(
        None, ge=1, le=3660, description="Days after which the last list is no longer relied upon", examples=[62]
    )

    @model_validator(mode="after")
    def _repeats_from_a_day(self) -> Self:
        if self.every_months is not None and self.first_due_on is None:
            raise ValueError("`every_months` needs `first_due_on`")
        return self


class WantingList(BaseModel):
    """A full list of which some parts have not come: it ends nothing until they are here."""

    list_id: str = Field(description="The supplier's name of the list", examples=["低保-2021-08"])
    list_day: date = Field(description="Day as of which the list speaks", examples=["2021-08-18"])
    parts: int = Field(description="How many parts it has", examples=[3])
    missing: list[int] = Field(description="The parts that have not come", examples=[[2]])


class Supplier(BaseModel):
    """A department, what it may assert, what was agreed with it and how it stands today."""

    supplier: str = Field(description="Code of the department", examples=["civil_affairs"])
    name: str = Field(description="Name of the department", examples=["民政部门"])
    asserts: list[Status] = Field(description="The statuses that it may assert", examples=[["dibao"]])
    tells_hukou: bool = Field(description="Whether it tells where the hukou lies", examples=[False])
    headings: list[str] = Field(description="Columns its list must have", examples=[["姓名", "身份证号"]])
    words: list[str] = Field(
        description="The words of its list; empty: every row asserts the same", examples=[["低保", "特困"]]
    )
    shrink_percent: int | None = Field(
        description="A full list that ends more of its statuses than this waits for a second person; null: it hands "
        "over changes only",
        examples=[10],
    )
    contact: str | None = Field(description="Whom to call when a list is late or wrong", examples=[None])
    first_due_on: date | None = Field(description="By when the first list must come", examples=["2021-08-20"])
    every_months: int | None = Field(description="Months from one list to the next", examples=[1])
    stale_after_days: int | None = Field(
        description="Days after which the last list is no longer relied upon", examples=[62]
    )
    last_list_day: date | None = Field(description="Day of the latest list that counts", examples=["2021-08-18"])
    last_received_at: datetime | None = Field(
        description="Business instant at which a list came last", examples=["2021-08-18T09:00:00+08:00"]
    )
    next_due_on: date | None = Field(description="By when the next list must come", examples=["2021-09-20"])
    overdue: bool = Field(description="Whether that day has passed", examples=[False])
    stale: bool = Field(description="Whether the last list is no longer relied upon", examples=[False])
    wanting: list[WantingList] = Field(description="Lists of which parts are missing", examples=[[]])
    version: int = Field(description="Version of the agreement, as in ETag", examples=[1])


class Suppliers(BaseModel):
    """All departments."""

    items: list[Supplier] = Field(description="One entry per department", examples=[[]])


_PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
    "-----END PUBLIC KEY-----\n"
)
_KEY_ID = Field(
    min_length=1,
    max_length=100,
    pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$",
    description="Name of the key, `keyid` of its signatures; once in a pool",
    examples=["civil-affairs-1"],
)


class SupplierKeyAdded(Request):
    """A key with which a supplier's own system signs."""

    key_id: str = _KEY_ID
    public_key: str = Field(max_length=2000, description="Ed25519 public key, PEM", examples=[_PEM])

    @field_validator("public_key")
    @classmethod
    def _is_a_key(cls, pem: str) -> str:
        ed25519_key("given", pem)
        return pem


class SupplierKey(BaseModel):
    """A key with which a supplier's own system signs, or did."""

    key_id: str = _KEY_ID
    supplier: str = Field(description="Whose key", examples=["civil_affairs"])
    public_key: str = Field(description="Ed25519 public key, PEM", examples=[_PEM])
    added_by: str = Field(description="Who recorded it", examples=["u-17"])
    added_at: datetime = Field(description="Business instant of that", examples=["2021-08-18T09:00:00+08:00"])
    revoked_by: str | None = Field(description="Who revoked it; null: it is valid", examples=[None])
    revoked_at: datetime | None = Field(description="Business instant of that", examples=[None])


class SupplierKeys(BaseModel):
    """All keys of a supplier."""

    items: list[SupplierKey] = Field(description="In the order in which they came", examples=[[]])
