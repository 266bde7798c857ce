"""What must hold of statements, their rows, what is cleared, and breaks."""

from shared.invariants import Invariant

INVARIANTS = (
    Invariant(
        "statement_is_as_received",
        "A statement's evidence has the hash and size it was received with, and all of its rows were taken in",
        """
        select statement.pool, statement.statement_id as subject
        from statement left join evidence on evidence.pool = statement.pool
            and evidence.evidence_id = statement.evidence_id
        where (evidence.sha256, evidence.size_bytes) is distinct from (statement.sha256, statement.size_bytes)
            or rows_taken <> (select count(*) from statement_row as r
                where r.pool = statement.pool and r.statement_id = statement.statement_id)
            or found_count <> rows_taken
        """,
    ),
    Invariant(
        "accepted_statement_agrees",
        "A statement that nobody accepted by hand has the totals it tells; one that somebody did has its break",
        """
        select statement.pool, statement.statement_id as subject
        from statement left join statement_break as b on b.pool = statement.pool
            and b.statement_id = statement.statement_id and b.kind = 'totals_differ'
        where statement.state = 'accepted'
            and ((judged_by = 'system') <> (b.break_id is null) or (judged_by = 'system'
                and (told_count, told_fen, told_back_fen) is distinct from (found_count, found_fen, found_back_fen)))
        """,
    ),
    Invariant(
        "judged_row_has_its_result",
        "A row that was looked at after its window has a result, and one that is a break has, or had, its break",
        """
        select r.pool, r.statement_id || '/' || r.row_no as subject
        from statement_row as r join statement as s on s.pool = r.pool and s.statement_id = r.statement_id
        left join lateral (select count(*) as breaks from statement_break as b
            where b.pool = r.pool and b.statement_id = r.statement_id and b.row_no = r.row_no) as found on true
        where s.state = 'accepted' and (
            (r.result = 0 and s.look_on is null)
            or (r.result in (2, 4, 5, 6, 8, 9, 11) and found.breaks = 0)
            or (r.result = 3 and r.kind <> 'reversal' and found.breaks = 0))
        """,
    ),
    Invariant(
        "matched_row_is_its_money",
        "A row stands for exactly its amount, and what it stands for has that amount; others only if confirmed by two",
        """
        with poolless as materialized (
            select 'collection' as kind, collection_id as id, amount_fen from collection where pool = '000000'
            union all select 'refund', refund_id, amount_fen from refund where pool = '000000'),
        stands as (
            select m.pool, m.statement_id, m.row_no, sum(m.amount_fen) as fen,
                bool_and(m.amount_fen = coalesce(c.amount_fen, f.amount_fen, other.amount_fen, -1)) as same
            from statement_match as m
            left join collection as c on m.subject_kind = 'collection' and c.pool = m.pool
                and m.subject_pool = m.pool and c.collection_id = m.subject_id
            left join refund as f on m.subject_kind = 'refund' and f.pool = m.pool
                and m.subject_pool = m.pool and f.refund_id = m.subject_id
            left join poolless as other on m.subject_pool = '000000' and other.kind = m.subject_kind
                and other.id = m.subject_id
            group by m.pool, m.statement_id, m.row_no)
        select r.pool, r.statement_id || '/' || r.row_no as subject
        from statement_row as r join statement as s on s.pool = r.pool and s.statement_id = r.statement_id
            and s.state = 'accepted'
        left join stands on stands.pool = r.pool and stands.statement_id = r.statement_id and stands.row_no = r.row_no
        where (r.result in (1, 10) and s.channel <> 'account'
                and (stands.fen is distinct from r.amount_fen or not stands.same))
            or (stands.fen is not null and (not stands.same or stands.fen <> r.amount_fen) and not exists (
                select 1 from statement_break as b where b.pool = r.pool and b.statement_id = r.statement_id
                    and b.row_no = r.row_no and b.state = 'resolved' and b.resolution = 'confirm'))
        """,
    ),
    Invariant(
        "account_line_is_spent_once",
        "What a line of our account has brought comes to its amount",
        """
        select r.pool, r.statement_id || '/' || r.row_no as subject
        from settlement_line as line join statement_row as r on r.pool = line.pool
            and r.statement_id = line.statement_id and r.row_no = line.row_no
        join statement as s on s.pool = r.pool and s.statement_id = r.statement_id and s.state = 'accepted'
        group by r.pool, r.statement_id, r.row_no, r.amount_fen having sum(line.amount_fen) <> r.amount_fen
        """,
    ),
    Invariant(
        "cleared_money_has_moved",
        "What a statement cleared has moved to the special account once, and back if it was reversed; nothing else has",
        """
        with posted as materialized (
            select pool, subject, sum(case kind when 'clear' then amount_fen else -amount_fen end) as fen,
                count(*) filter (where kind = 'clear') as times,
                bool_and('special_account' in (debit_account, credit_account)) as to_special
            from transfer where kind in ('clear', 'clear_reversed') group by pool, subject),
        poolless as materialized (
            select collection_id, amount_fen, reversed_at from collection where pool = '000000'),
        cleared as materialized (
            select m.subject_pool, m.subject_id, coalesce(c.amount_fen, other.amount_fen) as amount_fen,
                coalesce(c.reversed_at, other.reversed_at) as reversed_at
            from statement_match as m
            left join collection as c on c.pool = m.pool and m.subject_pool = m.pool
                and c.collection_id = m.subject_id
            left join poolless as other on m.subject_pool = '000000' and other.collection_id = m.subject_id
            where m.cleared_at is not null and coalesce(c.amount_fen, other.amount_fen) is not null)
        select coalesce(m.subject_pool, posted.pool) as pool,
            coalesce(cast(m.subject_id as text), posted.subject) as subject
        from cleared as m
        full join posted on posted.pool = m.subject_pool and posted.subject = cast(m.subject_id as text)
        where posted.times is distinct from 1 or not posted.to_special
            or posted.fen is distinct from case when m.reversed_at is null then m.amount_fen else 0 end
        """,
    ),
    Invariant(
        "break_is_resolved_in_time",
        "No break is open, and no statement without a verdict, beyond its day",
        """
        select pool, break_id as subject from statement_break where state in ('open', 'proposed') and overdue
        union all select pool, statement_id from statement where state in ('received', 'differs') and overdue
        """,
    ),
    Invariant(
        "break_was_approved_by_another",
        "Nobody approved what rests on a file that they brought",
        """
        select b.pool, b.break_id as subject
        from statement_break as b join statement as s on s.pool = b.pool and s.statement_id = b.statement_id
        where b.approved_by = s.received_by
        """,
    ),
)
