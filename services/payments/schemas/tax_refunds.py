"""What the tax bureau says of an application to pay money back. Its own shape, not part of our API."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class TaxRefund(BaseModel):
    """An application as the bureau knows it; `document_no` is its own number, `reason` why it was refused."""

    model_config = ConfigDict(extra="ignore")

    refund_no: str = Field(max_length=64)
    state: Literal["accepted", "settled", "refused"]
    document_no: str | None = None
    reason: str | None = None
    settled_at: AwareDatetime | None = None
