"""Kinds of records that can be erased after some days."""

from dataclasses import dataclass
from datetime import datetime

from ..database import Writer


@dataclass(frozen=True)
class Kind:
    """Records that may go. `sql` erases at most `:limit` of those of `:pool` that are over since before `:before`.

    `least_days`: a shorter time would take away what somebody still works with.
    """

    name: str
    meaning: str
    least_days: int
    sql: str

    async def erase(self, tx: Writer, pool: str, before: datetime, limit: int) -> int:
        """Erase some; how many."""
        return await tx.execute(self.sql, pool=pool, before=before, limit=limit)


IDEMPOTENCY_KEYS = Kind(
    "idempotency_keys",
    "Keys of requests with their first answers; the same key after that is a new request",
    30,
    # Materialized here and below: a plan that asks such a selection again for each row finds others than before.
    "with gone as materialized (select client_id, key from idempotency_key where pool = :pool "
    "and status is not null and claimed_at < :before limit :limit for update skip locked) "
    "delete from idempotency_key known using gone "
    "where known.pool = :pool and known.client_id = gone.client_id and known.key = gone.key",
)


def files(meaning: str, ended: str) -> Kind:
    """The bytes of files that were handed in; `ended` selects the `evidence_id` of those done with since before
    `:before`. Hash, size and name stay."""
    return Kind(
        "files",
        meaning,
        90,
        "with gone as materialized (select evidence_id from evidence where pool = :pool and erased_at is null "
        f"and received_at < :before and evidence_id in ({ended}) "
        "order by evidence_id limit :limit for update skip locked), "
        "parts as (delete from evidence_part part using gone "
        "where part.pool = :pool and part.evidence_id = gone.evidence_id) "
        "update evidence file set key_sealed = null, erased_at = now() from gone "
        "where file.pool = :pool and file.evidence_id = gone.evidence_id",
    )
