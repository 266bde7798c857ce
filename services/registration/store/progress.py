"""SQL that counts how far a scheme has come, inside an area."""

from typing import Any

from shared.database import Reader

_UNIT = "join unit u on u.pool = {0}.pool and u.unit_code = {0}.unit_code"
_IN_FORCE = (
    "join enrolment e on e.pool = a.pool and e.enrolment_id = a.enrolment_id and e.revision = a.revision"
    " and e.state <> 'withdrawn'"
)
_WHERE = (
    "where {0}.pool = :pool and {0}.scheme = :scheme and starts_with(u.region, :area)"
    " and :unit_code in ('', u.unit_code)"
)


async def count_progress(tx: Reader, pool: str, scheme: str, area: str, unit_code: str = "") -> dict[str, Any]:
    """Every figure of the progress, from one snapshot; of one unit where it is named."""
    which = {"pool": pool, "scheme": scheme, "area": area, "unit_code": unit_code}
    heads = await tx.rows(
        "select count(*) filter (where e.state <> 'withdrawn') as enrolled,"
        " count(*) filter (where e.state = 'withdrawn') as withdrawn,"
        " count(*) filter (where e.kind = 'newborn' and e.state <> 'withdrawn') as newborns,"
        " count(*) filter (where exists (select 1 from cover c where c.pool = :pool"
        " and c.enrolment_id = e.enrolment_id and c.ended_at is null)) as covered"
        f" from enrolment e {_UNIT.format('e')} {_WHERE.format('e')}",
        **which,
    )
    expected = await tx.value(
        "select count(distinct w.person_id) from roster_row w"
        " join roster r on r.pool = w.pool and r.roster_id = w.roster_id"
        f" {_UNIT.format('r')} {_WHERE.format('w')} and w.person_id is not null",
        **which,
    )
    refused = await tx.rows(
        f"select f.code, count(*) as persons from refusal f {_UNIT.format('f')} {_WHERE.format('f')}"
        " group by f.code order by f.code",
        **which,
    )
    return {
        "expected": expected,
        **heads[0],
        "refused": {row["code"]: row["persons"] for row in refused},
        "assessed": await _assessed(tx, which),
        "roster_paid": await _roster_paid(tx, which),
    }


async def _assessed(tx: Reader, which: dict[str, str]) -> dict[str, Any]:
    totals = await tx.rows(
        "select count(*) as count, cast(coalesce(sum(a.standard_fen), 0) as bigint) as standard_fen"
        f" from assessment a {_IN_FORCE} {_UNIT.format('a')} {_WHERE.format('a')}",
        **which,
    )
    payers = await tx.rows(
        "select l.payer, cast(sum(l.amount_fen) as bigint) as amount_fen from assessment a"
        f" {_IN_FORCE} join assessment_line l on l.pool = a.pool and l.assessment_id = a.assessment_id"
        f" {_UNIT.format('a')} {_WHERE.format('a')} group by l.payer order by l.payer",
        **which,
    )
    return {**totals[0], "by_payer_fen": {row["payer"]: row["amount_fen"] for row in payers}}


async def _roster_paid(tx: Reader, which: dict[str, str]) -> dict[str, Any]:
    # The digest is a sum over persons, so that two services compare their sets without one order or one page.
    rows = await tx.rows(
        "select count(*) as heads, cast(coalesce(sum(e.paid_fen), 0) as bigint) as amount_fen, cast(coalesce(sum("
        "cast(cast('x' || substr(md5(cast(e.person_id as text)), 1, 15) as bit(60)) as bigint)), 0) as text) as digest"
        f" from enrolment e {_UNIT.format('e')} {_WHERE.format('e')} and e.state = 'paid' and e.paid_fen > 0",
        **which,
    )
    return dict(rows[0])
