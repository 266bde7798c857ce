"""Agents' ledgers (代收台账): devices, books, lines with both signatures, closing."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from .fields import BillNo, Body, PoolField, PositiveFen, RegionField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a08"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KEY = "C47yZTUN3laI19fZ0682rutYlEQR2AUO7sJBQs9n4JE="
_IMAGE = "oss://ledgers/990101102203/0001-payer.jpg"

_RECEIPT_NO = "V200-00000042"

LineNo = Annotated[int, Field(ge=1, le=1_000_000, description="Consecutive number in the agent's book", examples=[1])]
UnitCode = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Unit, whose receipt book is used", examples=["V200"])
]


class DeviceRegistration(Body):
    """The public key of a device on which an agent or the head of an agency signs."""

    pool: PoolField
    public_key: str = Field(
        min_length=44, max_length=44, description="Ed25519 public key, 32 bytes in base64", examples=[_KEY]
    )
    label: str = Field(min_length=1, max_length=100, description="What the owner calls it", examples=["村委会手机"])


class DeviceWithdrawal(Body):
    """Withdraw a device that is lost or given up."""

    pool: PoolField


class Device(BaseModel):
    """A registered device; once withdrawn it signs nothing new."""

    pool: PoolField
    device_id: UUID = Field(description="Identifier", examples=[_ID])
    agent: str = Field(description="Whose it is (`sub`)", examples=["agent-zhang"])
    public_key: str = Field(description="Ed25519 public key in base64", examples=[_KEY])
    label: str = Field(description="What the owner calls it", examples=["村委会手机"])
    registered_at: datetime = Field(description="Business instant", examples=["2021-08-30T09:00:00+08:00"])
    withdrawn_at: datetime | None = Field(description="Business instant of withdrawal", examples=[None])


class LedgerOpening(Body):
    """Open a ledger; the acting person becomes its agent."""

    pool: PoolField
    scheme: str = Field(pattern=r"^[0-9a-z-]{1,60}$", description="Scheme collected for", examples=["example-2031"])
    unit_code: UnitCode
    region: RegionField
    agency_name: str = Field(
        min_length=1,
        max_length=100,
        description="代办机构: the committee or bank the agent works for",
        examples=["沟底村委会"],
    )


class Proof(Body):
    """How somebody signed: an image of the signature, or a signature of a registered device; one of the two."""

    signer: str = Field(min_length=1, max_length=100, description="Who signed", examples=["王小明"])
    signed_at: AwareDatetime = Field(description="When", examples=["2021-12-05T10:00:00+08:00"])
    image_ref: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Where the image of the signature lies",
        examples=[_IMAGE],
    )
    ed25519: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Signature of the agent's registered device, in base64",
        examples=[None],
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.image_ref is None) == (self.ed25519 is None):
            raise ValueError("either `image_ref` or `ed25519` is given")
        return self


class LineSignature(Proof):
    """A signature under a line."""

    line_hash: str = Field(
        min_length=1, max_length=200, description="SHA-256 of the line's content, in hex", examples=[_HASH]
    )


class LedgerSignature(Proof):
    """The signature of the head of the agency under the whole ledger; signer is the acting person (`sub`)."""

    ledger_hash: str = Field(
        min_length=1, max_length=200, description="The ledger's hash, as its totals show it", examples=[_HASH]
    )


_SIGNED = {"signer": "王小明", "signed_at": "2021-12-05T10:00:00+08:00", "line_hash": _HASH, "image_ref": _IMAGE}
PayerSignature = Annotated[
    LineSignature,
    Field(
        description="Of the payer: signer is `payer_name`, for a contrary line that of its payment", examples=[_SIGNED]
    ),
]
AgentSignature = Annotated[
    LineSignature, Field(description="Of the agent: signer is the agent (`sub`)", examples=[_SIGNED])
]


class PaymentLine(Body):
    """Money that the agent has taken (S004-25: both sign, and the electronic channel is named)."""

    kind: Literal["payment"] = Field(description="A payment", examples=["payment"])
    line_no: LineNo
    bill_no: BillNo
    amount_fen: PositiveFen
    payer_name: str = Field(min_length=1, max_length=100, description="缴费人, on the receipt", examples=["王小明"])
    payer_id: UUID | None = Field(default=None, description="The payer's person_id where known", examples=[_ID])
    paid_at: AwareDatetime = Field(description="When the agent took it", examples=["2021-12-05T10:00:00+08:00"])
    method: Literal["cash", "wechat", "alipay", "bank_app", "bank_card", "unionpay", "etax"] = Field(
        description="The electronic channel through which the payer paid the agent, or cash", examples=["wechat"]
    )
    paid_into: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="The agent's code or account into which the payer paid, of an electronic channel (S004-25)",
        examples=["村委会收款码 02"],
    )
    receipt_no: str | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description="Number of the receipt that the agent wrote on paper, out of a block handed out beforehand; "
        "without it the receipt has the next number of the unit's book",
        examples=[_RECEIPT_NO],
    )
    payer_signature: PayerSignature
    agent_signature: AgentSignature


class ContraryLine(Body):
    """Takes an earlier line back, as long as its money is still in the agent's hands; payer and agent sign again."""

    kind: Literal["contrary"] = Field(description="A contrary line", examples=["contrary"])
    line_no: LineNo
    contrary_of: int = Field(ge=1, le=1_000_000, description="The line taken back", examples=[1])
    reason: str = Field(min_length=1, max_length=200, description="Why", examples=["应为其弟缴费"])
    payer_signature: PayerSignature
    agent_signature: AgentSignature


