"""What must hold in eligibility at any moment: queries that find nothing.

An edit behind the services' back shows here: a status must agree with the event that told it, a person and a statement
about hukou with the digest in the audit line of their writing; `chain.verify` guards those in turn.
"""

from datetime import timedelta

from shared.invariants import Invariant, alarm


def _rests_on_accepted_row(table: str, key: str) -> str:
    """Rows of a table whose feed row does not exist or went back; row 1 of a list is its header."""
    return (
        f"select said.pool, said.{key} as subject from {table} as said "
        "left join feed on feed.pool = said.pool and feed.feed_id = said.feed_id "
        "left join feed_rejection as back on back.pool = said.pool and back.feed_id = said.feed_id "
        "and back.row_no = said.row_no where feed.feed_id is null or said.row_no < 2 or back.row_no is not null"
    )


def _as_written(table: str, key: str, plain: str) -> str:
    """Rows whose values (`plain`, as `row_digest` joins them) are not what the latest audit line says was written: a
    change of keys writes hashes anew. Rows whose audit lines were archived have none here any more: those recorded
    before the first line that is left (and a day, because lines stand in the order of commits)."""
    return (
        f"select said.pool, said.{key} as subject from {table} as said left join (select distinct on (pool, entry.key) "
        "pool, entry.key, entry.value from audit_line cross join jsonb_each_text(detail->'written') as entry "
        "order by pool, entry.key, seq desc) as line "
        f"on line.pool = said.pool and line.key = cast(said.{key} as text) "
        "left join chain_head as moved on moved.pool = said.pool and moved.chain = 'audit_line/archived' "
        "and moved.seq > 0 left join audit_line as next on next.pool = moved.pool and next.seq = moved.seq + 1 "
        "where line.key is null and (moved.pool is null or said.recorded_at > next.occurred_at + interval '1 day') "
        f"or line.value <> encode(sha256(convert_to({plain}, 'UTF8')), 'hex')"
    )


# What was agreed with each supplier, and the day of its latest list that counts and is whole.
_AGREED = (
    "(select s.*, l.last_day from supplier s left join (select pool, supplier, "
    "max(list_day) filter (where parts is null or here = parts) as last_day from (select pool, supplier, list_day, "
    "parts, count(*) over (partition by pool, whole_id) as here from feed where withdrawn_at is null) f "
    "group by pool, supplier) l on l.pool = s.pool and l.supplier = s.supplier) as agreed"
)
# By when the next list is due, as `rules.Schedule` reckons it: the period after the one that the last list fulfilled.
_NEXT_DUE = (
    "case when last_day is null then first_due_on else (select cast(first_due_on + make_interval(months => "
    "every_months * (n + 1)) as date) from generate_series(0, 2400) as n where every_months is not null "
    "and cast(first_due_on + make_interval(months => every_months * n) as date) >= last_day order by n limit 1) end"
)


def _end_of(day: str) -> str:
    """The last instant of a business day."""
    return f"(cast({day} + 1 as timestamp) at time zone 'Asia/Shanghai' - interval '1 microsecond')"


_FIRST_DOCUMENT = (
    "select distinct on (pool, person_id) pool, person_id, document_id, number_hash from identity_document "
    "order by pool, person_id, recorded_at, document_id"
)

