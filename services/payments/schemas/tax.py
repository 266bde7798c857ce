"""The tax bureau's confirmations (contracts.md, *Payment confirmations of the tax bureau*)."""

import re
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from ..rules.tax import MOST_ITEMS
from .fields import Body, PositiveFen

_PLAIN = r"^[^\x00-\x1f\x7f]+$"  # what is printed, compared and stored has no control characters
_INSTANT = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]+(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def _written_instant(value: Any) -> Any:
    """Only what is written as RFC 3339 says, in this millennium: a number of seconds is not an instant here."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value.strip()):
        raise ValueError("an instant is written like 2021-12-20T09:00:00+08:00")
    return value


def _or_none(value: str | None) -> str | None:
    return value or None


EventId = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Field(
        min_length=1,
        max_length=64,
        pattern=_PLAIN,
        description="The bureau's id of this payment; the same for every repetition",
        examples=["TAX-20211205-000001"],
    ),
]
BatchNo = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=_PLAIN,
        description="The bureau's number of the batch",
        examples=["B20211205-01"],
    ),
]


class TaxConfirmation(Body):
    """The bureau has collected money. Whatever the bill, it is booked: money that has come is never refused."""

    event_id: EventId
    bill_no: str = Field(
        min_length=1,
        max_length=64,
        pattern=_PLAIN,
        description="The bill it was paid for, as the payer or the bureau gave it",
        examples=["9901017QK3M9Z5T2WB8XCD"],
    )
    amount_fen: PositiveFen
    paid_at: Annotated[AwareDatetime, BeforeValidator(_written_instant)] = Field(
        description="When the payer paid; window and closed days go by its day in Asia/Shanghai",
        examples=["2021-12-05T10:00:00+08:00"],
    )
    voucher_no: str = Field(
        min_length=1,
        max_length=64,
        pattern=_PLAIN,
        description="电子税票号, the bureau's voucher; one voucher may cover several payments",
        examples=["399010161000000001"],
    )
    payer_name: Annotated[str | None, AfterValidator(_or_none)] = Field(
        default=None,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="缴费人; null where the bureau does not know",
        examples=["王小明"],
    )


class TerminalConfirmation(TaxConfirmation):
    """A confirmation of an older terminal, which may say under which code (zsxmDm) the money was collected."""

    item: str | None = Field(default=None, max_length=30, pattern=_PLAIN)


class MalformedConfirmation(NamedTuple):
    """An item of a batch that cannot be read; its event id where that much could be."""

    event_id: str | None


_event_id: TypeAdapter[str] = TypeAdapter(EventId)


def read_confirmation(value: Any) -> TaxConfirmation | MalformedConfirmation:
    """An item of a batch, however bad it is."""
    return _read(value, TaxConfirmation)


def read_terminal_confirmation(value: Any) -> TaxConfirmation | MalformedConfirmation:
    """An item of an older terminal's message, however bad it is."""
    return _read(value, TerminalConfirmation)


def _read(value: Any, kind: type[TaxConfirmation]) -> TaxConfirmation | MalformedConfirmation:
    try:
        return kind.model_validate(value)
    except ValidationError:
        try:
            return MalformedConfirmation(_event_id.validate_python(value["event_id"]))
        except (ValidationError, TypeError, KeyError):
            return MalformedConfirmation(None)


class TaxConfirmationBatch(Body):
    """Up to 1,000 confirmations. A bad one is answered in its place; the others stand."""

    batch_no: BatchNo
    items: list[
        Annotated[
            TaxConfirmation | MalformedConfirmation,
            PlainValidator(read_confirmation, json_schema_input_type=TaxConfirmation),
        ]
    ] = Field(
        description="The confirmations",
        examples=[[]],
        json_schema_extra={"maxItems": MOST_ITEMS},
    )


class _Booked(BaseModel):
    """What the bureau is told of money that is booked, whatever it asked by."""

    event_id: str = Field(description="The bureau's id", examples=["TAX-20211205-000001"])
    outcome: Literal["settled", "surplus", "suspense"] = Field(description="What became of it", examples=["settled"])
    collection_id: UUID = Field(description="The booked money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    receipt_no: str | None = Field(description="Receipt; none for suspense", examples=["SW990101-00000042"])


class TaxConfirmationAnswer(_Booked):
    """The money is stored for good: what became of it."""

    reason: Literal[
        "bill_unknown", "bill_voided", "already_paid", "amount_differs", "outside_window", "closed_day"
    ] | None = Field(description="Why it did not settle the bill", examples=["already_paid"])  # fmt: skip


class TerminalAnswer(_Booked):
    """What an older terminal is told of its payment; there is one reason more, `wrong_scheme`."""

    reason: str | None = Field(description="Why it did not settle the bill")


class TaxConfirmationRefusal(BaseModel):
    """An item of a batch that was not booked."""

    event_id: str | None = Field(
        description="The bureau's id, where it could be read", examples=["TAX-20211205-000002"]
    )
    outcome: Literal["refused"] = Field(description="It was not booked", examples=["refused"])
    reason: Literal["event_id_reused", "malformed"] = Field(
        description="The event id stands for another payment already, or the item cannot be read",
        examples=["event_id_reused"],
    )


class TaxBatchAnswer(BaseModel):
    """One entry per item, in the order of the request."""

    batch_no: str = Field(description="The bureau's number of the batch", examples=["B20211205-01"])
    items: list[TaxConfirmationAnswer | TaxConfirmationRefusal] = Field(
        description="What became of each item", examples=[[]]
    )
