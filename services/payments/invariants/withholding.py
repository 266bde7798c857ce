"""What must hold of agreements and batches of withholding, and what of them waits too long."""

from shared.invariants import Invariant, alarm

from ..rules.withholding import RETURN_JUDGED_WITHIN, WITHHOLDING_AGE_LIMITS, WithholdingState

INVARIANTS = (
    Invariant(
        "withheld_line_is_booked",
        "A line that was debited stands in the books with its bill and amount; only its whole amount settled it",
        """
        select line.pool, line.withholding_id || '/' || line.bill_no as subject
        from withholding_line as line left join collection on collection.pool = line.pool
            and collection.collection_id = line.collection_id
        where line.state in ('debited', 'partial') and (
            (collection.channel, collection.bill_no, collection.amount_fen)
                is distinct from ('bank', line.bill_no, line.debited_fen)
            or (line.state = 'partial' and collection.outcome = 'settled'))
        """,
    ),
    Invariant(
        "withheld_money_has_its_line",
        "Standing money that a bank withheld is one line's of a batch, unless two people corrected it by a statement",
        """
        select collection.pool, collection.collection_id as subject from collection join submission
            on submission.pool = collection.pool and submission.submission_id = collection.submission_id
        where collection.method = 'withholding' and submission.reference not like '%#%'
            and collection.reversed_at is null
            and 1 <> (select count(*) from withholding_line as line
            where line.pool = collection.pool and line.collection_id = collection.collection_id)
        """,
    ),
    Invariant(
        "ended_batch_has_no_line_without_a_word",
        "Of a batch that has ended no line waits, and what was sent is what its lines come to",
        """
        select batch.pool, batch.withholding_id as subject from withholding as batch
        left join lateral (select count(*) filter (where state = 'asked') as asked, count(seq) as lines,
            sum(amount_fen) filter (where seq is not null) as fen from withholding_line as line
            where line.pool = batch.pool and line.withholding_id = batch.withholding_id) as found on true
        where (batch.state in ('closed', 'refused', 'cancelled') and found.asked > 0)
            or (batch.released_at is not null
                and (batch.line_count, batch.total_fen) is distinct from (found.lines, found.fen))
        """,
    ),
    Invariant(
        "withheld_bill_is_not_ordered",
        "A bill that a bank was asked to debit has no order that can be paid: it would be paid twice",
        """
        select line.pool, line.withholding_id || '/' || line.bill_no as subject from withholding_line as line
        join withholding as batch on batch.pool = line.pool and batch.withholding_id = line.withholding_id
            and batch.released_at is not null
        join channel_order as o on o.pool = line.pool and o.bill_no = line.bill_no
            and o.status in ('created', 'open', 'closing')
        where line.state = 'asked'
        """,
    ),
    Invariant(
        "agreement_stands_for_its_persons",
        "Persons are bound by an agreement as long as it is valid, and no longer",
        """
        select person.pool, person.agreement_id || '/' || person.person_id as subject
        from agreement_person as person join agreement on agreement.pool = person.pool
            and agreement.agreement_id = person.agreement_id
        where person.standing <> (agreement.state = 'valid')
        """,
    ),
)

ALARMS = (
    alarm(
        "withholding_is_released",
        "A batch of withholding is released or cancelled within a day",
        "select pool, withholding_id as subject from withholding where state = 'built'",
        since="built_at",
        limit=WITHHOLDING_AGE_LIMITS[WithholdingState.BUILT],
    ),
    alarm(
        "withholding_is_answered",
        "A bank answers a batch of withholding within three days",
        "select pool, withholding_id as subject from withholding where state = 'sent'",
        since="released_at",
        limit=WITHHOLDING_AGE_LIMITS[WithholdingState.SENT],
    ),
    alarm(
        "withholding_comes_to_its_end",
        "Every line of a batch of withholding has the bank's last word within five days",
        "select pool, withholding_id as subject from withholding where state = 'returned'",
        since="released_at",
        limit=WITHHOLDING_AGE_LIMITS[WithholdingState.RETURNED],
    ),
    alarm(
        "withholding_return_is_judged",
        "A return file whose totals differ is accepted or rejected within two days",
        "select pool, withholding_id || '/' || return_no as subject from withholding_return where state = 'differs'",
        since="received_at",
        limit=RETURN_JUDGED_WITHIN,
    ),
)
