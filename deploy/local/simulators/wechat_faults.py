"""What can be told to a simulated WeChat Pay: what payers do, and what goes wrong."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field, field_validator

from .wechat_bills import BILL_FAULTS
from .wechat_wire import Flaw, KeyMode

PAYMENT_FAULTS = frozenset(
    {
        *("duplicate", "delay", "reorder", "lost", "late", "empty_about"),
        *("wrong_amount", "wrong_mchid", "wrong_appid", "unknown_order"),
    }
)


class Faults(BaseModel):
    """What goes wrong. Numbers count down: so many of the next calls."""

    system_error: int = 0  # 500 SYSTEM_ERROR, nothing was done
    frequency_limited: int = 0  # 429 FREQUENCY_LIMITED, nothing was done
    timeout_after_accept: int = 0  # an order or a refund is taken, the answer never comes
    user_paying: int = 0  # closing is answered 202 USER_PAYING
    late_success_after_close: int = 0  # closing is answered 204, and the payer pays all the same
    key_mode: KeyMode = "mixed"
    answers: Flaw | None = None  # what is wrong with the signatures of answers
    reorder: bool = False
    duplicate: int = 0  # every notification comes so many times more
    delay_seconds: float = 0
    refund: Literal["SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED", "NOT_ENOUGH"] = "SUCCESS"
    bill: Literal["", "creating", "wrong_hash"] = ""
    bill_address_over: int = 0  # the address of a bill is over when it is used
    statement: list[str] = Field(default=[])  # what is wrong with bills, see wechat_bills

    @field_validator("statement")
    @classmethod
    def _known(cls, faults: list[str]) -> list[str]:
        if unknown := set(faults) - BILL_FAULTS:
            raise ValueError(f"no such faults: {', '.join(sorted(unknown))}")
        return faults


class Payment(BaseModel):
    """A payer pays an order."""

    out_trade_no: str
    at: datetime | None = None
    faults: list[str] = []

    @field_validator("faults")
    @classmethod
    def _known(cls, faults: list[str]) -> list[str]:
        if unknown := set(faults) - PAYMENT_FAULTS:
            raise ValueError(f"no such faults: {', '.join(sorted(unknown))}")
        return faults


class Probe(BaseModel):
    """A notification that must be refused."""

    kind: Literal["signtest", "old", "serial", "tampered"] = "signtest"


class Fate(BaseModel):
    """What is to become of the next refund of an order."""

    out_trade_no: str
    refund: Literal["SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED"]


class RefundEnd(BaseModel):
    """What becomes of a refund."""

    out_refund_no: str
    status: Literal["SUCCESS", "ABNORMAL", "CLOSED"]


class Drawing(BaseModel):
    """Money goes from the merchant's balance to its bank account; all of it where no `amount` (fen) is named."""

    amount: int | None = None
    at: datetime | None = None
