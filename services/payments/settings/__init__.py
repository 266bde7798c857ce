"""Settings of payments, from the environment (PAYMENTS_…). Each channel has a module of its own."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.codes import Channel
from shared.service import ServiceSettings

from ..rules.unionpay import INSTITUTION
from .bank import BankSettings, CheckFile, WithholdingSettings
from .calendar import WorkingDays
from .money import MoneyAccount
from .pos import POS_COLUMNS, PosFile
from .receipts import ReceiptForm, ReceiptSettings
from .tax import TaxAssessmentSettings, TaxOfficeSettings, TaxSm2Key, TaxTerminalSettings
from .treasury import TreasuryOffice, TreasurySettings
from .unionpay import UnionPayFiles, UnionPaySettings
from .wechat import WechatSettings

__all__ = [
    "POS_COLUMNS",
    "BankSettings",
    "CheckFile",
    "MoneyAccount",
    "PosFile",
    "ReceiptForm",
    "ReceiptSettings",
    "Settings",
    "TaxAssessmentSettings",
    "TaxOfficeSettings",
    "TaxSm2Key",
    "TaxTerminalSettings",
    "TreasuryOffice",
    "TreasurySettings",
    "UnionPayFiles",
    "UnionPaySettings",
    "WechatSettings",
    "WithholdingSettings",
    "WorkingDays",
]


class Settings(ServiceSettings):
    """Where registration, whose news payments follows, is found; the rest stands in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="PAYMENTS_", extra="ignore")

    registration_url: str = "http://127.0.0.1:8001"
    remit_within_days: Annotated[int, Field(ge=0)] = 7
    """Days for which agents, towns and counters may hold money before they are named as overdue (S002-32)."""
    banks: dict[str, BankSettings] = Field(default_factory=dict)
    wechat: WechatSettings | None = None
    unionpay: UnionPaySettings | None = None
    calendar: WorkingDays = Field(default_factory=WorkingDays)
    pos_file: PosFile = Field(default_factory=PosFile)
    public_url: str = ""
    """Address under which channels call payments and everybody finds the check of receipts, where a proxy stands
    before it; empty: the address they call."""
    tax_office: TaxOfficeSettings | None = None
    tax_assessments: TaxAssessmentSettings | None = None
    tax_terminal: TaxTerminalSettings | None = None
    receipts: ReceiptSettings = Field(default_factory=ReceiptSettings)
    treasury: TreasurySettings | None = None
    money_accounts: dict[str, MoneyAccount] = Field(default_factory=dict)
    """Accounts whose statements are handed in, by the name they have there; of their pools the money is followed."""
    refund_ask_seconds: Annotated[float, Field(gt=0)] = 60
    """Wall seconds after which a channel is asked about a refund; doubles each time, up to an hour."""
    tax_keys: dict[str, str] = Field(default={})
    """The tax bureau's public keys: key id → PEM (Ed25519). Several while a key is changed."""
    tax_sm2_keys: dict[str, TaxSm2Key] = Field(default={})
    """The same where the bureau signs with SM2 and SM3."""
    statement_window_days: Annotated[int, Field(ge=0, le=30)] = 3
    """Days after its own on which the counterpart of a statement's line may still come (T+1…T+3)."""
    statement_due_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days in which a statement whose totals differ is to be accepted or rejected."""
    break_due_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days in which a break is to be resolved; after them it is an alarm."""
    break_owner: str = "agency"
    """Who sees to a break where nobody has brought a file."""
    statement_channels: tuple[Channel, ...] = (Channel.WECHAT, Channel.BANK, Channel.ETAX)
    """Channels that print a statement for every day on which money came."""

    @field_validator("banks")
    @classmethod
    def _unionpay_has_its_own(cls, banks: dict[str, BankSettings]) -> dict[str, BankSettings]:
        if INSTITUTION in banks:
            raise ValueError(f"{INSTITUTION} is no bank of this kind: see PAYMENTS_UNIONPAY")
        return banks