INVARIANTS = (
    Invariant(
        "person_has_a_document",
        "Every person is named by a document",
        "select person.pool, person.person_id as subject from person where not exists (select from identity_document "
        "as document where document.pool = person.pool and document.person_id = person.person_id)",
    ),
    Invariant(
        "number_names_one_person",
        "No two documents have one number",
        "select pool, encode(number_hash, 'hex') as subject from identity_document "
        "group by pool, type, number_hash having count(*) > 1",
    ),
    Invariant(
        "person_is_as_recorded",
        "A person's birth date, sex and first number are those its audit line vouches for",
        _as_written(
            f"(select person.*, number_hash from person join ({_FIRST_DOCUMENT}) as document "
            "on document.pool = person.pool and document.person_id = person.person_id)",
            "person_id",
            "concat_ws('/', said.person_id, said.birth_date, said.sex, encode(said.number_hash, 'hex'))",
        ),
    ),
    Invariant(
        "document_is_as_recorded",
        "A document that was added to a person is the one its audit line vouches for",
        _as_written(
            f"(select * from identity_document except select document.* from identity_document as document "
            f"join ({_FIRST_DOCUMENT}) as first using (pool, document_id))",
            "document_id",
            "concat_ws('/', said.document_id, said.person_id, said.type, encode(said.number_hash, 'hex'))",
        ),
    ),
    Invariant(
        "alias_rests_on_its_merge",
        "Somebody answers for another exactly while a merge says so, and is nobody for whom another answers",
        "select alias.pool, alias.person_id as subject from person_alias as alias join person_merge as merge "
        "on merge.pool = alias.pool and merge.merge_id = alias.merge_id "
        "where alias.until is null and (merge.state not in ('merged', 'disputed') or exists (select from person_alias "
        "as further where further.pool = alias.pool and further.person_id = alias.surviving_id "
        "and further.until is null)) "
        "union all select merge.pool, merge.merge_id from person_merge as merge "
        "where (merge.state in ('merged', 'disputed')) <> (select count(*) > 0 from person_alias as alias "
        "where alias.pool = merge.pool and alias.person_id = merge.merged_id and alias.until is null) "
        "and merge.state in ('merged', 'disputed')",
    ),
    Invariant(
        "one_answers_at_a_time",
        "For nobody two others answer at one time",
        "select one.pool, one.person_id as subject from person_alias as one join person_alias as other "
        "on other.pool = one.pool and other.person_id = one.person_id and other.alias_id > one.alias_id "
        "and one.since < coalesce(other.until, 'infinity') and other.since < coalesce(one.until, 'infinity') "
        "where coalesce(one.until, 'infinity') > one.since and coalesce(other.until, 'infinity') > other.since",
    ),
    Invariant(
        "survivor_holds_the_statuses",
        "Nobody for whom another answers holds a status",
        "select status.pool, status.status_id as subject from status join person_alias as alias "
        "on alias.pool = status.pool and alias.person_id = status.person_id and alias.until is null "
        "where status.withdrawn_at is null",
    ),
    Invariant(
        "merge_was_told",
        "A merge that was carried out was told as person.merged, and as person.parted where it was undone",
        "select merge.pool, merge.merge_id as subject from person_merge as merge left join event "
        "on event.pool = merge.pool and event.subject = cast(merge.merge_id as text) "
        "group by merge.pool, merge.merge_id, merge.merged_at, merge.undone_at "
        "having count(*) filter (where event.type = 'person.merged') <> num_nonnulls(merge.merged_at) "
        "or count(*) filter (where event.type = 'person.parted') <> num_nonnulls(merge.undone_at)",
    ),
    Invariant(
        "hukou_is_as_recorded",
        "A statement about hukou is the one its audit line vouches for",
        _as_written(
            "hukou",
            "hukou_id",
            "concat_ws('/', said.hukou_id, said.person_id, said.region, coalesce(said.household_no, ''), "
            "coalesce(cast(said.since as text), ''), said.feed_id, said.row_no)",
        ),
    ),
    Invariant(
        "feed_rows_are_counted",
        "A taken feed has judged all its rows, and each rejected one is kept",
        "select feed.pool, feed.feed_id as subject from feed left join (select pool, feed_id, count(*) as kept "
        "from feed_rejection group by pool, feed_id) as back on back.pool = feed.pool and back.feed_id = feed.feed_id "
        "where coalesce(back.kept, 0) <> rows_rejected "
        "or (state = 'taken' and rows_total <> rows_accepted + rows_rejected)",
    ),
    Invariant(
        "accepted_rows_are_kept",
        "Of every list at most as many rows say something as were accepted",
        "select feed.pool, feed.feed_id as subject from feed left join (select pool, feed_id, count(*) as kept "
        "from status_claim group by pool, feed_id) as said on said.pool = feed.pool and said.feed_id = feed.feed_id "
        "where coalesce(said.kept, 0) > rows_accepted",
    ),
    Invariant(
        "full_list_ends_when_whole",
        "A full list ends what it does not name only while all its parts are here and judged, and by one of them alone",
        "select pool, whole_id as subject from feed where withdrawn_at is null group by pool, whole_id "
        "having count(*) filter (where closing) > 1 "
        "or (bool_or(closing) and count(*) filter (where taken_at is not null) <> coalesce(max(parts), 1)) "
        "or (bool_and(kind = 'full' and taken_at is not null) and count(*) = coalesce(max(parts), 1) "
        "and not bool_or(closing))",
    ),
    Invariant(
        "feed_decided_by_another",
        "Whoever let a full list end what it does not name had not handed it over",
        "select feed.pool, feed.feed_id as subject from feed join feed as part on part.pool = feed.pool "
        "and part.whole_id = feed.whole_id and part.withdrawn_at is null and feed.closing "
        "and feed.decided_by = part.received_by",
    ),
    Invariant(
        "feed_has_its_bytes",
        "A feed's evidence has the size and the hash that the feed was received with",
        "select feed.pool, feed.feed_id as subject from feed left join evidence on evidence.pool = feed.pool "
        "and evidence.evidence_id = feed.evidence_id "
        "where (evidence.sha256, evidence.size_bytes) is distinct from (feed.sha256, feed.size_bytes)",
    ),
    Invariant(
        "status_rests_on_accepted_row",
        "Every status stands on an accepted row of a feed",
        _rests_on_accepted_row("status", "status_id"),
    ),
    Invariant(
        "claim_rests_on_accepted_row",
        "What is kept of a row stands on an accepted row of a feed",
        _rests_on_accepted_row("status_claim", "feed_id"),
    ),
    Invariant(
        "status_rests_on_list_that_counts",
        "No status that holds rests on a list that was withdrawn",
        "select status.pool, status.status_id as subject from status join feed on feed.pool = status.pool "
        "and feed.feed_id = status.feed_id where status.withdrawn_at is null and feed.state = 'withdrawn'",
    ),
    Invariant(
        "status_is_of_its_supplier",
        "A status and the feed it stands on are of one supplier",
        "select status.pool, status.status_id as subject from status join feed on feed.pool = status.pool "
        "and feed.feed_id = status.feed_id where status.supplier <> feed.supplier",
    ),
    Invariant(
        "hukou_rests_on_accepted_row",
        "Every statement about hukou stands on an accepted row of a feed",
        _rests_on_accepted_row("hukou", "hukou_id"),
    ),
    Invariant(
        "status_days_are_possible",
        "A status begins no earlier than its person's birth and ends no earlier than it begins",
        "select status.pool, status.status_id as subject from status join person on person.pool = status.pool "
        "and person.person_id = status.person_id where valid_to < valid_from or valid_from < birth_date "
        "and not exists (select 1 from person_alias as alias join person as other on other.pool = alias.pool "
        "and other.person_id = alias.person_id where alias.pool = person.pool "
        "and alias.surviving_id = person.person_id and other.birth_date <= status.valid_from)",
    ),
    Invariant(
        "status_was_told",
        "A status and its one status.granted event agree in everything",
        "select status.pool, status.status_id as subject from status left join event on event.pool = status.pool "
        "and event.type = 'status.granted' and event.subject = cast(status.status_id as text) "
        "group by status.pool, status.status_id having count(event.seq) <> 1 or bool_or(event.data is distinct from "
        "jsonb_build_object('status_id', status.status_id, 'person_id', status.person_id, 'code', status.code, "
        "'grade', status.grade, 'school_region', status.school_region, 'identified_on', status.valid_from, "
        "'valid_to', status.valid_to, 'supplier', status.supplier, 'feed_id', status.feed_id, 'row', status.row_no))",
    ),
    Invariant(
        "told_status_is_there",
        "A status that was told as granted is kept, and told as withdrawn exactly where it is",
        "select event.pool, event.subject from event left join status on status.pool = event.pool "
        "and cast(status.status_id as text) = event.subject where event.type = 'status.granted' "
        "and (status.status_id is null or (status.withdrawn_at is not null) <> exists (select from event as later "
        "where later.pool = event.pool and later.type = 'status.withdrawn' and later.subject = event.subject))",
    ),
)

