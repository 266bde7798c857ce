"""What UnionPay tells (ACP 5.1.0): answers, notifications and results as they stand there. Its names, its words."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fen = Annotated[int, Field(ge=1)]


class _Told(BaseModel):
    """UnionPay adds fields as it likes; whatever it says stays with what we read."""

    model_config = ConfigDict(extra="allow", frozen=True)


class UnionPayAnswer(_Told):
    """What every answer and notification says. `respCode` 00: taken; 03, 04, 05: not known yet; else refused."""

    resp_code: str = Field(alias="respCode", pattern=r"^[0-9A-Za-z]{2}$")
    resp_msg: str = Field(default="", alias="respMsg")


class UnionPayResult(UnionPayAnswer):
    """A transaction as a notification or the answer to a query tells of it.

    `resp_code` is of the message; in the answer to a query `orig_resp_code` is of the transaction.
    """

    merchant_id: str = Field(alias="merId", max_length=15)
    order_no: str = Field(alias="orderId", min_length=8, max_length=40)
    txn_type: str = Field(alias="txnType", max_length=2)
    txn_time: str = Field(alias="txnTime", pattern=r"^[0-9]{14}$")
    amount_fen: Fen | None = Field(default=None, alias="txnAmt")
    currency: str = Field(default="156", alias="currencyCode")
    query_id: str = Field(default="", alias="queryId", pattern=r"^[0-9A-Za-z]{0,21}$")
    trace_time: str = Field(default="", alias="traceTime", pattern=r"^([0-9]{10})?$")
    settle_date: str = Field(default="", alias="settleDate", pattern=r"^([0-9]{4})?$")
    orig_resp_code: str = Field(default="", alias="origRespCode")
    orig_query_id: str = Field(default="", alias="origQryId")


class UnionPayFile(UnionPayAnswer):
    """The answer that carries a day's file, compressed and in base64."""

    file_name: str = Field(default="", alias="fileName")
    file_content: str = Field(default="", alias="fileContent")
