"""Fields that stand in many bodies, and the identifiers that examples show."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.regions import POOL_PATTERN, REGION_PATTERN

ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"
FEED_ID = "0192f0c4-0000-7c3e-8a55-3f1f7f1b2a01"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

PoolCode = Annotated[
    str, Field(pattern=POOL_PATTERN, description="Pooling area, six-digit division code", examples=["990101"])
]
RegionCode = Annotated[str, Field(pattern=REGION_PATTERN)]


class Request(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
