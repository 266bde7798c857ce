"""What must hold of bills, the money that comes for them, receipts, refunds and channels."""

from shared.invariants import Invariant

from ..rules.refunding import REFUND_AGE_LIMITS

_REFUND_LIMITS = " ".join(
    f"when '{state}' then make_interval(secs => {limit.total_seconds():.0f})"
    for state, limit in REFUND_AGE_LIMITS.items()
)

INVARIANTS = (
    Invariant(
        "bill_lines_sum_to_standard",
        "The payer lines of a bill sum to its standard, the person's lines to its amount",
        """
        select pool, bill_no as subject
        from bill
        where standard_fen <> (select coalesce(sum(cast(line->>'amount_fen' as bigint)), 0)
        from jsonb_array_elements(lines) as line)
        or amount_fen <> (select coalesce(sum(cast(line->>'amount_fen' as bigint)), 0)
        from jsonb_array_elements(lines) as line
        where line->>'payer' = 'person')
        """,
    ),
    Invariant(
        "paid_bill_was_told",
        "A paid bill and its bill.paid event agree in amount, person and day",
        """
        select bill.pool, bill.bill_no as subject
        from bill left join event on event.pool = bill.pool and event.type = 'bill.paid'
        and event.subject = bill.bill_no and event.version = bill.version
        where bill.status = 'paid' and (event.seq is null
        or cast(event.data->>'amount_fen' as bigint) <> bill.amount_fen
        or event.data->>'person_id' <> cast(bill.person_id as text)
        or event.data->>'paid_on' <> cast(bill.paid_on as text))
        """,
    ),
    Invariant(
        "told_bill_is_as_told",
        "A bill last told as paid is paid, one last told as reversed is not",
        """
        with told as (
            select distinct on (pool, subject) pool, subject, type from event
            where type in ('bill.paid', 'bill.reversed') order by pool, subject, seq desc)
        select told.pool, told.subject
        from told left join bill on bill.pool = told.pool and bill.bill_no = told.subject
        where bill.bill_no is null or (bill.status = 'paid') <> (told.type = 'bill.paid') and bill.status <> 'voided'
        """,
    ),
    Invariant(
        "paid_bill_has_its_money",
        "A paid bill with an amount has one settled collection of which so much was not released, one without has none",
        """
        select bill.pool, bill.bill_no as subject
        from bill left join collection on collection.pool = bill.pool and collection.settles = bill.bill_no
        where (bill.status = 'paid' and bill.amount_fen > 0) <> (collection.collection_id is not null)
        or collection.amount_fen - collection.released_fen <> bill.amount_fen
        or collection.person_id <> bill.person_id
        """,
    ),
    Invariant(
        "collection_is_as_submitted",
        "A collection holds what its submission said, and every submission was booked",
        """
        select submission.pool, submission.reference as subject
        from submission left join collection on collection.pool = submission.pool
        and collection.submission_id = submission.submission_id
        where collection.collection_id is null
        or (collection.amount_fen, collection.bill_no, collection.paid_at, collection.channel) is distinct
        from (submission.amount_fen, submission.bill_no, submission.paid_at, submission.channel)
        """,
    ),
    Invariant(
        "collection_is_posted",
        "Every collection stands in the ledger with its amount",
        """
        select collection.pool, collection.collection_id as subject
        from collection left join transfer on transfer.pool = collection.pool
        and transfer.kind = 'collect' and transfer.subject = cast(collection.collection_id as text)
        where transfer.amount_fen is distinct
        from collection.amount_fen
        or transfer.credit_account <> case outcome when 'settled' then 'premium/person' else outcome end
        """,
    ),
    Invariant(
        "collection_has_its_receipt",
        "Settled and surplus money has its receipt with the same amount, suspense has none",
        """
        select collection.pool, collection.collection_id as subject
        from collection left join receipt on receipt.pool = collection.pool
        and receipt.receipt_no = collection.receipt_no
        where (outcome = 'suspense') <> (receipt.receipt_no is null)
        or receipt.collection_id <> collection.collection_id or receipt.amount_fen <> collection.amount_fen
        or (reversed_at is not null and voided_at is null and receipt.receipt_no is not null)
            or (outcome = 'surplus' and refunded_fen > 0 and voided_at is null)
            or (refunded_fen = collection.amount_fen and voided_at is null and receipt.receipt_no is not null)
        """,
    ),
    Invariant(
        "refunded_is_paid_back",
        "What a collection has refunded is the sum of its refunds, each in the ledger; what it promised is on its way",
        """
        with paid as (
            select refund.pool, refund.collection_id,
                sum(refund.amount_fen) filter (where state = 'settled') as amount_fen,
                sum(refund.amount_fen) filter (where state in ('submitted', 'processing', 'abnormal')) as promised_fen,
                sum(transfer.amount_fen) as posted_fen
            from refund left join transfer on transfer.pool = refund.pool and transfer.kind = 'pay_back'
                and transfer.subject = cast(refund.refund_id as text)
            group by refund.pool, refund.collection_id)
        select collection.pool, collection.collection_id as subject
        from collection left join paid on paid.pool = collection.pool
            and paid.collection_id = collection.collection_id
        where coalesce(paid.amount_fen, 0) <> refunded_fen or coalesce(paid.posted_fen, 0) <> refunded_fen
            or coalesce(paid.promised_fen, 0) <> refunding_fen
        """,
    ),
    Invariant(
        "released_is_posted",
        "What a collection owes back stands in the ledger as released, or came as surplus; reversed money owes nothing",
        """
        with posted as (
            select pool, split_part(subject, '/', 1) as collection_id,
                sum(case kind when 'release' then amount_fen else -amount_fen end) as amount_fen
            from transfer where kind in ('release', 'release_reversed') group by 1, 2)
        select collection.pool, collection.collection_id as subject
        from collection left join posted on posted.pool = collection.pool
            and posted.collection_id = cast(collection.collection_id as text)
        where coalesce(posted.amount_fen, 0)
            <> case when outcome = 'surplus' or reversed_at is not null then 0 else released_fen end
        """,
    ),
    Invariant(
        "surplus_is_owed_back",
        "The surplus account holds what is owed back and has not been paid back",
        """
        with held as (
            select pool, sum(fen) as fen
            from (select pool, amount_fen as fen from transfer where credit_account = 'surplus'
                union all select pool, -amount_fen from transfer where debit_account = 'surplus') as posting
            group by pool),
        owed as (
            select pool, sum(released_fen - refunded_fen) as fen
            from collection where reversed_at is null group by pool)
        select coalesce(held.pool, owed.pool) as pool, 'surplus' as subject
        from held full join owed on owed.pool = held.pool
        where coalesce(held.fen, 0) <> coalesce(owed.fen, 0)
        """,
    ),
    Invariant(
        "voided_bill_was_told",
        "A voided bill was told as such, unless it was never due; what took its place is of the same person",
        """
        select bill.pool, bill.bill_no as subject
        from bill left join event on event.pool = bill.pool and event.type = 'bill.voided'
            and event.subject = bill.bill_no
        left join bill as after on after.pool = bill.pool and after.replaces = bill.bill_no
        where (bill.status = 'voided' and bill.void_reason <> 'paid_before') <> (event.seq is not null)
            or after.person_id <> bill.person_id or event.data->>'replaced_by' is distinct from after.bill_no
        """,
    ),
    Invariant(
        "refund_has_an_outcome",
        "No refund is without its end longer than its state may last, by wall time",
        f"select pool, refund_id as subject from refund where waiting_since < now() - case state {_REFUND_LIMITS} end",
    ),
    Invariant(
        "refund_has_one_end",
        "No channel has said another end of a refund than the one on record",
        "select pool, coalesce(detail->>'refund_id', '') as subject from audit_line "
        "where action = 'refund.contradicted'",
    ),
    Invariant(
        "closed_shift_holds_nothing",
        "A closed shift has handed over all it took: cards to the special account, cash to be deposited",
        """
        with held as (
            select pool, account, sum(fen) as fen
            from (select pool, debit_account as account, amount_fen as fen from transfer
                union all select pool, credit_account, -amount_fen from transfer) as posting
            where account like 'held/shift/%'
            group by pool, account)
        select shift.pool, shift.shift_id as subject
        from shift join held on held.pool = shift.pool and held.account = 'held/shift/' || shift.shift_id
        where shift.status <> 'open' and held.fen <> 0
        """,
    ),
    Invariant(
        "claims_match_settled_bills",
        "The claims on other payers are the other payers' lines of the paid bills",
        """
        with claim as (
            select pool, bill_no, sum(case kind when 'claim' then amount_fen else -amount_fen end) as claimed_fen
            from transfer where kind in ('claim', 'claim_reversed') group by pool, bill_no)
        select bill.pool, bill.bill_no as subject
        from bill left join claim on claim.pool = bill.pool and claim.bill_no = bill.bill_no
        where coalesce(claim.claimed_fen, 0)
            <> case when bill.status = 'paid' then bill.standard_fen - bill.amount_fen else 0 end
        """,
    ),
    Invariant(
        "tax_event_is_booked",
        "Every event of the tax bureau stands with the collection that it was answered with",
        """
        with told as materialized (
            select home_pool, event_id, collection_id, outcome, reason, receipt_no from tax_event),
        booked as materialized (
            select submission.pool, submission.reference, collection.collection_id, collection.outcome,
                collection.reason, collection.receipt_no, (select array_agg(receipt.receipt_no) from receipt
                    where receipt.pool = collection.pool and receipt.collection_id = collection.collection_id) as given
            from submission left join collection on collection.pool = submission.pool
                and collection.submission_id = submission.submission_id
            where submission.channel = 'etax')
        select told.home_pool as pool, told.event_id as subject
        from told left join booked on booked.pool = told.home_pool and booked.reference = told.event_id
        where (told.collection_id, told.outcome, told.reason) is distinct
            from (booked.collection_id, booked.outcome, booked.reason)
        or told.receipt_no is distinct from booked.receipt_no
            and (told.receipt_no = any(booked.given)) is not true
        or told.collection_id is null
        """,
    ),
)
