"""The treasury (TIPS)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class TreasuryOffice(BaseModel):
    """A collecting office (征收机关) under whose code the treasury posts, and the pool whose money that is."""

    model_config = ConfigDict(extra="forbid")

    pool: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    treasury_code: Annotated[str, Field(pattern=r"^[0-9]{10}$")]
    """国库代码: where it is posted, and paid back from."""
    budget_subject: str = "1021201"
    budget_level: str = "4"
    budget_type: str = "1"


class TreasurySettings(BaseModel):
    """Packages of the treasury's information system. The key is a reference (`file:…`, `env:…`), never a value."""

    model_config = ConfigDict(extra="forbid")

    key: str
    """Where the key of the SM3 trailer lies."""
    encoding: Annotated[str, Field(pattern=r"^(gbk|utf-8)$")] = "gbk"
    """The bytes over which the trailer goes; GBK on the original system."""
    node: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    """Our node (SRC of what we send)."""
    centre: Annotated[str, Field(pattern=r"^[0-9]{12}$")] = "100000000000"
    """The treasury's node (DES of what we send)."""
    offices: dict[Annotated[str, Field(pattern=r"^[0-9]{1,12}$")], TreasuryOffice]
    """Codes of the offices (TaxOrgCode)."""
    success_states: frozenset[str] = frozenset({"1"})
    """Values of OpStat that mean success; a matter of the partner."""
    voucher_types: frozenset[str] = frozenset()
    """Values of ExportVouType that mean money that came in; none: all. A matter of the partner."""
    refund_reason_code: str = "1"
    """DrawBackReasonCode; a matter of the partner."""
    most_rows: Annotated[int, Field(ge=1, le=1000)] = 1000
    front_url: str = ""
    """The front end that takes our packages; empty: they are fetched as files, and their answers are handed in."""
    posting_days: Annotated[int, Field(ge=0, le=366)] | None = 7
    """Days after which money under a voucher should have been posted; null: the treasury tells us of nothing by itself,
    so that money which it has not posted is no difference."""
