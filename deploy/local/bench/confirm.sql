-- One payment, as pgbench commits it: the rows that a counter's payment leaves behind.
\set n :n + 1
\set no :client_id * 1000000 + :n
begin;
insert into idempotency_key (pool, client_id, key, request_hash, status, body, claimed_at)
  values ('{pool}', 'pgbench', cast(:no as text), sha256(cast(cast(:no as text) as bytea)), 201, '{"items": [{"bill_no": "99900100000000000000000001", "collection_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03", "outcome": "settled", "receipt_no": "C01-00000042", "reason": null}]}', now());
insert into submission (pool, submission_id, channel, reference, bill_no, amount_fen, paid_at, message, received_at)
  values ('{pool}', gen_random_uuid(), 'counter', 'cash/pgbench/' || cast(:no as text), '{pool}' || lpad(cast(:no as text), 20, '0'),
    32000, now(), '{"pool": "999001", "shift_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01", "method": "cash", "payer_name": "王小明", "payer_id": null, "pos": null, "items": [{"bill_no": "99900100000000000000000001", "amount_fen": 32000}]}', now()) returning submission_id \gset
update bill set status = 'paid', paid_on = current_date, version = version + 1
  where pool = '{pool}' and bill_no = '{pool}' || lpad(cast(:no as text), 20, '0') and status = 'open'
  returning bill_no, person_id \gset
insert into receipt_book (pool, book_code, last_number) values ('{pool}', 'C' || cast(:client_id as text), 1)
  on conflict (pool, book_code) do update set last_number = receipt_book.last_number + 1 returning last_number \gset
insert into collection (pool, collection_id, submission_id, channel, method, bill_no, scheme, person_id, region,
    amount_fen, released_fen, refunding_fen, refunded_fen, payer_name, shift_id, paid_at, booked_at, outcome, settles,
    receipt_no, version)
  values ('{pool}', gen_random_uuid(), cast(:submission_id as uuid), 'counter', 'cash', :bill_no, 'national-2026',
    cast(:person_id as uuid), '{pool}001200', 32000, 0, 0, 0, '王小明',
    cast(lpad(to_hex(cast(:client_id as integer)), 32, '0') as uuid), now(), now(), 'settled', :bill_no,
    'C' || cast(:client_id as text) || '-' || cast(:last_number as text), 1) returning collection_id \gset
insert into receipt (pool, book_code, number, receipt_no, collection_id, bill_no, person_id, payer_name, amount_fen,
    issued_at, issued_by)
  values ('{pool}', 'C' || cast(:client_id as text), :last_number, 'C' || cast(:client_id as text) || '-' || cast(:last_number as text),
    cast(:collection_id as uuid), :bill_no, cast(:person_id as uuid), '王小明', 32000, now(), 'bench');
insert into transfer (pool, transfer_id, kind, debit_account, credit_account, amount_fen, scheme, subject, bill_no,
    occurred_at)
  values ('{pool}', gen_random_uuid(), 'collect', 'held/shift/' || cast(:client_id as text), 'premium/person', 32000,
      'national-2026', :collection_id, :bill_no, now()),
    ('{pool}', gen_random_uuid(), 'claim', 'claim/medical_assistance_fund', 'premium/medical_assistance_fund', 8000,
      'national-2026', :collection_id, :bill_no, now());
update chain_head set seq = seq + 1, hash = sha256(hash) where pool = '{pool}' and chain = 'event'
  returning seq \gset
insert into event (pool, seq, event_id, type, subject, version, occurred_at, data, hash)
  values ('{pool}', :seq, gen_random_uuid(), 'bill.paid', :bill_no, 2, now(), '{"bill_no": "99900100000000000000000001", "assessment_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01", "person_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02", "scheme": "national-2026", "region": "999001001200", "amount_fen": 32000, "paid_on": "2026-10-01", "collection_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03", "receipt_no": "C01-00000042"}', sha256('x'));
commit;
