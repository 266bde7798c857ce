-- {count} bills of the persons that `questions.py:person` names: of each person this year's, which is open, and the two
-- paid ones of the years before.
insert into bill (pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines,
  "window", status, issued_at, paid_on, name_masked, version)
select '{pool}', '{pool}' || upper(left(md5(cast(n as text)), 20)), gen_random_uuid(), 'national-' || 2024 + n % 3,
  cast(md5('person ' || n / 3) as uuid), 'V1', '{pool}001' || 200 + n / 3 % 300, 40000, 32000,
  '[{"payer": "person", "amount_fen": 32000, "status": null, "rules": ["S004-09"]}, {"payer": "medical_assistance_fund",
     "amount_fen": 8000, "status": "dibao", "rules": ["S004-15"]}]',
  '{"from": "2026-01-01", "to": "2026-12-31", "first_day": 1, "last_day": 31, "rules": ["S000-10"], "day_rules": []}',
  case n % 3 when 2 then 'open' else 'paid' end, now(), case n % 3 when 2 then null else current_date end, '王*', 1
from generate_series(0, {count} - 1) as n;
vacuum analyze bill;
checkpoint;
