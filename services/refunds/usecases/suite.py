"""What the use cases work with."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.database import Database

from ..clients import PaymentsClient, RegistrationClient
from ..settings import Settings


@dataclass(frozen=True)
class Refunds:
    """The parts of the service, joined in `app.py`."""

    settings: Settings
    database: Database
    clock: Clock
    payments: PaymentsClient
    registration: RegistrationClient
