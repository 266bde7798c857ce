"""What payments asks of registration."""

from dataclasses import dataclass

from shared.http import Upstream


@dataclass(frozen=True)
class PaidRoster:
    """Persons of a scheme whose bill registration knows as paid: heads, fen, and the order-free digest of the set."""

    heads: int
    amount_fen: int
    digest: str


class RegistrationClient:
    """Registration's REST API, as far as payments needs it."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def paid_roster(
        self, pool: str, scheme: str, *, unit_code: str | None = None, region: str | None = None
    ) -> PaidRoster:
        """Of a unit or a region only, where named. Raises UpstreamRefusal, Problem UPSTREAM_UNAVAILABLE."""
        progress = await self.upstream.get("/v1/progress", pool=pool, scheme=scheme, unit_code=unit_code, region=region)
        paid = progress["roster_paid"]
        return PaidRoster(paid["heads"], paid["amount_fen"], paid["digest"])
