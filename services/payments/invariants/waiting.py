"""What waits for somebody longer than it may. Each is helped by doing what is due, which may be tried again."""

from datetime import timedelta

from shared.invariants import alarm

ALARMS = (
    alarm(
        "shift_is_closed",
        "A shift is counted and closed within a day",
        "select pool, shift_id as subject from shift where status = 'open'",
        since="opened_at",
        limit=timedelta(days=1),
    ),
    alarm(
        "cash_is_deposited",
        "The cash of a shift stands in a deposit slip by the end of the next working day",
        "select pool, shift_id as subject from shift where deposit_fen <> 0 and not exists (select 1 "
        "from remittance_shift as item where item.pool = shift.pool and item.shift_id = shift.shift_id and item.live)",
        since="cast(deposit_due_on + 1 as timestamp) at time zone 'Asia/Shanghai'",
        limit=timedelta(0),
    ),
    alarm(
        "cash_difference_is_booked",
        "What a drawer held more or less than it should is booked by a second person within three days",
        "select pool, shift_id as subject from shift where status = 'differs'",
        since="closed_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "card_terminal_is_registered",
        "Cards are charged at terminals that are registered at the counter",
        "select sale.pool, sale.terminal_no || '/' || sale.batch_no || '/' || sale.trace_no as subject "
        "from pos_sale as sale join shift on shift.pool = sale.pool and shift.shift_id = sale.shift_id "
        "where not exists (select 1 from pos_terminal as known where known.pool = sale.pool "
        "and known.terminal_no = sale.terminal_no and known.counter_code = shift.counter_code "
        "and (known.withdrawn_at is null or known.withdrawn_at > sale.paid_at))",
        since="sale.paid_at",
        limit=timedelta(0),
    ),
    alarm(
        "slip_is_checked",
        "A slip is confirmed or rejected within three days",
        "select pool, remittance_id as subject from remittance where status = 'submitted'",
        since="submitted_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "claim_receipt_is_checked",
        "What another payer paid is confirmed or rejected within three days",
        "select pool, claim_receipt_id as subject from claim_receipt where status = 'submitted'",
        since="submitted_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "channel_file_is_there",
        "A channel's file of a day that we fetch is there, or there is none, by the third day after",
        "select pool, concat_ws(' ', channel, kind, day) as subject from channel_file where state = 'wanted'",
        since="cast(day as timestamptz)",
        limit=timedelta(days=4),
    ),
    alarm(
        "closed_ledger_is_remitted",
        "Of a closed ledger every fen is on a confirmed slip within a week",
        "select pool, ledger_id as subject from ledger where status = 'closed'",
        since="closed_at",
        limit=timedelta(days=7),
    ),
    alarm(
        "ledger_batch_is_taken",
        "The lines of an offline batch are in the ledger within an hour",
        "select pool, batch_id as subject from ledger_batch where state = 'received'",
        since="received_at",
        limit=timedelta(hours=1),
    ),
    alarm(
        "refused_line_is_mended",
        "A line that came back out of an offline batch comes again within a week: its money has been taken",
        "select distinct batch.pool, batch.batch_id as subject from ledger_batch as batch "
        "join ledger_batch_line as line on line.pool = batch.pool and line.batch_id = batch.batch_id "
        "and line.result = 'refused' where batch.state = 'taken' and not exists (select 1 from ledger_line as mended "
        "where mended.pool = batch.pool and mended.ledger_id = batch.ledger_id and mended.line_no = line.line_no)",
        since="batch.taken_at",
        limit=timedelta(days=7),
    ),
    alarm(
        "receipt_block_comes_back",
        "What is left of a block is given back within a week of the agent's last ledger being closed",
        "select pool, block_id as subject from (select block.pool, block.block_id, max(closed_at) as closed_at "
        "from receipt_block as block join ledger on ledger.pool = block.pool and ledger.agent = block.agent "
        "and ledger.unit_code = block.book_code where block.state = 'issued' group by block.pool, block.block_id "
        "having bool_and(ledger.status <> 'open')) as left_over where true",
        since="closed_at",
        limit=timedelta(days=7),
    ),
    alarm(
        "receipt_block_is_counted",
        "A block that came back is counted within three days",
        "select pool, block_id as subject from receipt_block where state = 'returned'",
        since="returned_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "suspense_is_explained",
        "Money in suspense is paid back or taken back within ten days",
        "select pool, collection_id as subject from collection where outcome = 'suspense' and reversed_at is null "
        "and refunded_fen < amount_fen",
        since="booked_at",
        limit=timedelta(days=10),
    ),
    alarm(
        "receipt_cancellation_is_checked",
        "A misprinted receipt is cancelled, or not, within three days",
        "select pool, cancellation_id as subject from receipt_cancellation where state = 'requested'",
        since="requested_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "receipt_is_proven",
        "The numbers that a book used are proven within two days",
        "select receipt.pool, receipt.receipt_no as subject from receipt_book as book join receipt "
        "on receipt.pool = book.pool and receipt.book_code = book.book_code and receipt.number = (select min(number) "
        "from receipt as next where next.pool = book.pool and next.book_code = book.book_code and next.number > "
        "(select coalesce(max(proof.last_number), 0) from receipt_proof as proof where proof.pool = book.pool "
        "and proof.book_code = book.book_code)) where true",
        since="receipt.issued_at",
        limit=timedelta(days=2),
    ),
    alarm(
        "used_segment_is_written_off",
        "A segment of printed forms is written off within a month after its last form was used",
        "select segment.pool, segment.segment_id as subject from receipt_segment as segment join receipt as last "
        "on last.pool = segment.pool and last.book_code = segment.book_code and last.number = segment.last_number "
        "where segment.state = 'handed_out' and segment.medium = 'paper'",
        since="last.issued_at",
        limit=timedelta(days=30),
    ),
)
