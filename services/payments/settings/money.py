"""The accounts that money arrives in."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class MoneyAccount(BaseModel):
    """An account of the fund whose statements are handed in (channel `account`, its key as institution)."""

    model_config = ConfigDict(extra="forbid")

    pool: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    payers: dict[str, Annotated[str, Field(pattern=r"^(wechat|bank/.{1,40}|counter(/.{1,40})?)$")]] = {}
    """Who stands in a line (对方户名) for which channel, and which of its institutions: `bank/RCB990101`."""
    passes_to: frozenset[str] = frozenset()
    """Names of our own accounts and of the treasury, to which money is passed on."""
    headings: dict[str, str] = {}
    """The bank's own headings, by ours: 交易时间, 流水号, 收入(元), 支出(元), 对方户名, 摘要."""
