"""What the use cases of the bank share: an authentic message, what is said to it, and that it came before."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import orjson

from shared.database import Row, Writer
from shared.evidence import Upload, keep

from ..clients import Bank
from ..formats.bank import Head
from ..rules import bank as rules
from ..rules.bank import Code
from ..rules.tax import POOLLESS
from .suite import Payments


@dataclass(frozen=True)
class Message:
    """An authentic message; `pool` is None where nobody knows its company code."""

    bank: Bank
    head: Head
    body: Any
    raw: bytes
    pool: str | None
    now: datetime

    @property
    def content_hash(self) -> bytes:
        """What tells a repetition from another message under the same serial."""
        said = {"code": self.head.trans_code, **self.body.model_dump(mode="json")}
        if not said.get("scheme"):
            said.pop("scheme", None)  # what came before banks could name it is repeated after it
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()

    @property
    def serial(self) -> str:
        """The bank's serial as the reference of a payment: unique in the channel."""
        return f"{self.bank.institution}/{self.head.trans_date:%Y%m%d}/{self.head.trans_seq}"

    @property
    def books(self) -> str:
        """The pool whose books money goes to; money whose pool nobody can tell stands apart."""
        return self.pool or POOLLESS


@dataclass(frozen=True)
class Said:
    """What a use case answers: one of our codes, and a body of texts."""

    code: Code
    body: Mapping[str, Any]

    def kept(self) -> dict[str, Any]:
        """As it is kept in the journal, to be said again."""
        return {"code": self.code, "body": self.body}

    @classmethod
    def again(cls, kept: Mapping[str, Any]) -> Self:
        """What was said before."""
        return cls(Code(kept["code"]), kept["body"])


async def keep_message(tx: Writer, service: Payments, message: Message) -> UUID:
    """Keep the bytes of a message, sealed, in the transaction of its effect; also those that change nothing."""
    name = f"bank/{message.serial}/{message.head.trans_code.lower()}"
    upload = Upload(io.BytesIO(message.raw), hashlib.sha256(message.raw).hexdigest(), len(message.raw))
    return await keep(tx, service.sealer, message.books, name, upload, message.now)


def repeated(message: Message, earlier: Mapping[str, Any]) -> Said:
    """The first answer to a serial that came before, or a refusal where it came with something else."""
    if earlier["content_hash"] != message.content_hash:
        return Said(Code.SERIAL_REUSED, {})
    return Said.again(earlier["answer"])


def standing_of(row: Row) -> rules.Standing:
    """Where a row of the journal stands."""
    sides = (rules.State(row[side]) for side in ("third_state", "our_state", "host_state"))
    return rules.Standing((rules.Kind(row["kind"]), *sides))


def told_reversed(bill_no: str | None) -> Said:
    """The answer to a payment that does not stand, because its reversal came."""
    return Said(Code.REVERSED, {"outcome": "reversed", "reason": "", "receipt_no": "", "bill_no": bill_no or ""})
