"""Fields that stand in many bodies. Amounts are fen."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.regions import POOL_PATTERN, REGION_PATTERN

PoolField = Annotated[str, Field(pattern=POOL_PATTERN, description="Pooling area (统筹区)", examples=["990101"])]
RegionField = Annotated[
    str, Field(pattern=REGION_PATTERN, description="Division code, 6, 9 or 12 digits", examples=["990101102"])
]
BillNo = Annotated[
    str,
    Field(
        min_length=7,
        max_length=32,
        description="Bill number; begins with the pool",
        examples=["9901017QK3M9Z5T2WB8XCD"],
    ),
]
PositiveFen = Annotated[int, Field(strict=True, gt=0, le=10**12, description="Amount in fen", examples=[30000])]

SchemeNamed = Annotated[
    str | None,
    Field(
        pattern=r"^[0-9a-z-]{1,60}$",
        description="Scheme that the payer means to pay for (险种); a bill of another one is not paid by it",
        examples=["example-2031"],
    ),
]


class Body(BaseModel):
    """A request body: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
