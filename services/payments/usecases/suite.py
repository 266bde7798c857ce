"""What the use cases work with."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.clock import Clock
from shared.database import Database
from shared.sealing import Sealer

from ..clients import Bank, RegistrationClient, TaxOffice, WechatClient
from ..formats.tax import SignatureProfile
from ..settings import Settings


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
    tax_office: TaxOffice | None

    @property
    def sealer(self) -> Sealer:
        """What seals the messages of channels. Raises RuntimeError without keys."""
        if self.keys is None:
            raise RuntimeError("PAYMENTS_SEALING_KEYS is not set")
        return self.keys