class SpoiledLine(Body):
    """作废: a number that carries no money, so that the book has no gap."""

    kind: Literal["spoiled"] = Field(description="A spoiled number", examples=["spoiled"])
    line_no: LineNo
    reason: str = Field(min_length=1, max_length=200, description="Why", examples=["漏页"])
    receipt_no: str | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description="A receipt of a block handed out beforehand that was spoiled on paper",
        examples=[_RECEIPT_NO],
    )
    agent_signature: AgentSignature


LedgerLine = Annotated[PaymentLine | ContraryLine | SpoiledLine, Field(discriminator="kind")]


class LedgerLines(Body):
    """Lines of a ledger, in any order; what was sent before has no second effect."""

    pool: PoolField
    lines: list[LedgerLine] = Field(min_length=1, max_length=500, description="The lines", examples=[[]])


class LineResult(BaseModel):
    """What became of one line."""

    line_no: int = Field(description="Number", examples=[1])
    outcome: Literal["settled", "surplus", "suspense", "reversed", "spoiled", "refused"] = Field(
        description="What became of its money; `reversed`: a contrary line took effect; `refused`: not in the book",
        examples=["settled"],
    )
    known: bool = Field(description="Whether the line stood in the book before", examples=[False])
    collection_id: UUID | None = Field(description="The booked money", examples=[_ID])
    receipt_no: str | None = Field(description="Receipt; none for suspense", examples=["V200-00000042"])
    reason: str | None = Field(description="Why it did not settle the bill, or why it is refused", examples=[None])
    detail: str | None = Field(description="What to do about a refusal", examples=[None])


class LedgerLinesAnswer(BaseModel):
    """One entry per line, in the order of the request: good lines are kept, refused ones come back."""

    items: list[LineResult] = Field(description="What became of each line", examples=[[]])


class LedgerClosing(Body):
    """The head of the agency has verified the ledger: states its figures and signs (S004-26)."""

    pool: PoolField
    payments_count: int = Field(
        ge=0, le=1_000_000, description="Payment lines, contradicted ones included", examples=[120]
    )
    contrary_count: int = Field(ge=0, le=1_000_000, description="Contrary lines", examples=[1])
    collected_fen: int = Field(
        ge=0, le=10**14, description="Payments less what contrary lines took back, in fen", examples=[3808000]
    )
    signature: LedgerSignature = Field(
        description="Under the whole ledger",
        examples=[{"signer": "head-li", "signed_at": "2021-12-27T09:00:00+08:00", "ledger_hash": _HASH,
                   "image_ref": "oss://ledgers/990101102203/head.jpg"}],
    )  # fmt: skip


