"""Of the bank's journal: its three states agree with our books, and a reversal with what it reversed."""

from shared.invariants import Invariant

INVARIANTS = (
    Invariant(
        "bank_payment_is_booked",
        "A payment in the bank's journal stands in the books as its states say, and none is left unjudged",
        """
        select journal.pool, journal.institution || '/' || bank_date || '/' || bank_seq as subject
        from bank_journal as journal left join collection on collection.pool = journal.pool
            and collection.collection_id = journal.collection_id
        where kind = 'pay' and (
            (our_state = 'pending' and host_state = 'done')
            or (our_state in ('done', 'reversed')
                and (collection.channel, collection.bill_no, collection.amount_fen)
                    is distinct from ('bank', journal.bill_no, journal.amount_fen))
            or (our_state in ('done', 'reversed')
                and (collection.reversed_at is not null) <> (our_state = 'reversed'))
            or (our_state in ('done', 'reversed')
                and (collection.outcome = 'settled') <> (third_state in ('done', 'reversed'))))
        """,
    ),
    Invariant(
        "bank_reversal_has_its_original",
        "A reversal that took effect reversed its original or kept it from being booked; one that waits, waits for one",
        """
        select pool, institution || '/' || bank_date || '/' || bank_seq as subject
        from bank_journal as reversal
        where kind = 'reverse' and our_state in ('done', 'pending') and not exists (
            select 1 from bank_journal as original
            where original.pool = reversal.pool and original.institution = reversal.institution
            and original.bank_date = reversal.original_date and original.bank_seq = reversal.original_seq
            and original.host_state = 'reversed'
            and (original.our_state = 'pending') = (reversal.our_state = 'pending')
            and (original.third_state = 'reversed') = (reversal.third_state = 'done'))
        """,
    ),
    Invariant(
        "bank_taken_back_has_its_reversal",
        "A payment that was taken back, or is not to be booked, has the reversal that says so",
        """
        select pool, institution || '/' || bank_date || '/' || bank_seq as subject
        from bank_journal as original
        where kind = 'pay' and host_state = 'reversed' and not exists (
            select 1 from bank_journal as reversal
            where reversal.pool = original.pool and reversal.institution = original.institution
            and reversal.original_date = original.bank_date and reversal.original_seq = original.bank_seq
            and reversal.our_state in ('done', 'pending'))
        """,
    ),
)
