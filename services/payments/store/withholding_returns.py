"""SQL about the files that a bank sends back for a batch of withholding (回盘)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import withholding_return

RETURN = (
    "pool, withholding_id, return_no, kind, file_name, sha256, evidence_id, state, told, found, lines_taken, faults, "
    "received_by, received_at, judged_by, judged_at, note, version"
)
_ONE = "pool = :pool and withholding_id = :withholding_id and return_no = :return_no"


async def list_returns(tx: Reader, pool: str, withholding_id: UUID) -> Sequence[Row]:
    """The files that came for a batch, in their order."""
    return await tx.rows(
        f"select {RETURN} from withholding_return where pool = :pool and withholding_id = :withholding_id "
        "order by return_no",
        pool=pool,
        withholding_id=withholding_id,
    )


async def insert_return(tx: Writer, row: Mapping[str, Any]) -> None:
    """Record a file that came for a locked batch."""
    await tx.insert(withholding_return, [row])


async def lock_return(tx: Writer, pool: str, withholding_id: UUID, return_no: int) -> Row | None:
    """One file, locked. Whoever changes its batch as well locks that first."""
    return await tx.row(
        f"select {RETURN} from withholding_return where {_ONE} for update",
        pool=pool,
        withholding_id=withholding_id,
        return_no=return_no,
    )


async def change_return(tx: Writer, pool: str, withholding_id: UUID, return_no: int, **changes: Any) -> None:
    """Change a locked file; the columns are named by our own code."""
    columns = ", ".join(f"{name} = :{name}" for name in changes)
    await tx.execute(
        f"update withholding_return set {columns}, version = version + 1 where {_ONE}",
        pool=pool,
        withholding_id=withholding_id,
        return_no=return_no,
        **changes,
    )


async def earlier_waits(tx: Writer, pool: str, withholding_id: UUID, return_no: int) -> bool:
    """Whether an accepted file that came before this one, about the same locked batch, is still to be taken."""
    found = await tx.value(
        "select 1 where exists (select 1 from withholding_return where pool = :pool "
        "and withholding_id = :withholding_id and return_no < :return_no and state = 'accepted')",
        pool=pool,
        withholding_id=withholding_id,
        return_no=return_no,
    )
    return found is not None


async def waiting_returns(tx: Reader) -> Sequence[Row]:
    """Accepted files whose lines are still to be taken, in the order in which they came."""
    return await tx.rows(
        f"select {RETURN} from withholding_return where state = 'accepted' "
        "order by received_at, pool, withholding_id, return_no"
    )
