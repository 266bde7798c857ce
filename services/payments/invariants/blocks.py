"""What must hold of receipt books, and of the numbers that were handed out beforehand."""

from shared.invariants import Invariant

OPEN_NUMBERS = """
    select block.pool, block.book_code, each.number
    from receipt_block as block, generate_series(block.first_number, block.last_number) as each (number)
    where block.state <> 'written_off'
    and not exists (select 1 from receipt where receipt.pool = block.pool
        and receipt.book_code = block.book_code and receipt.number = each.number)
    and not exists (select 1 from receipt_unissued as other where other.pool = block.pool
        and other.book_code = block.book_code and other.number = each.number)
"""
"""Numbers that agents hold, or have given back and nobody has counted yet."""

INVARIANTS = (
    Invariant(
        "receipt_book_without_gap",
        "A book's numbers run from 1 to its last, each once: a receipt, one that became none, or still with an agent",
        f"""
        with number as (
            select pool, book_code, number from receipt
            union all select pool, book_code, number from receipt_unissued
            union all {OPEN_NUMBERS})
        select book.pool, book.book_code as subject
        from receipt_book as book left join (
            select pool, book_code, count(*) as counted, count(distinct number) as different, max(number) as highest
            from number group by pool, book_code) as seen
            on seen.pool = book.pool and seen.book_code = book.book_code
        where (coalesce(seen.counted, 0), coalesce(seen.different, 0), coalesce(seen.highest, 0)) is distinct
            from (book.last_number, book.last_number, book.last_number)
        """,
    ),
    Invariant(
        "block_number_is_its_agents",
        "A receipt under a number of a block was issued by the block's agent; no two blocks overlap",
        """
        select block.pool, block.block_id as subject
        from receipt_block as block join receipt on receipt.pool = block.pool
            and receipt.book_code = block.book_code
            and receipt.number between block.first_number and block.last_number
        where receipt.issued_by <> block.agent
        union all
        select block.pool, block.block_id
        from receipt_block as block join receipt_block as other on other.pool = block.pool
            and other.book_code = block.book_code and other.block_id <> block.block_id
            and other.first_number between block.first_number and block.last_number
        """,
    ),
    Invariant(
        "spoiled_line_gave_up_its_number",
        "The number on each spoiled line of a ledger is one that became no receipt, and nothing else spoiled one",
        """
        select coalesce(line.pool, other.pool) as pool,
            coalesce(line.receipt_no, other.book_code || '-' || other.number) as subject
        from (select pool, content->>'receipt_no' as receipt_no from ledger_line
            where kind = 'spoiled' and content->>'receipt_no' is not null) as line
        full join (select * from receipt_unissued where cause = 'spoiled') as other on other.pool = line.pool
            and other.book_code = substring(line.receipt_no from '^(.*)-')
            and other.number = cast(substring(line.receipt_no from '[0-9]+$') as bigint)
        where line.pool is null or other.pool is null
        """,
    ),
    Invariant(
        "unissued_number_lies_in_its_block",
        "A number that became no receipt lies in its block, and those given back are the count that was stated",
        """
        select other.pool, other.book_code || '-' || other.number as subject
        from receipt_unissued as other join receipt_block as block on block.pool = other.pool
            and block.block_id = other.block_id
        where other.book_code <> block.book_code
            or other.number not between block.first_number and block.last_number
        union all
        select block.pool, cast(block.block_id as text)
        from receipt_block as block left join receipt_unissued as other on other.pool = block.pool
            and other.block_id = block.block_id and other.cause = 'returned'
        group by block.pool, block.block_id
        having count(other.number)
            <> max(case block.state when 'written_off' then block.unused_count else 0 end)
        """,
    ),
)
