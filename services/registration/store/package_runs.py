"""SQL about packages over everybody who is enrolled: the run and its lease, its people, its sums, whom it changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import package_run, package_run_change, package_run_refusal, package_run_sum

_RUN = (
    "pool, run_id, purpose, scheme, package_scheme, package, state, last_id, persons_total, persons_done,"
    " persons_changed, persons_refused, persons_left, started_by, started_at, ended_at, version"
)


async def insert_run(tx: Writer, row: Mapping[str, Any]) -> None:
    """A run that was started; how many people it will meet is counted here."""
    [counted] = await tx.rows(
        "select count(*) as persons_total from enrolment"
        " where pool = :pool and scheme = :scheme and state <> 'withdrawn'",
        pool=row["pool"],
        scheme=row["scheme"],
    )
    await tx.insert(package_run, [{**row, **counted}])


async def find_run(tx: Reader, pool: str, purpose: str, run_id: UUID) -> Row | None:
    """One run of a purpose."""
    return await tx.row(
        f"select {_RUN} from package_run where pool = :pool and run_id = :run_id and purpose = :purpose",
        pool=pool,
        run_id=run_id,
        purpose=purpose,
    )


async def find_correction(tx: Reader, pool: str, scheme: str, version: str) -> Row | None:
    """The run by which everybody was assessed anew when a version was published."""
    return await tx.row(
        f"select {_RUN} from package_run where pool = :pool and package_scheme = :scheme and package = :version"
        " and purpose = 'correction'",
        pool=pool,
        scheme=scheme,
        version=version,
    )


async def list_runs(
    tx: Reader, pool: str, purpose: str, scheme: str, *, after: UUID | None, limit: int
) -> Sequence[Row]:
    """The runs of a scheme's packages in the order in which they were started; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_RUN} from package_run where pool = :pool and purpose = :purpose and package_scheme = :scheme"
        " and (cast(:after as uuid) is null or run_id > :after) order by run_id limit :limit",
        pool=pool,
        purpose=purpose,
        scheme=scheme,
        after=after,
        limit=limit + 1,
    )


async def claim_running(tx: Writer, pool: str, purpose: str, now: datetime, until: datetime) -> Row | None:
    """Take the oldest run of a pool that nobody works on, for the time until `until`; both are wall time."""
    return await tx.row(
        "update package_run set free_from = :until where pool = :pool and run_id = ("
        "select run_id from package_run where pool = :pool and purpose = :purpose and state = 'running'"
        f" and free_from <= :now order by started_at, run_id limit 1 for update skip locked) returning {_RUN}",
        pool=pool,
        purpose=purpose,
        now=now,
        until=until,
    )


async def lock_run(tx: Writer, pool: str, run_id: UUID) -> Row:
    """One run that is known to be there, its row locked until the transaction ends."""
    found = await tx.row(
        f"select {_RUN} from package_run where pool = :pool and run_id = :run_id for update", pool=pool, run_id=run_id
    )
    assert found is not None
    return found


async def advance(tx: Writer, pool: str, run_id: UUID, told: Mapping[str, Any]) -> None:
    """Move a locked run on: state and end, cursor and lease, and how many more persons were done, and how."""
    await tx.execute(
        "update package_run set state = :state, ended_at = :ended_at, last_id = :last_id, free_from = :free_from,"
        " persons_done = persons_done + :done, persons_changed = persons_changed + :changed,"
        " persons_refused = persons_refused + :refused, persons_left = persons_left + :left, version = version + 1"
        " where pool = :pool and run_id = :run_id",
        pool=pool,
        run_id=run_id,
        **told,
    )


async def cancel_run(tx: Writer, pool: str, run_id: UUID, at: datetime) -> None:
    """Cancel a locked run."""
    await tx.execute(
        "update package_run set state = 'cancelled', ended_at = :at, version = version + 1"
        " where pool = :pool and run_id = :run_id and state = 'running'",
        pool=pool,
        run_id=run_id,
        at=at,
    )