class Ledger(BaseModel):
    """代收台账 of one agent for one unit."""

    pool: PoolField
    ledger_id: UUID = Field(description="Identifier", examples=[_ID])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    unit_code: str = Field(description="Unit", examples=["V200"])
    region: RegionField
    agency_name: str = Field(description="代办机构", examples=["沟底村委会"])
    agent: str = Field(description="Who keeps it (`sub`)", examples=["agent-zhang"])
    status: Literal["open", "closed", "remitted"] = Field(
        description="`remitted`: closed, and everything is handed over", examples=["open"]
    )
    opened_at: datetime = Field(description="Business instant", examples=["2021-09-01T08:00:00+08:00"])
    closed_at: datetime | None = Field(description="Business instant", examples=["2021-12-27T09:00:00+08:00"])
    closed_by: str | None = Field(description="Head of the agency who verified it (`sub`)", examples=["head-li"])
    payments_count: int | None = Field(description="As signed at the closing", examples=[120])
    contrary_count: int | None = Field(description="As signed at the closing", examples=[1])
    collected_fen: int | None = Field(description="As signed at the closing, in fen", examples=[3808000])
    ledger_hash: str | None = Field(description="As signed at the closing", examples=[_HASH])
    version: int = Field(description="Version, also the ETag; raised with each batch of lines", examples=[1])


class LedgerPage(BaseModel):
    """A page of ledgers."""

    items: list[Ledger] = Field(description="Ledgers in the order in which they were opened", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class LedgerLineShown(BaseModel):
    """A line as it stands in the book."""

    line_no: int = Field(description="Number", examples=[1])
    kind: Literal["payment", "contrary", "spoiled"] = Field(description="What it is", examples=["payment"])
    line_hash: str = Field(description="SHA-256 of its content, in hex", examples=[_HASH])
    amount_fen: int | None = Field(
        description="Money taken, or taken back by a contrary line, in fen; null for a spoiled number", examples=[30000]
    )
    collection_id: UUID | None = Field(description="The booked money", examples=[_ID])
    contrary_of: int | None = Field(description="The line that it takes back", examples=[None])
    taken_back: bool = Field(description="Whether a contrary line took it back", examples=[False])
    outcome: str | None = Field(description="What became of the money", examples=["settled"])
    receipt_no: str | None = Field(description="Receipt", examples=["V200-00000042"])
    remittance_id: UUID | None = Field(description="Slip in which it stands", examples=[None])
    content: dict[str, Any] = Field(description="The line as sent, signatures included", examples=[{}])
    received_at: datetime = Field(description="Business instant", examples=["2021-12-05T10:00:03+08:00"])


class LedgerLinePage(BaseModel):
    """A page of a ledger's lines."""

    items: list[LedgerLineShown] = Field(description="Lines by number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["500"])


class LineSum(BaseModel):
    """A count and a sum of lines."""

    count: int = Field(description="Lines", examples=[120])
    amount_fen: int = Field(description="Sum in fen", examples=[3840000])


class LedgerTotals(BaseModel):
    """The foot of a ledger, to be printed and signed: what stands in it, in figures and in words."""

    ledger_id: UUID = Field(description="Identifier", examples=[_ID])
    status: Literal["open", "closed", "remitted"] = Field(description="Status", examples=["open"])
    payments: LineSum = Field(description="Payment lines", examples=[{"count": 120, "amount_fen": 3840000}])
    contrary: LineSum = Field(description="Contrary lines", examples=[{"count": 1, "amount_fen": 30000}])
    spoiled_count: int = Field(description="Spoiled numbers", examples=[0])
    collected_fen: int = Field(description="Payments less contrary lines, in fen", examples=[3808000])
    collected_in_words: str = Field(description="The same in words (大写)", examples=["叁万捌仟零捌拾元整"])
    by_method: dict[str, LineSum] = Field(
        description="Payments that stand, by electronic channel",
        examples=[{"wechat": {"count": 1, "amount_fen": 30000}}],
    )
    handed_over_fen: int = Field(description="On confirmed slips, in fen", examples=[0])
    held_fen: int = Field(description="Still to be handed over and confirmed, in fen", examples=[3808000])
    last_line_no: int = Field(description="Highest number", examples=[121])
    missing: list[int] = Field(description="Numbers that have not come, at most a hundred", examples=[[]])
    ledger_hash: str = Field(description="What the head signs", examples=[_HASH])
    version: int = Field(description="Version of the ledger, also the ETag", examples=[3])
