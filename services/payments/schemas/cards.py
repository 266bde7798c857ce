"""Card terminals at the counters, and card sales that are taken back."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.problem import ProblemType

from ..rules.cards import CardState
from .fields import Body, PoolField, RegionField

TerminalNo = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z]{1,8}$", description="Terminal number (终端号)", examples=["14000123"])
]
BatchNo = Annotated[
    str, Field(pattern=r"^[0-9]{6}$", description="The terminal's batch (批次号), on the slip", examples=["000117"])
]
TraceNo = Annotated[
    str, Field(pattern=r"^[0-9]{6}$", description="Trace number (凭证号), on the slip", examples=["004211"])
]


class TerminalRegistration(Body):
    """A card terminal of a counter."""

    pool: PoolField
    terminal_no: TerminalNo
    shop_no: str = Field(
        pattern=r"^[0-9A-Za-z]{15}$",
        description="The acquirer's shop number (商户号)",
        examples=["898990101000101"],
    )
    counter_code: str = Field(
        pattern=r"^[A-Z0-9]{2,20}$", description="The counter at which it stands", examples=["TAXHALL01"]
    )
    region: RegionField


class TerminalWithdrawal(Body):
    """Take a terminal out of use."""

    pool: PoolField


class Terminal(BaseModel):
    """A card terminal."""

    pool: PoolField
    terminal_no: str = Field(description="Terminal number", examples=["14000123"])
    shop_no: str = Field(description="The acquirer's number of the shop", examples=["898990101000101"])
    counter_code: str = Field(description="The counter at which it stands", examples=["TAXHALL01"])
    region: RegionField
    registered_by: str = Field(description="Who registered it (`sub`)", examples=["officer-li"])
    registered_at: datetime = Field(description="Business instant", examples=["2021-08-30T09:00:00+08:00"])
    withdrawn_at: datetime | None = Field(description="Business instant; null while in use", examples=[None])


class TerminalPage(BaseModel):
    """A page of terminals."""

    items: list[Terminal] = Field(description="Terminals by number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[None])


class CardVoid(Body):
    """撤销: the terminal has taken a sale back, whole, before the acquirer settled."""

    pool: PoolField
    shift_id: UUID = Field(description="The clerk's open shift", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    terminal_no: TerminalNo
    batch_no: BatchNo
    trace_no: TraceNo
    void_trace_no: str = Field(
        pattern=r"^[0-9]{6}$", description="Trace number of the void's own slip", examples=["004212"]
    )
    voided_at: AwareDatetime = Field(
        description="When the terminal took it back", examples=["2021-12-05T10:20:00+08:00"]
    )


class CardSale(BaseModel):
    """签购单: a card sale under the name of its slip."""

    pool: PoolField
    terminal_no: str = Field(description="Terminal number", examples=["14000123"])
    batch_no: str = Field(description="Batch", examples=["000117"])
    trace_no: str = Field(description="Trace number", examples=["004211"])
    reference_no: str | None = Field(description="The acquirer's own number", examples=["109121530211"])
    shift_id: UUID = Field(description="The shift that took it", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    state: CardState = Field(description="Charged, or taken back", examples=["voided"])
    amount_fen: int = Field(description="Charged to the card, in fen", examples=[64000])
    paid_at: datetime = Field(description="When the card was charged", examples=["2021-12-05T10:00:00+08:00"])
    void_trace_no: str | None = Field(description="Trace number of the void", examples=["004212"])
    voided_at: datetime | None = Field(description="When it was taken back", examples=["2021-12-05T10:20:00+08:00"])
    voided_by: str | None = Field(description="The clerk (`sub`)", examples=["clerk-wang"])
    version: int = Field(description="Version", examples=[2])


TERMINAL_UNKNOWN = ProblemType(
    "pos_terminal_unknown",
    404,
    ("终端不存在", "No such terminal"),
    ("没有登记终端 {terminal_no}", "There is no terminal {terminal_no}"),
)
TERMINAL_REGISTERED = ProblemType(
    "pos_terminal_registered",
    409,
    ("终端已登记", "The terminal is registered"),
    (
        "终端 {terminal_no} 已登记在窗口 {counter_code}，请先停用",
        "Terminal {terminal_no} stands at {counter_code}; take it out of use there first",
    ),
)
SALE_UNKNOWN = ProblemType(
    "pos_sale_unknown",
    404,
    ("没有这笔刷卡", "No such card sale"),
    (
        "没有终端 {terminal_no} 批次 {batch_no} 凭证号 {trace_no} 的刷卡记录，请核对签购单",
        "There is no sale {trace_no} of batch {batch_no} at terminal {terminal_no}; look at the slip",
    ),
)
SLIP_USED = ProblemType(
    "pos_slip_used",
    409,
    ("签购单已使用", "The slip was used before"),
    (
        "终端 {terminal_no} 批次 {batch_no} 凭证号 {trace_no} 已登记为另一笔缴费，请核对签购单",
        "Slip {trace_no} of batch {batch_no} at terminal {terminal_no} stands for another payment; look at it",
    ),
)
VOID_TOO_LATE = ProblemType(
    "void_too_late",
    409,
    ("已过撤销时间", "Too late for a void"),
    (
        "刷卡只能在当日本班次内撤销；班次已结或已过当日的，请申请退费，按退货退回原卡",
        "A card sale is voided on its day and in its shift; afterwards money goes back to the card as a refund",
    ),
)
VOIDED_BEFORE = ProblemType(
    "pos_sale_voided",
    409,
    ("已撤销", "It was voided before"),
    (
        "这笔刷卡已由凭证号 {void_trace_no} 撤销，款已退回原卡；仍要缴费的请重新刷卡，按新签购单登记",
        "The sale was taken back by slip {void_trace_no}, its money is back on the card; to pay, charge it anew",
    ),
)
VOID_TRACE_USED = ProblemType(
    "void_trace_used",
    409,
    ("撤销凭证号已使用", "The void's slip was used before"),
    (
        "凭证号 {void_trace_no} 已用于另一笔，请核对撤销签购单",
        "Slip {void_trace_no} stands for something else; look at the void's slip",
    ),
)