ALARMS = (
    alarm(
        "feed_is_taken",
        "A list is taken within a day; the job goes on where it stopped",
        "select pool, feed_id as subject from feed where state in ('received', 'ending')",
        since="coalesce(decided_at, received_at)",
        limit=timedelta(days=1),
    ),
    alarm(
        "supplier_hands_over_in_time",
        "A department's next list comes by the day that was agreed",
        f"select pool, supplier as subject from (select pool, supplier, {_NEXT_DUE} as due_on from {_AGREED}) as due "
        "where due_on is not null",
        since=_end_of("due_on"),
        limit=timedelta(0),
    ),
    alarm(
        "supplier_is_not_stale",
        "A department's last list is not older than was agreed that it may be relied upon",
        f"select pool, supplier as subject from {_AGREED} where last_day + stale_after_days is not null",
        since=_end_of("(last_day + stale_after_days)"),
        limit=timedelta(0),
    ),
    alarm(
        "list_is_whole",
        "All parts of a full list come within three days of the first; until then it ends nothing",
        "select pool, supplier || '/' || list_id as subject from (select pool, supplier, list_id, "
        "min(received_at) as first_at from feed where list_id is not null and withdrawn_at is null "
        "group by pool, supplier, list_id, parts having count(*) < parts) as wanting where true",
        since="first_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "feed_is_decided",
        "A second person decides within three days about a full list that ends many statuses",
        "select pool, feed_id as subject from feed where state = 'held'",
        since="taken_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "match_is_decided",
        "A clerk decides within two weeks whom a name and number of the work list mean",
        "select pool, case_id as subject from match_case where decided_at is null",
        since="opened_at",
        limit=timedelta(days=14),
    ),
    alarm(
        "merge_is_settled",
        "What lists and partners tell of newborns is carried out within a day",
        "select pool, merge_id as subject from person_merge where state = 'told'",
        since="proposed_at",
        limit=timedelta(days=1),
    ),
    alarm(
        "merge_is_decided",
        "A second person decides within two weeks about a proposed merge",
        "select pool, merge_id as subject from person_merge where state = 'proposed'",
        since="proposed_at",
        limit=timedelta(days=14),
    ),
    alarm(
        "dispute_is_decided",
        "A second person decides within two weeks about a disputed merge",
        "select pool, merge_id as subject from person_merge where state = 'disputed'",
        since="disputed_at",
        limit=timedelta(days=14),
    ),
    alarm(
        "erasure_is_decided",
        "A second person decides within two weeks whether somebody's name and numbers are erased",
        "select pool, erasure_id as subject from person_erasure where state = 'requested'",
        since="requested_at",
        limit=timedelta(days=14),
    ),
    alarm(
        "feed_is_taken_back",
        "What rested on a withdrawn list is gone through within a day; the job goes on where it stopped",
        "select pool, feed_id as subject from feed where state = 'withdrawing'",
        since="withdrawn_at",
        limit=timedelta(days=1),
    ),
)
"""What waits longer than it may."""
