"""What webhooks work with, given once by `shared/service.py`."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ..clock import Clock
from ..database import Database
from ..sealing import Sealer
from .addresses import Resolve, resolve_by_system
from .signing import SigningKey


@dataclass(frozen=True)
class Webhooks:
    """The webhooks of one service."""

    service: str
    database: Database
    clock: Clock
    keys: Sealer | None
    key: SigningKey | None
    private: bool
    """Whether addresses of private networks are called, and http on this machine; for local runs."""
    timeout_seconds: float
    kept: timedelta
    overlap: timedelta
    """For how long the secret before signs as well, once it was changed."""
    resolve: Resolve = resolve_by_system

    @property
    def sealer(self) -> Sealer:
        """Seals the endpoints' secrets. Raises RuntimeError where no keys were set."""
        if self.keys is None:
            raise RuntimeError(f"{self.service.upper()}_SEALING_KEYS is not set: secrets of webhooks cannot be kept")
        return self.keys

    def seal(self, webhook_id: UUID, secret: str) -> bytes:
        """An endpoint's secret as it is stored."""
        return self.sealer.seal(secret, secret_context(webhook_id))

    def open(self, webhook_id: UUID, sealed: bytes) -> str:
        """An endpoint's secret."""
        return self.sealer.open_text(sealed, secret_context(webhook_id))


def secret_context(webhook_id: UUID) -> str:
    """For what a secret is sealed."""
    return f"webhook/{webhook_id}"
