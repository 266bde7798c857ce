"""What must always hold in registration, each as a query that must find nothing."""

from datetime import timedelta

from shared.invariants import Invariant, alarm

_LINES_OF = (
    "(select coalesce(jsonb_agg(jsonb_build_object('payer', l.payer, 'amount_fen', l.amount_fen, 'status', l.status,"
    " 'rules', l.rules) order by l.line_no), '[]') from assessment_line l"
    " where l.pool = a.pool and l.assessment_id = a.assessment_id)"
)

INVARIANTS = (
    Invariant(
        "lines_sum_to_standard",
        "The lines of an assessment sum to its standard, and the person's own line is what is payable",
        "select a.pool, a.assessment_id as subject from assessment a left join assessment_line l"
        " on l.pool = a.pool and l.assessment_id = a.assessment_id"
        " group by a.pool, a.assessment_id, a.standard_fen, a.payable_fen"
        " having coalesce(sum(l.amount_fen), 0) <> a.standard_fen"
        " or coalesce(sum(l.amount_fen) filter (where l.payer = 'person'), 0) <> a.payable_fen",
    ),
    Invariant(
        "enrolment_is_assessed",
        "Each enrolment has its assessment in force, of the same person and scheme",
        "select e.pool, e.enrolment_id as subject from enrolment e left join assessment a"
        " on a.pool = e.pool and a.enrolment_id = e.enrolment_id and a.revision = e.revision"
        " where a.assessment_id is null or a.person_id <> e.person_id or a.scheme <> e.scheme"
        " or a.unit_code <> e.unit_code",
    ),
    Invariant(
        "in_force_was_told_last",
        "The assessment in force is the one of its enrolment that was told last, as issued, revised or reinstated",
        "select e.pool, e.enrolment_id as subject from enrolment e left join"
        " (select distinct on (pool, data ->> 'enrolment_id') pool, data ->> 'enrolment_id' as enrolment_id, subject"
        " from event where type in ('assessment.issued', 'assessment.revised', 'assessment.reinstated')"
        " order by pool, data ->> 'enrolment_id', seq desc) told"
        " on told.pool = e.pool and told.enrolment_id = cast(e.enrolment_id as text)"
        " left join assessment a on a.pool = told.pool and cast(a.assessment_id as text) = told.subject"
        " where a.revision is distinct from e.revision",
    ),
    Invariant(
        "person_enrolled_once",
        "A person is enrolled once per scheme",
        "select pool, person_id as subject from enrolment where state <> 'withdrawn'"
        " group by pool, scheme, person_id having count(*) > 1",
    ),
    Invariant(
        "assessment_as_told",
        "Each assessment stands as assessment.issued or assessment.revised told it, and each one told is there",
        "select coalesce(a.pool, e.pool) as pool, coalesce(cast(a.assessment_id as text), e.subject) as subject"
        " from assessment a full join"
        " (select * from event where type in ('assessment.issued', 'assessment.revised')) e"
        " on e.pool = a.pool and e.subject = cast(a.assessment_id as text)"
        " where a.assessment_id is null or e.subject is null"
        " or cast(e.data ->> 'standard_fen' as bigint) <> a.standard_fen"
        " or cast(e.data ->> 'payable_fen' as bigint) <> a.payable_fen"
        " or cast(e.data ->> 'person_id' as uuid) <> a.person_id"
        " or cast(e.data ->> 'enrolment_id' as uuid) <> a.enrolment_id"
        " or cast(e.data -> 'cover' ->> 'from' as date) is distinct from a.covered_from"
        " or cast(e.data -> 'cover' ->> 'to' as date) is distinct from a.covered_to"
        " or e.data ->> 'scheme' <> a.scheme or e.data ->> 'version' <> a.package"
        " or (e.type = 'assessment.revised') <> (a.revision > 1)"
        " or cast(e.data ->> 'revises' as uuid) is distinct from a.revises"
        f" or e.data ->> 'unit_code' <> a.unit_code or e.data -> 'lines' <> {_LINES_OF}",
    ),
    Invariant(
        "revision_follows_its_like",
        "A revision stands behind an earlier assessment of the same enrolment, and their numbers run from 1",
        "select a.pool, a.assessment_id as subject from assessment a left join assessment b"
        " on b.pool = a.pool and b.assessment_id = a.revises"
        " where a.revision > 1 and (b.assessment_id is null or b.enrolment_id <> a.enrolment_id"
        " or b.revision >= a.revision)"
        " union all select pool, enrolment_id from assessment group by pool, enrolment_id"
        " having max(revision) <> count(*)",
    ),
    Invariant(
        "withdrawn_was_told",
        "Each withdrawn enrolment was told by an assessment.voided for its status, and is covered on no day",
        "select coalesce(n.pool, e.pool) as pool, coalesce(cast(n.enrolment_id as text), e.subject) as subject"
        " from (select * from enrolment where state = 'withdrawn') n"
        " full join (select * from event where type = 'assessment.voided') e"
        " on e.pool = n.pool and e.data ->> 'enrolment_id' = cast(n.enrolment_id as text)"
        " where n.enrolment_id is null or e.subject is null or e.data ->> 'reason' <> n.withdrawn_reason"
        " or exists (select 1 from cover c where c.pool = n.pool and c.enrolment_id = n.enrolment_id"
        " and c.ended_at is null)",
    ),
    Invariant(
        "paid_what_was_payable",
        "A paid enrolment was paid with exactly the payable amount of the assessment whose bill it paid",
        "select e.pool, e.enrolment_id as subject from enrolment e left join assessment a"
        " on a.pool = e.pool and a.enrolment_id = e.enrolment_id and a.revision = e.paid_revision"
        " where e.state = 'paid' and e.paid_fen is distinct from a.payable_fen",
    ),
    Invariant(
        "paid_is_covered",
        "A paid enrolment is covered without a gap to the end of its assessment's span, from its beginning on or,"
        " where cover goes by the day of payment, from a later day; an unpaid one on no day",
        "select e.pool, e.enrolment_id as subject from enrolment e"
        " join assessment a on a.pool = e.pool and a.enrolment_id = e.enrolment_id and a.revision = e.revision"
        " left join cover c on c.pool = e.pool and c.enrolment_id = e.enrolment_id and c.ended_at is null"
        " group by e.pool, e.enrolment_id, e.state, e.paid_on, a.assessed_for, a.covered_from, a.covered_to"
        " having coalesce(sum(c.covered_to - c.covered_from + 1), 0)"
        " <> coalesce(max(c.covered_to) - min(c.covered_from) + 1, 0)"
        " or (e.state = 'paid' and a.covered_to is not null) <> (count(c.cover_id) > 0)"
        " or min(c.covered_from) < a.covered_from or max(c.covered_to) <> a.covered_to"
        " or (min(c.covered_from) > a.covered_from and e.paid_on <= a.assessed_for)",
    ),
    Invariant(
        "cover_as_told",
        "Each cover stands as its cover.started told it, for the person of its enrolment, and has ended where told so",
        "select coalesce(c.pool, e.pool) as pool, coalesce(cast(c.cover_id as text), e.subject) as subject"
        " from (select c.*, n.person_id as enrolled from cover c"
        " join enrolment n on n.pool = c.pool and n.enrolment_id = c.enrolment_id) c"
        " full join (select * from event where type = 'cover.started') e"
        " on e.pool = c.pool and e.subject = cast(c.cover_id as text)"
        " where c.cover_id is null or e.subject is null or c.person_id <> c.enrolled"
        " or cast(e.data ->> 'person_id' as uuid) <> c.person_id or cast(e.data ->> 'year' as integer) <> c.year"
        " or cast(e.data ->> 'from' as date) <> c.covered_from or cast(e.data ->> 'to' as date) <> c.covered_to"
        " or (c.ended_at is not null) <> exists (select 1 from event t where t.pool = c.pool"
        " and t.type = 'cover.ended' and t.subject = cast(c.cover_id as text))",
    ),
    Invariant(
        "roster_counts_its_rows",
        "A roster's counters are its rows; a taken roster has an outcome for every row",
        "select r.pool, r.roster_id as subject from roster r left join roster_row w"
        " on w.pool = r.pool and w.roster_id = r.roster_id group by r.pool, r.roster_id"
        " having count(*) filter (where w.outcome = 'enrolled') <> r.rows_enrolled"
        " or count(*) filter (where w.outcome = 'refused') <> r.rows_refused"
        " or count(*) filter (where w.outcome = 'rejected') <> r.rows_rejected"
        " or (r.state = 'taken' and count(w.row_no) <> r.rows_total)",
    ),
    Invariant(
        "enrolled_row_enrolled_its_person",
        "A row that enrolled somebody points to that person's enrolment, made by this roster",
        "select w.pool, w.roster_id || '/' || w.row_no as subject from roster_row w"
        " join enrolment e on e.pool = w.pool and e.enrolment_id = w.enrolment_id"
        " where e.person_id <> w.person_id or e.roster_id is distinct from w.roster_id",
    ),
    Invariant(
        "refused_row_is_counted",
        "Every reason of a refused row is counted once for its person",
        "select w.pool, w.roster_id || '/' || w.row_no as subject from roster_row w"
        " cross join jsonb_to_recordset(w.reasons) as reason (code text)"
        " where w.outcome = 'refused' and not exists (select 1 from refusal f where f.pool = w.pool"
        " and f.scheme = w.scheme and f.person_id = w.person_id and f.code = reason.code)",
    ),
    Invariant(
        "scheme_of_one_pool_and_year",
        "A scheme belongs to one pool, and a pool has one scheme a year",
        "select min(pool) as pool, scheme as subject from package_version where state <> 'withdrawn' group by scheme"
        " having count(distinct pool) > 1 or count(distinct benefit_year) > 1"
        " union all select pool, min(scheme) from package_version where state <> 'withdrawn'"
        " group by pool, benefit_year having count(distinct scheme) > 1",
    ),
    Invariant(
        "version_corrects_the_one_before",
        "What was ever in force of a scheme is one chain: each version but the first corrects the one it replaced",
        "select v.pool, v.scheme || ' ' || v.version as subject from package_version v"
        " left join package_version former on former.pool = v.pool and former.scheme = v.scheme"
        " and former.version = v.corrects"
        " where v.state in ('published', 'replaced') and (former.replaced_by is distinct from"
        " case when v.corrects is not null then v.version end or former.replaced_at <> v.published_at)"
        " union all select pool, scheme from package_version where state in ('published', 'replaced')"
        " group by pool, scheme having count(*) filter (where corrects is null) <> 1"
        " or count(*) filter (where state = 'published') <> 1",
    ),
    Invariant(
        "dry_run_counts_its_people",
        "A dry run counts everybody whom it changes or refuses",
        "select r.pool, r.run_id as subject from package_run r"
        " left join (select pool, run_id, count(*) filter (where effect <> 'refused') as changed,"
        " count(*) filter (where effect = 'refused') as refused from package_run_change group by pool, run_id) c"
        " on c.pool = r.pool and c.run_id = r.run_id where r.purpose = 'dry_run'"
        " and (coalesce(c.changed, 0) <> r.persons_changed or coalesce(c.refused, 0) <> r.persons_refused)",
    ),
    Invariant(
        "no_run_waits_long",
        "No run over the people of a scheme has been waiting for a worker for an hour of wall time",
        "select pool, run_id as subject from package_run"
        " where state = 'running' and free_from < now() - interval '1 hour'",
    ),
    Invariant(
        "no_roster_waits_long",
        "No roster has been waiting for a worker for an hour of wall time",
        "select pool, roster_id as subject from roster"
        " where state = 'received' and free_from < now() - interval '1 hour'",
    ),
)

ALARMS = (
    alarm(
        "case_is_decided",
        "A case is approved or declined within ten days",
        "select pool, case_id as subject from status_case where state = 'open'",
        since="opened_at",
        limit=timedelta(days=10),
    ),
)
"""What waits for somebody longer than it may; it is decided once, however often it is tried."""
