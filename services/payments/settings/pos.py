"""How the acquirer of the card terminals prints what they did on a day."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

POS_COLUMNS = ("终端号", "批次号", "凭证号", "原批次号", "原凭证号", "交易时间", "金额(元)", "交易类型")
"""The columns of the file; 原… are those of the sale that a line takes back, where the acquirer prints them."""


class PosFile(BaseModel):
    """The acquirer's day file (清算明细): values between delimiters under headings; UTF-8 and GBK are told apart."""

    model_config = ConfigDict(extra="forbid")

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    headings: dict[str, str] = {}
    """The acquirer's own headings, by ours (`POS_COLUMNS`)."""
    sales: frozenset[str] = frozenset({"消费"})
    """Words of 交易类型 for a sale …"""
    voids: frozenset[str] = frozenset({"撤销", "消费撤销", "冲正"})
    """… for one that was taken back before the acquirer settled …"""
    refunds: frozenset[str] = frozenset({"退货"})
    """… and for money put back on a card afterwards (0220)."""

    @model_validator(mode="after")
    def _headings_are_ours(self) -> Self:
        if strange := sorted(set(self.headings) - set(POS_COLUMNS)):
            raise ValueError(f"headings are given by {', '.join(POS_COLUMNS)}; not {', '.join(strange)}")
        if len(set(self.headings.values())) != len(self.headings):
            raise ValueError("two columns have the same heading")
        return self
