-- {count} persons as `questions.py:person` names them, each with a document and the hukou in one of 300 villages; of four
-- one holds dibao, of ten one held a disability until last year, as lists of three departments have said.
insert into feed (pool, feed_id, whole_id, closing, supplier, file_name, sha256, size_bytes, kind, list_day, serial, state, rows_total,
  rows_done, rows_accepted, rows_rejected, received_by, received_at, taken_at, version)
select '{pool}', cast(md5(supplier) as uuid), cast(md5(supplier) as uuid), false, supplier, supplier || '.csv', encode(sha256(cast(supplier as bytea)), 'hex'),
  1, 'changes', current_date - 30, 0, 'taken', {count}, {count}, {count}, 0, 'bench', now(), now(), 1
from unnest(array['civil_affairs', 'disabled_federation', 'public_security']) as supplier;
insert into person (pool, person_id, birth_date, sex, name_sealed, name_hash, version, recorded_at)
select '{pool}', cast(md5('person ' || n) as uuid), date '1940-01-01' + n % 25000, 'female', '\x00', '\x00', 1,
  now() - interval '1 day'
from generate_series(0, {count} - 1) as n;
insert into identity_document (pool, document_id, person_id, type, number_hash, number_sealed, recorded_at)
select '{pool}', gen_random_uuid(), cast(md5('person ' || n) as uuid), 'resident_id',
  sha256(cast('number ' || n as bytea)), '\x00', now() - interval '1 day'
from generate_series(0, {count} - 1) as n;
insert into hukou (pool, hukou_id, person_id, region, since, feed_id, row_no, recorded_at)
select '{pool}', gen_random_uuid(), cast(md5('person ' || n) as uuid), '{pool}001' || 200 + n % 300, date '2000-01-01',
  cast(md5('public_security') as uuid), n + 2, now() - interval '1 day'
from generate_series(0, {count} - 1) as n;
insert into status_claim (pool, feed_id, row_no, supplier, person_id, code, grade, valid_from, valid_to)
select '{pool}', cast(md5(supplier) as uuid), n + 2, supplier, cast(md5('person ' || n) as uuid), code, grade, '2020-01-01',
  valid_to
from generate_series(0, {count} - 1) as n,
  (values ('civil_affairs', 'dibao', null, null, 4), ('disabled_federation', 'disabled', 2, current_date - 60, 10))
    as said (supplier, code, grade, valid_to, one_in)
where n % one_in = 0;
insert into status (pool, status_id, person_id, code, grade, valid_from, valid_to, supplier, feed_id, row_no, version,
  recorded_at)
select pool, gen_random_uuid(), person_id, code, grade, valid_from, valid_to, supplier, feed_id, row_no, 1,
  now() - interval '1 day'
from status_claim;
vacuum analyze;
checkpoint;
