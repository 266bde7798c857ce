"""SQL of an agent's cash-book: what came in, what was taken back and what was handed over, by day."""

from collections.abc import Sequence

from shared.database import Reader, Row


async def days_of(tx: Reader, pool: str, area: str, agent: str) -> Sequence[Row]:
    """Every day on which an agent's money moved: money by the day the agent took it, slips by the day of the bank."""
    return await tx.rows(
        f"with book as (select ledger_id from ledger where pool = :pool and agent = :agent "
        f"and starts_with(region, :area)), move as ({_MOVES}) "
        "select day, cast(sum(cash_fen) as bigint) as cash_fen, cast(sum(electronic_fen) as bigint) as electronic_fen, "
        "cast(sum(taken_back_fen) as bigint) as taken_back_fen, "
        "cast(sum(handed_over_fen) as bigint) as handed_over_fen, "
        "cast(sum(sum(cash_fen + electronic_fen - taken_back_fen - handed_over_fen)) over (order by day) as bigint) "
        "as balance_fen from move group by day order by day",
        pool=pool,
        area=area,
        agent=agent,
    )


_MOVES = """
    select cast(collection.paid_at at time zone 'Asia/Shanghai' as date) as day,
        case when collection.method = 'cash' then line.amount_fen else 0 end as cash_fen,
        case when collection.method = 'cash' then 0 else line.amount_fen end as electronic_fen,
        0 as taken_back_fen, 0 as handed_over_fen
    from book join ledger_line as line on line.pool = :pool and line.ledger_id = book.ledger_id
        and line.kind = 'payment'
    join collection on collection.pool = line.pool and collection.collection_id = line.collection_id
    union all
    select cast(line.received_at at time zone 'Asia/Shanghai' as date), 0, 0, line.amount_fen, 0
    from book join ledger_line as line on line.pool = :pool and line.ledger_id = book.ledger_id
        and line.kind = 'contrary'
    union all
    select slip.paid_on, 0, 0, 0, slip.total_fen
    from book join remittance as slip on slip.pool = :pool and slip.ledger_id = book.ledger_id
        and slip.status = 'confirmed'
    """