async def cancel_corrections(tx: Writer, pool: str, scheme: str, at: datetime) -> None:
    """Cancel what earlier corrections of a scheme have left undone."""
    await tx.execute(
        "update package_run set state = 'cancelled', ended_at = :at, version = version + 1"
        " where pool = :pool and scheme = :scheme and purpose = 'correction' and state = 'running'",
        pool=pool,
        scheme=scheme,
        at=at,
    )


async def cancel_runs_of(tx: Writer, pool: str, scheme: str, version: str, at: datetime) -> None:
    """Cancel every run of a version."""
    await tx.execute(
        "update package_run set state = 'cancelled', ended_at = :at, version = version + 1"
        " where pool = :pool and package_scheme = :scheme and package = :package and state = 'running'",
        pool=pool,
        scheme=scheme,
        package=version,
        at=at,
    )


async def read_members(tx: Reader, pool: str, scheme: str, *, after: UUID | None, limit: int) -> Sequence[Row]:
    """The next people who are enrolled in a scheme, with facts and assessment in force, by enrolment."""
    return await tx.rows(
        "select e.enrolment_id, e.person_id, e.unit_code, e.kind, e.facts, e.paid_on, a.package, a.assessed_for,"
        " a.standard_fen, a.payable_fen, a.covered_from, a.covered_to,"
        " (select coalesce(jsonb_agg(jsonb_build_object('payer', l.payer, 'amount_fen', l.amount_fen,"
        " 'status', l.status, 'rules', l.rules) order by l.line_no), '[]') from assessment_line l"
        " where l.pool = :pool and l.assessment_id = a.assessment_id) as lines"
        " from (select * from enrolment where pool = :pool and scheme = :scheme and state <> 'withdrawn'"
        " and (cast(:after as uuid) is null or enrolment_id > :after) order by enrolment_id limit :limit) e"
        " join assessment a on a.pool = :pool and a.enrolment_id = e.enrolment_id and a.revision = e.revision"
        " order by e.enrolment_id",
        pool=pool,
        scheme=scheme,
        after=after,
        limit=limit,
    )


async def insert_changes(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Whom a run changes."""
    await tx.insert(package_run_change, rows)


async def add_sums(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to the sums of a run, by group and payer."""
    added = ("persons_before", "before_fen", "persons_after", "after_fen")
    told = ", ".join(f"{name} = package_run_sum.{name} + excluded.{name}" for name in added)
    tail = f"on conflict (pool, run_id, kind, helped_as, payer) do update set {told}"
    await tx.insert(package_run_sum, rows, tail=tail)


async def add_refusals(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to the persons whom a run would refuse, by reason."""
    told = "persons = package_run_refusal.persons + excluded.persons"
    await tx.insert(package_run_refusal, rows, tail=f"on conflict (pool, run_id, code) do update set {told}")


async def list_sums(tx: Reader, pool: str, run_id: UUID) -> Sequence[Row]:
    """The sums of a run by group and payer."""
    return await tx.rows(
        "select kind, nullif(helped_as, '') as helped_as, payer, persons_before, before_fen, persons_after, after_fen"
        " from package_run_sum where pool = :pool and run_id = :run_id order by kind, helped_as nulls first, payer",
        pool=pool,
        run_id=run_id,
    )


async def list_refusals(tx: Reader, pool: str, run_id: UUID) -> Sequence[Row]:
    """How many a run would refuse, by reason."""
    return await tx.rows(
        "select code, persons from package_run_refusal where pool = :pool and run_id = :run_id order by code",
        pool=pool,
        run_id=run_id,
    )


async def list_changes(
    tx: Reader, pool: str, run_id: UUID, *, effect: str | None, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Whom a run changes, by enrolment; `limit` + 1 rows."""
    return await tx.rows(
        "select enrolment_id, person_id, unit_code, kind, paid, effect, before, after, reasons from package_run_change"
        " where pool = :pool and run_id = :run_id and (cast(:effect as text) is null or effect = :effect)"
        " and (cast(:after as uuid) is null or enrolment_id > :after) order by enrolment_id limit :limit",
        pool=pool,
        run_id=run_id,
        effect=effect,
        after=after,
        limit=limit + 1,
    )
