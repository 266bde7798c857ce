-- What the batch look-up answers, as one statement: the statuses that persons hold today, with the row each rests on.
select asked.person_id, s.code, s.grade, s.school_region, s.valid_from, s.valid_to, s.supplier, s.feed_id, s.row_no,
  s.ended_by, f.sha256
from unnest(cast($2 as uuid[])) as asked (person_id)
join person p on p.pool = $1 and p.person_id = coalesce((select a.surviving_id from person_alias a
  where a.pool = $1 and a.person_id = asked.person_id and a.until is null), asked.person_id)
left join status s on s.pool = $1 and s.person_id = p.person_id and s.withdrawn_at is null
  and s.valid_from <= current_date and (s.valid_to is null or s.valid_to >= current_date)
left join feed f on f.pool = $1 and f.feed_id = s.feed_id
order by asked.person_id, s.code, s.valid_from
