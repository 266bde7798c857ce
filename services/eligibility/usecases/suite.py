"""What the use cases work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.clock import Clock
from shared.database import Database
from shared.gathering import Gatherer
from shared.sealing import Sealer

from ..rules import Supplier
from ..settings import Settings

JOB = "eligibility"
"""Who acts where a job does: it stands in the audit line beside the person behind it."""


@dataclass(frozen=True)
class Eligibility:
    """The parts of the service, joined in `app.py`."""

    settings: Settings
    database: Database
    clock: Clock
    suppliers: Mapping[str, Supplier]
    keys: Sealer | None
    gatherer: Gatherer = field(default_factory=Gatherer)
    """Questions of one moment are one transaction, and one link of the audit log."""

    @property
    def sealer(self) -> Sealer:
        """Seals and opens personal data. Raises RuntimeError in a process that was given no keys."""
        if self.keys is None:
            raise RuntimeError("ELIGIBILITY_SEALING_KEYS is not set: personal data can neither be stored nor read")
        return self.keys
