"""A bank that collects for us."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class WithholdingSettings(BaseModel):
    """The files of batch withholding (批量代扣): how lines are laid out. The defaults are protocols §2.2.

    Columns of lines: seq, agreement_no, payer_name, account, amount, bill_no; in a return also status, debited,
    debited_at (YYYYMMDDhhmmss), message. Of the first line: batch_no, count, total; in a return also debited_count,
    debited_total. Columns of other names are left alone.
    """

    model_config = ConfigDict(extra="forbid")

    encoding: Literal["gbk", "utf-8"] = "gbk"
    unit: Literal["fen", "yuan"] = "fen"
    delimiter: Annotated[str, Field(max_length=4)] = "|"
    widths: dict[str, Annotated[int, Field(gt=0)]] = {}
    """Bytes of each column, for a file cut by bytes; then the delimiter is empty."""
    head: tuple[str, ...] = ("count", "total")
    columns: tuple[str, ...] = ("seq", "agreement_no", "payer_name", "account", "amount", "bill_no")
    return_head: tuple[str, ...] = ("count", "total", "debited_count", "debited_total")
    return_columns: tuple[str, ...] = (
        *("seq", "agreement_no", "payer_name", "account", "amount", "bill_no"),
        *("status", "debited", "debited_at", "message"),
    )
    words: dict[str, Literal["debited", "failed", "unknown"]] = {
        "S": "debited", "P": "debited", "F": "failed", "E": "failed", "X": "failed", "U": "unknown", "T": "unknown",
    }  # fmt: skip
    """What the bank's words about a line mean; one that is not here changes nothing."""
    refusals: tuple[str, ...] = ("VERIFY_FAILED", "GROUPNO_ERROR", "TOTAL_INSTRUCTION_NOT_MATCH")
    """How a file begins that refuses the whole batch."""
    final_prefix: str = "final_"
    """How the name of the last return file of a batch begins; empty: every one is the last."""
    most_lines: Annotated[int, Field(gt=0, le=500_000)] = 50_000
    """Lines of a batch at most; what is left goes into the next one."""

    @model_validator(mode="after")
    def _columns_can_be_told_apart(self) -> Self:
        named = {*self.head, *self.columns, *self.return_head, *self.return_columns}
        if not self.delimiter and named - self.widths.keys():
            raise ValueError(
                f"without a delimiter every column has a width: {', '.join(sorted(named - self.widths.keys()))}"
            )
        if not {"seq", "amount", "bill_no", "status", "debited_at"} <= set(self.return_columns):
            raise ValueError("return_columns has at least seq, amount, bill_no, status and debited_at")
        return self


CHECK_COLUMNS = ("交易日期", "交易流水号", "客户编号", "缴费金额", "二级渠道", "交易类型")
"""What a bank's check file tells of each payment or reversal (protocols §2.1, A)."""


class CheckFile(BaseModel):
    """A bank's check file of a day (对账文件): a first line with count and sum, then a line each, without headings."""

    model_config = ConfigDict(extra="forbid")

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = "|"
    columns: tuple[str, ...] = CHECK_COLUMNS
    """In the order in which the bank prints them; further ones are left alone."""
    unit: Literal["yuan", "fen"] = "yuan"
    payments: tuple[str, ...] = ("1", "缴费")
    """Its words (交易类型) for a payment …"""
    reversals: tuple[str, ...] = ("2", "冲正")
    """… and for a reversal."""

    @model_validator(mode="after")
    def _tells_what_is_needed(self) -> Self:
        missing = set(CHECK_COLUMNS) - {"二级渠道"} - set(self.columns)
        if missing:
            raise ValueError(f"a check file needs the columns {', '.join(sorted(missing))}")
        return self


class BankSettings(BaseModel):
    """A bank that collects for us (销账). Secrets are references (`file:…`, `env:…`), never values."""

    model_config = ConfigDict(extra="forbid")

    key: str
    """Where the shared key of its MACs lies, in hex, 16 bytes at least."""
    digest: Literal["sm3", "sha256"] = "sm3"
    mac: Literal["hmac", "suffix"] = "hmac"
    """How the code over a message is made (`formats.macs`)."""
    form: Literal["json", "xml"] = "json"
    encoding: Literal["utf-8", "gbk"] = "utf-8"
    unit: Literal["yuan", "fen"] = "yuan"
    """How it counts money in messages: yuan with two decimals, or fen."""
    amount_must_equal: bool = False
    """It tells of a payment before it debits the payer, so what would not settle the bill is refused. Where it has the
    money already (the usual), all of it is booked, and what does not fit waits in suspense."""
    companies: dict[str, Annotated[str, Field(pattern=r"^[0-9]{6}$")]]
    """The company codes it has given us, each with the pool whose money it collects."""
    return_codes: dict[str, str] = {}
    """Return codes of its own, by our name for the answer (`rules.bank.Code`)."""
    cut_over: time = time()
    """From when on its accounting day is the next one; midnight: with the calendar."""
    payouts_url: str = ""
    queries_per_minute: Annotated[int, Field(ge=1, le=1_000)] = 10
    """How often a bank may ask about one bill or person; beyond it is told to wait."""
    payments_per_minute: Annotated[int, Field(ge=1, le=1_000)] = 5
    """How often it may ask to pay one bill, where it asks before it debits; money that has come is never put off."""
    check_file: CheckFile = CheckFile()
    withholding: WithholdingSettings | None = None
    """How its files of batch withholding are laid out; empty: it withholds nothing for us."""
    file_key: str = ""
    """Where the key of the codes at the end of files lies, in hex; empty: `key`."""
