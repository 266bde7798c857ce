-- Bills and counters for `confirm.sql`: {each} bills for each of {clients} clients.
insert into bill (pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines,
  "window", status, issued_at, name_masked, version)
select '{pool}', '{pool}' || lpad(cast(no as text), 20, '0'), gen_random_uuid(), 'national-2026', gen_random_uuid(), 'V1',
  '{pool}001200', 40000, 32000,
  '[{"payer": "person", "amount_fen": 32000, "status": null, "rules": ["S004-09"]}, {"payer": "medical_assistance_fund",
     "amount_fen": 8000, "status": "dibao", "rules": ["S004-15"]}]',
  '{"from": "2026-01-01", "to": "2026-12-31", "first_day": 1, "last_day": 31, "rules": ["S000-10"], "day_rules": []}',
  'open', now(), '王*', 1
from generate_series(0, {clients} - 1) as client, generate_series(1, {each}) as n, lateral (select client * 1000000 + n) as numbered (no);
insert into chain_head (pool, chain, seq, hash) values ('{pool}', 'event', 0, '\x00');
insert into shift (pool, shift_id, counter_code, region, clerk, status, opening_float_fen, opened_at, version)
select '{pool}', cast(lpad(to_hex(client), 32, '0') as uuid), 'C' || client, '{pool}001', 'bench', 'open', 0, now(), 1
from generate_series(0, {clients} - 1) as client;
vacuum analyze bill;
checkpoint;
