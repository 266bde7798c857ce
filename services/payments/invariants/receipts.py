"""What must hold of receipts: one that counts for each payment, red ones, fiscal numbers, and the nights' proofs."""

from shared.invariants import Invariant

INVARIANTS = (
    Invariant(
        "valid_receipt_is_named",
        "A receipt that counts is the one that its money names",
        """
        select receipt.pool, receipt.receipt_no as subject
        from receipt join collection on collection.pool = receipt.pool
            and collection.collection_id = receipt.collection_id
        where receipt.state = 'issued' and receipt.receipt_no <> collection.receipt_no
        """,
    ),
    Invariant(
        "red_receipt_offsets_whole",
        "A receipt is offset where a red one of its full amount names it, and nowhere else",
        """
        select receipt.pool, receipt.receipt_no as subject
        from receipt left join red_receipt as red on red.pool = receipt.pool and red.book_code = receipt.book_code
            and red.original_number = receipt.number
        where (receipt.state = 'offset') <> (red.number is not null) or red.amount_fen <> receipt.amount_fen
        """,
    ),
    Invariant(
        "red_receipts_without_gap",
        "A book's red receipts run from 1 to their last number",
        """
        select book.pool, book.book_code as subject
        from receipt_book as book left join (
            select pool, book_code, count(*) as issued, max(number) as highest from red_receipt
            group by pool, book_code) as seen on seen.pool = book.pool and seen.book_code = book.book_code
        where (coalesce(seen.issued, 0), coalesce(seen.highest, 0)) <> (book.last_red_number, book.last_red_number)
        """,
    ),
    Invariant(
        "receipt_replaces_a_cancelled_one",
        "A receipt issued instead of another stands for the same money, and the other does not count",
        """
        select receipt.pool, receipt.receipt_no as subject
        from receipt join receipt as earlier on earlier.pool = receipt.pool
            and earlier.book_code = receipt.book_code and earlier.number = receipt.replaces
        where earlier.state = 'issued' or earlier.number >= receipt.number
            or (earlier.collection_id, earlier.amount_fen) is distinct from (receipt.collection_id, receipt.amount_fen)
        """,
    ),
    Invariant(
        "segments_do_not_overlap",
        "A number of a book is in one segment, and a fiscal number was given out once, over all pools",
        """
        select segment.pool, segment.segment_id as subject
        from (select *, lag(last_number) over (partition by pool, book_code, series order by first_number) as before,
                lag(first_fiscal + last_number - first_number) over (partition by code order by first_fiscal)
                    as fiscal_before
            from receipt_segment) as segment
        where segment.before + 1 <> segment.first_number or segment.before is null and segment.first_number <> 1
            or segment.fiscal_before >= segment.first_fiscal
        """,
    ),
    Invariant(
        "receipt_proof_finds_nothing",
        "No night has found a number missing or a fiscal number that stands twice",
        """
        select pool, book_code || ' ' || day as subject from receipt_proof
        where missing_count <> 0 or doubled_count <> 0
        """,
    ),
    Invariant(
        "receipt_proof_stands",
        "What a night has proven is still there: the same numbers with the same amounts for the same money",
        """
        select proof.pool, proof.book_code || ' ' || proof.day as subject
        from receipt_proof as proof left join lateral (
            select md5(string_agg(receipt.number || ':' || receipt.amount_fen || ':' || receipt.collection_id, ','
                order by receipt.number)) as digest
            from receipt where receipt.pool = proof.pool and receipt.book_code = proof.book_code
            and receipt.number between proof.first_number and proof.last_number
            and receipt.issued_at < cast(proof.day + 1 as timestamp) at time zone 'Asia/Shanghai') as now on true
        where now.digest is distinct from proof.digest
        """,
    ),
)
