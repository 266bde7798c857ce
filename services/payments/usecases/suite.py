"""What the use cases work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.clock import Clock
from shared.database import Database
from shared.gathering import Gatherer
from shared.rates import Rates
from shared.sealing import Sealer

from ..clients import Bank, RegistrationClient, TaxAssessments, TaxOffice, TreasuryFront, UnionPayClient, WechatClient
from ..formats.statement_files import DayFiles
from ..formats.tax import SignatureProfile
from ..formats.tips import Tips
from ..settings import Settings, UnionPayFiles


@dataclass(frozen=True)
class Payments:
    """The parts of the service, joined in `app.py`."""

    settings: Settings
    database: Database
    clock: Clock
    registration: RegistrationClient
    tax_signatures: SignatureProfile
    keys: Sealer | None
    banks: Mapping[str, Bank]
    wechat: WechatClient | None
    unionpay: UnionPayClient | None
    tax_office: TaxOffice | None
    check_rate: Rates
    """Who asks the public check of receipts too often, by address …"""
    number_rate: Rates
    """… and at which receipt too often is guessed, by one address or by many."""
    tax_assessments: TaxAssessments | None
    tips: Tips | None
    treasury: TreasuryFront | None
    gatherer: Gatherer = field(default_factory=Gatherer)
    """Single payments of one moment are one transaction."""

    @property
    def day_files(self) -> DayFiles:
        """How day files are cut; UnionPay's by its own tables where no merchant is set up."""
        unionpay = self.settings.unionpay.files if self.settings.unionpay else UnionPayFiles()
        banks = {institution: bank.check_file for institution, bank in self.settings.banks.items()}
        return DayFiles(unionpay, self.settings.pos_file, self.settings.money_accounts, banks)

    @property
    def sealer(self) -> Sealer:
        """What seals the messages of channels. Raises RuntimeError without keys."""
        if self.keys is None:
            raise RuntimeError("PAYMENTS_SEALING_KEYS is not set")
        return self.keys
