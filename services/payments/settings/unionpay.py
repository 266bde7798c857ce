"""The merchant at UnionPay, and how its day files are cut."""

import codecs
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Width = Annotated[int, Field(ge=1, le=1024)]


class UnionPayFiles(BaseModel):
    """How the day files are cut: fields of fixed width in bytes, columns counted from 0. The tables are data."""

    model_config = ConfigDict(extra="forbid")

    encoding: str = "gb18030"
    """Of the texts in them; GB18030 is GBK and what came after it."""
    gap_bytes: Annotated[int, Field(ge=0, le=4)] = 1
    """Bytes between two fields."""
    trades: tuple[Width, ...] = (
        *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
        *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98),
    )
    """Widths of a line of the file of successful trades (ZM)."""
    adjustments: tuple[Width, ...] = (
        *(3, 11, 11, 6, 10, 19, 12, 4, 2, 2, 6, 10, 4, 12, 13, 13, 15, 15, 1, 12, 2, 135),
    )
    """Widths of a line of the file of adjustments (ZME)."""
    columns: dict[str, Annotated[int, Field(ge=0)]] = {
        "code": 0,
        "sent_at": 4,
        "amount": 6,
        "query_id": 9,
        "order_no": 11,
        "fee": 15,
        "settled": 32,
    }
    """Where the columns that we read stand in a line of trades."""
    adjustment_columns: dict[str, Annotated[int, Field(ge=0)]] = {"code": 0, "trace_no": 3, "sent_at": 4, "amount": 6}
    """The same of a line of adjustments."""
    payments: frozenset[str] = frozenset({"S22"})
    """Codes of trades that are payments."""
    money_back: frozenset[str] = frozenset({"S30", "S32"})
    """Codes of trades that give money back: refunds, and purchases undone on their own day."""

    @model_validator(mode="after")
    def _columns_are_there(self) -> Self:
        for columns, widths, needed in (
            (self.columns, self.trades, UnionPayFiles.model_fields["columns"].default),
            (self.adjustment_columns, self.adjustments, UnionPayFiles.model_fields["adjustment_columns"].default),
        ):
            if missing := sorted(set(needed) ^ set(columns)):
                raise ValueError(f"columns are {', '.join(sorted(needed))}; see {', '.join(missing)}")
            if max(columns.values()) >= len(widths):
                raise ValueError("a column stands beyond the last width")
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise ValueError(f"{self.encoding} is no encoding") from error
        return self


class UnionPaySettings(BaseModel):
    """The merchant at UnionPay's gateway (ACP 5.1.0). Secrets are references (`file:…`, `env:…`), never values."""

    model_config = ConfigDict(extra="forbid")

    front_url: str = "https://gateway.95516.com/gateway/api/frontTransReq.do"
    """Where the payer's browser is sent with a form."""
    back_url: str = "https://gateway.95516.com/gateway/api/backTransReq.do"
    query_url: str = "https://gateway.95516.com/gateway/api/queryTrans.do"
    file_url: str = "https://filedownload.95516.com/"
    merchant_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{15}$")]
    """商户号 (merId)."""
    certificate: str
    """Where the merchant's certificate with its private key lies, as PKCS#12 (.pfx)."""
    certificate_password: str
    """Where its password lies."""
    root_certificate: str
    """UnionPay's root: PEM or where it lies."""
    middle_certificate: str
    """UnionPay's middle certificate, which signs those that UnionPay answers with: PEM or where it lies."""
    certificate_name: str = "中国银联股份有限公司"
    """The third part, between `@`, of the CN of the certificates that UnionPay answers with; in its tests another."""
    version: Literal["5.1.0"] = "5.1.0"
    channel_type: Literal["07", "08"] = "08"
    """07 a browser, 08 a phone."""
    notify_base_url: str
    """Address of payments as UnionPay sees it, https in production."""
    return_url: str = ""
    """Where the payer's browser comes back to after the form; without one no form is offered."""
    order_minutes: Annotated[int, Field(ge=1, le=20)] = 15
    """How long an order can be paid (payTimeout). It cannot be closed, so the bill is bound that long."""
    cut_over: time = time(23)
    """From when on UnionPay's accounting day is the next one: what is of today is undone, what is older refunded."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 30
    ask_seconds: Annotated[float, Field(gt=0)] = 45
    """Wall seconds after which UnionPay is asked about an order; doubles each time, up to five minutes."""
    files: UnionPayFiles = UnionPayFiles()
    file_time: time | None = time(10)
    """From when on, of the day after, a day's file is fetched; null: it is brought by hand."""
    file_again_minutes: Annotated[float, Field(gt=0, le=240)] = 30
    """Wall minutes until a file is asked for again that was not there yet."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ask_seconds <= self.timeout_seconds:
            raise ValueError("ask_seconds is longer than timeout_seconds: a call under way is not asked about")
        return self
