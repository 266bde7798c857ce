-- {count} bills of the persons that `questions.py:person` names: of each person this year's, which is open, and the two
-- paid ones of the years before.
--
-- So that ten million take minutes: numbers that nobody asks for ascend, what is asked for is sorted once all rows are
-- there, and a table that a transaction has emptied needs no log.
set maintenance_work_mem = '512MB';
begin;
truncate bill cascade;
create temporary table sorted_later as
  select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made from pg_index
  where indrelid = 'bill'::regclass and not exists (select from pg_constraint where conindid = indexrelid);
do $$ begin execute (select 'drop index ' || string_agg(name, ', ') from sorted_later); end $$;
insert into bill (pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines,
  "window", status, issued_at, paid_on, name_masked, version)
select '{pool}', '{pool}' || lpad(cast(n as text), 20, '0'), cast(lpad(to_hex(n), 32, '0') as uuid),
  'national-' || 2024 + n % 3,
  cast(md5('person ' || n / 3) as uuid), 'V1', '{pool}001' || 200 + n / 3 % 300, 40000, 32000,
  '[{"payer": "person", "amount_fen": 32000, "status": null, "rules": ["S004-09"]}, {"payer": "medical_assistance_fund",
     "amount_fen": 8000, "status": "dibao", "rules": ["S004-15"]}]',
  '{"from": "2026-01-01", "to": "2026-12-31", "first_day": 1, "last_day": 31, "rules": ["S000-10"], "day_rules": []}',
  case n % 3 when 2 then 'open' else 'paid' end, now(), case n % 3 when 2 then null else current_date end, '王*', 1
from generate_series(0, {count} - 1) as n;
do $$ begin execute (select string_agg(made, '; ') from sorted_later); end $$;
commit;
vacuum analyze bill;
checkpoint;
