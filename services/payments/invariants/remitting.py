"""What must hold of agents' ledgers, slips and claims."""

from shared.invariants import Invariant

_BALANCES = """
    balance as (
        select pool, account, sum(fen) as fen
        from (select pool, debit_account as account, amount_fen as fen from transfer
            union all select pool, credit_account, -amount_fen from transfer) as posting
        where starts_with(account, '{prefix}')
        group by pool, account)
    """

INVARIANTS = (
    Invariant(
        "agent_money_is_in_a_ledger",
        "All money of the agent channel stands in a ledger line under its number, with its bill and amount",
        """
        select collection.pool, collection.collection_id as subject
        from submission join collection on collection.pool = submission.pool
            and collection.submission_id = submission.submission_id
        left join ledger_line as line on line.pool = collection.pool
            and line.collection_id = collection.collection_id and line.kind = 'payment'
        where submission.channel = 'agent' and (line.line_no is null
            or submission.reference <> line.ledger_id || '/' || line.line_no
            or line.amount_fen <> collection.amount_fen or line.content->>'bill_no' <> collection.bill_no)
        """,
    ),
    Invariant(
        "batch_line_is_in_the_ledger",
        "Every line of an offline batch that was not refused stands in the ledger; a taken batch is whole",
        """
        select batch.pool, batch.batch_id as subject
        from ledger_batch as batch join ledger_batch_line as row on row.pool = batch.pool
            and row.batch_id = batch.batch_id and row.result <> 'refused'
        left join ledger_line as line on line.pool = batch.pool and line.ledger_id = batch.ledger_id
            and line.line_no = row.line_no
        where line.line_no is null or line.collection_id is distinct from row.collection_id
        union all
        select batch.pool, batch.batch_id from ledger_batch as batch
        left join ledger_batch_line as row on row.pool = batch.pool and row.batch_id = batch.batch_id
        where batch.state = 'taken' group by batch.pool, batch.batch_id, batch.lines_count
        having count(row.row_no) <> batch.lines_count
        """,
    ),
    Invariant(
        "contrary_line_took_its_money_back",
        "Each contrary line reversed the money of its payment line, and nothing else reversed an agent's money",
        """
        select coalesce(line.pool, collection.pool) as pool,
            coalesce(line.collection_id, collection.collection_id) as subject
        from (select * from ledger_line where kind = 'contrary') as line
        full join (select * from collection where channel = 'agent' and reversed_at is not null) as collection
            on collection.pool = line.pool and collection.collection_id = line.collection_id
        left join ledger_line as target on target.pool = line.pool and target.ledger_id = line.ledger_id
            and target.line_no = line.contrary_of and target.kind = 'payment'
        where line.amount_fen is distinct from collection.amount_fen
            or target.collection_id is distinct from collection.collection_id
        """,
    ),
    Invariant(
        "closed_ledger_is_as_signed",
        "A closed ledger has no gap, and counts, sum and hash are those that the head signed",
        """
        with found as (
            select pool, ledger_id, count(*) as lines, max(line_no) as last_line_no,
                count(*) filter (where kind = 'payment') as payments_count,
                count(*) filter (where kind = 'contrary') as contrary_count,
                sum(case kind when 'payment' then amount_fen when 'contrary' then -amount_fen else 0 end) as fen,
                string_agg(line_no || ' ' || line_hash, chr(10) order by line_no) as hashes
            from ledger_line group by pool, ledger_id)
        select ledger.pool, ledger.ledger_id as subject
        from ledger left join found on found.pool = ledger.pool and found.ledger_id = ledger.ledger_id
        where ledger.status <> 'open' and (found.lines <> found.last_line_no
            or ledger.payments_count <> coalesce(found.payments_count, 0)
            or ledger.contrary_count <> coalesce(found.contrary_count, 0)
            or ledger.collected_fen <> coalesce(found.fen, 0)
            or ledger.ledger_hash <> encode(sha256(convert_to(coalesce(found.hashes, ''), 'UTF8')), 'hex'))
        """,
    ),
    Invariant(
        "agent_holds_what_was_not_handed_over",
        "An agent's account is the money that stands, less confirmed slips; zero where the ledger is remitted",
        f"""
        with {_BALANCES.format(prefix="held/agent/")},
        owed as (
            select line.pool, line.ledger_id, sum(collection.amount_fen) as fen
            from ledger_line as line join collection on collection.pool = line.pool
                and collection.collection_id = line.collection_id
            where line.kind = 'payment' and collection.reversed_at is null and not exists (
                select 1 from remittance_receipt as item join remittance as slip on slip.pool = item.pool
                    and slip.remittance_id = item.remittance_id and slip.status = 'confirmed'
                where item.pool = line.pool and item.collection_id = line.collection_id)
            group by line.pool, line.ledger_id)
        select ledger.pool, ledger.ledger_id as subject
        from ledger left join balance on balance.pool = ledger.pool
            and balance.account = 'held/agent/' || ledger.ledger_id
        left join owed on owed.pool = ledger.pool and owed.ledger_id = ledger.ledger_id
        where coalesce(balance.fen, 0) <> coalesce(owed.fen, 0)
            or (ledger.status = 'remitted') <> (ledger.status <> 'open' and owed.fen is null)
        """,
    ),
    Invariant(
        "town_holds_what_was_not_handed_on",
        "A town's account is the slips confirmed to it, less those in confirmed slips to the special account",
        f"""
        with {_BALANCES.format(prefix="held/town/")},
        owed as (
            select slip.pool, slip.to_account as account, sum(slip.total_fen) as fen from remittance as slip
            where slip.status = 'confirmed' and starts_with(slip.to_account, 'held/town/') and not exists (
                select 1 from remittance_part as part join remittance as parent on parent.pool = part.pool
                    and parent.remittance_id = part.remittance_id and parent.status = 'confirmed'
                where part.pool = slip.pool and part.part_id = slip.remittance_id)
            group by slip.pool, slip.to_account)
        select coalesce(balance.pool, owed.pool) as pool, coalesce(balance.account, owed.account) as subject
        from balance full join owed on owed.pool = balance.pool and owed.account = balance.account
        where coalesce(balance.fen, 0) <> coalesce(owed.fen, 0)
        """,
    ),
    Invariant(
        "counter_holds_what_was_not_deposited",
        "A counter's account is the cash of its closed shifts, with booked differences, less confirmed slips",
        f"""
        with {_BALANCES.format(prefix="held/counter/")},
        owed as (
            select shift.pool, 'held/counter/' || shift.counter_code as account, sum(shift.deposit_fen) as fen
            from shift where shift.status <> 'open' and not exists (
                select 1 from remittance_shift as item join remittance as slip on slip.pool = item.pool
                    and slip.remittance_id = item.remittance_id and slip.status = 'confirmed'
                where item.pool = shift.pool and item.shift_id = shift.shift_id)
            group by 1, 2)
        select coalesce(balance.pool, owed.pool) as pool, coalesce(balance.account, owed.account) as subject
        from balance full join owed on owed.pool = balance.pool and owed.account = balance.account
        where coalesce(balance.fen, 0) <> coalesce(owed.fen, 0)
        """,
    ),
    Invariant(
        "slip_is_what_stands_in_it",
        "A slip's total and count are those of its receipts or slips, each with its amount; a rejected one binds none",
        """
        with item as (
            select item.pool, item.remittance_id, item.amount_fen, item.live,
                item.amount_fen = collection.amount_fen and slip.from_account = 'held/agent/' || line.ledger_id
                    and (collection.reversed_at is null or not item.live) as fits
            from remittance_receipt as item join remittance as slip on slip.pool = item.pool
                and slip.remittance_id = item.remittance_id
            join collection on collection.pool = item.pool and collection.collection_id = item.collection_id
            join ledger_line as line on line.pool = item.pool and line.collection_id = item.collection_id
                and line.kind = 'payment'
            union all
            select part.pool, part.remittance_id, part.amount_fen, part.live,
                part.amount_fen = slip.total_fen and slip.status = 'confirmed' and slip.to_account = parent.from_account
            from remittance_part as part join remittance as slip on slip.pool = part.pool
                and slip.remittance_id = part.part_id
            join remittance as parent on parent.pool = part.pool and parent.remittance_id = part.remittance_id
            union all
            select item.pool, item.remittance_id, item.amount_fen, item.live,
                item.amount_fen = shift.deposit_fen and shift.status = 'closed'
                    and slip.from_account = 'held/counter/' || shift.counter_code
            from remittance_shift as item join remittance as slip on slip.pool = item.pool
                and slip.remittance_id = item.remittance_id
            join shift on shift.pool = item.pool and shift.shift_id = item.shift_id),
        sums as (
            select pool, remittance_id, count(*) as count, sum(amount_fen) as fen, bool_and(fits) as fits,
                bool_or(live) as any_live, bool_and(live) as all_live
            from item group by pool, remittance_id)
        select slip.pool, slip.remittance_id as subject
        from remittance as slip left join sums on sums.pool = slip.pool and sums.remittance_id = slip.remittance_id
        where (slip.items_count, slip.total_fen) is distinct from (sums.count, sums.fen) or not fits
            or case slip.status when 'rejected' then any_live else not all_live end
        """,
    ),
    Invariant(
        "confirmed_slip_has_moved",
        "The money of a confirmed slip has moved, that of another has not",
        """
        select slip.pool, slip.remittance_id as subject
        from remittance as slip left join transfer on transfer.pool = slip.pool and transfer.kind = 'remit'
            and transfer.subject = cast(slip.remittance_id as text)
        where (slip.status = 'confirmed') <> (transfer.transfer_id is not null)
            or (transfer.debit_account, transfer.credit_account, transfer.amount_fen)
                <> (slip.to_account, slip.from_account, slip.total_fen)
        """,
    ),
    Invariant(
        "claim_receipt_is_posted",
        "Money received on a claim is posted when confirmed, and no payer paid more than was ever claimed",
        """
        select receipt.pool, coalesce(cast(receipt.claim_receipt_id as text), posting.subject) as subject
        from claim_receipt as receipt full join (select * from transfer where kind = 'claim_received') as posting
            on posting.pool = receipt.pool and posting.subject = cast(receipt.claim_receipt_id as text)
        where (receipt.status = 'confirmed') is distinct from (posting.transfer_id is not null)
            or (posting.credit_account, posting.amount_fen) <> ('claim/' || receipt.payer, receipt.amount_fen)
        union all
        select pool, account from (
            select pool, debit_account as account, amount_fen as fen from transfer
            union all select pool, credit_account, -amount_fen from transfer where kind = 'claim_received') as posting
        where starts_with(account, 'claim/') group by pool, account having sum(fen) < 0
        """,
    ),
)
