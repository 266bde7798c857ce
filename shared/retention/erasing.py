"""The job that erases what is kept no longer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from ..clock import Clock
from ..database import Database
from ..jobs import in_turn
from .kinds import Kind

_AT_ONCE = 200


@dataclass(frozen=True)
class Retention:
    """The rules of one service: kinds, days by their names, and pools in which nothing is erased for the time being."""

    service: str
    database: Database
    clock: Clock
    kinds: Sequence[Kind]
    days: Mapping[str, int]
    held_pools: frozenset[str]

    def __post_init__(self) -> None:
        """Raises ValueError where the setting names a kind that is none, or fewer days than it needs."""
        known = {kind.name: kind for kind in self.kinds}
        for name, days in self.days.items():
            if name not in known:
                raise ValueError(f"retention_days: {name} is none of {', '.join(sorted(known))}")
            if days < known[name].least_days:
                raise ValueError(f"retention_days: {name} must be kept for {known[name].least_days} days at least")

    async def erase(self) -> bool:
        """Erase what is older than the rules say; whether there was any."""
        ruled = [kind for kind in self.kinds if kind.name in self.days]
        if not ruled:
            return False
        async with self.database.reading() as tx:
            rows = await tx.rows("select distinct pool from chain_head order by pool")
        free = [row["pool"] for row in rows if row["pool"] not in self.held_pools]
        return await in_turn([(pool, kind) for pool in free for kind in ruled], partial(self._some))

    async def _some(self, what: tuple[str, Kind]) -> bool:
        pool, kind = what
        now = self.clock.now()
        before = now - timedelta(days=self.days[kind.name])
        async with self.database.writing() as tx:
            erased = await kind.erase(tx, pool, before, _AT_ONCE)
            if erased:
                detail = {"kind": kind.name, "erased": erased, "before": before.isoformat()}
                tx.audit(pool, "retention.erased", self.service, self.service, now, [], detail)
        return erased > 0
