-- {count} payments of one day through bank {bank}, from the {first}th on: as `settle` books them, and its ledger posts them.
insert into submission (pool, submission_id, channel, reference, bill_no, amount_fen, paid_at, message, received_at)
select '{pool}', gen_random_uuid(), 'bank', '{bank}/{day}/' || lpad(cast(n as text), 12, '0'),
  '{pool}' || lpad(cast({first} + n as text), 20, '0'), 38000, cast('{day} 09:00+08' as timestamptz) + n % 36000 * interval '1 s',
  jsonb_build_object('bank_seq', lpad(cast(n as text), 12, '0'), 'channel', 'APP', 'payer_name', '王小明'), now()
from generate_series(1, {count}) as n;
insert into collection (pool, collection_id, submission_id, channel, method, bill_no, scheme, person_id, region,
  amount_fen, released_fen, refunding_fen, refunded_fen, payer_name, paid_at, booked_at, outcome, settles, receipt_no, version)
select pool, gen_random_uuid(), submission_id, channel, 'bank', bill_no, 'national-2026', gen_random_uuid(), '{pool}001200',
  amount_fen, 0, 0, 0, '王小明', paid_at, received_at, 'settled', bill_no, '{bank}-' || right(bill_no, 8), 1
from submission where pool = '{pool}' and channel = 'bank' and reference like '{bank}/{day}/%';
insert into transfer (pool, transfer_id, kind, debit_account, credit_account, amount_fen, scheme, subject, bill_no, occurred_at)
select c.pool, gen_random_uuid(), 'collect', 'held/bank/{bank}', 'premium/person', c.amount_fen, c.scheme, c.collection_id,
  c.bill_no, c.booked_at
from collection as c join submission as s on s.pool = c.pool and s.submission_id = c.submission_id
where c.pool = '{pool}' and s.channel = 'bank' and s.reference like '{bank}/{day}/%';
