"""Migrations that change tables which hold data already: the rows before, what must hold after, and the way back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from tests.suite import ROOT

POOL, SCHEME = "140522", "yangcheng-2022"
ONE, TWO, THREE = (f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))


class Migrated:
    """A database of its own, at whatever migration a test wants."""

    def __init__(self, address: URL, monkeypatch: pytest.MonkeyPatch) -> None:
        self._address, self._monkeypatch = address, monkeypatch

    async def at(self, service: str, revision: str) -> None:
        """Bring the database to a migration, up or down."""
        url = self._address.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        self._monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", url)
        config = Config(ROOT / "alembic.ini", ini_section=service)
        move = command.downgrade if revision.startswith("-") else command.upgrade
        await asyncio.to_thread(move, config, revision.removeprefix("-"))

    async def run(self, *statements: str) -> Sequence[Any]:
        """Run statements; the rows of the last."""
        connection = await asyncpg.connect(
            self._address.set(drivername="postgresql").render_as_string(hide_password=False)
        )
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            rows: Sequence[Any] = await connection.fetch(statements[-1])
        finally:
            await connection.close()
        return rows


@pytest.fixture
async def database(postgres: URL, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Migrated]:
    name = "test_migrations_with_data"
    server = await asyncpg.connect(
        postgres.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    )
    await server.execute(f'drop database if exists "{name}" with (force)')
    await server.execute(f'create database "{name}"')
    yield Migrated(postgres.set(database=name), monkeypatch)
    await server.execute(f'drop database if exists "{name}" with (force)')
    await server.close()


async def test_payments_refunds_and_money_from_before(database: Migrated) -> None:
    bill = "(pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines, "
    bill += '"window", status, issued_at, paid_on, version)'
    collection = "(pool, collection_id, submission_id, channel, method, bill_no, region, amount_fen, released_fen, "
    collection += "refunded_fen, payer_name, paid_at, booked_at, outcome, reason, receipt_no, version)"
    await database.at("payments", "0014_alter_reversal")
    await database.run(
        f"insert into bill {bill} values ('{POOL}', '{POOL}A', '{ONE}', '{SCHEME}', '{ONE}', 'V1', '{POOL}', 32000, "
        "32000, '[]', '{}', 'paid', now(), '2021-09-05', 2)",
        f"insert into bill {bill} values ('{POOL}', '{POOL}B', '{TWO}', '{SCHEME}', '{TWO}', 'V1', '{POOL}', 32000, "
        "32000, '[]', '{}', 'voided', now(), null, 2)",
        "insert into submission (pool, submission_id, channel, reference, bill_no, amount_fen, paid_at, message, "
        f"received_at) select '{POOL}', id, 'counter', id::text, '{POOL}A', 32000, now(), '{{}}', now() "
        f"from unnest(array['{ONE}', '{TWO}']::uuid[]) as id",
        f"insert into collection {collection} values ('{POOL}', '{ONE}', '{ONE}', 'counter', 'pos', '{POOL}A', "
        f"'{POOL}', 32000, 0, 0, 'x', now(), now(), 'settled', null, 'R1', 1)",
        f"insert into collection {collection} values ('{POOL}', '{TWO}', '{TWO}', 'counter', 'pos', '{POOL}A', "
        f"'{POOL}', 32000, 32000, 32000, 'x', now(), now(), 'surplus', 'already_paid', 'R2', 2)",
        f"insert into receipt_book (pool, book_code, last_number) values ('{POOL}', 'R', 2)",
        f"insert into receipt values ('{POOL}', 'R', 1, 'R1', '{ONE}', '{POOL}A', '{ONE}', 'x', 32000, now(), 'c', "
        "null, null), "
        f"('{POOL}', 'R', 2, 'R2', '{TWO}', '{POOL}A', '{ONE}', 'x', 32000, now(), 'c', now(), 'refunded')",
        "insert into shift (pool, shift_id, counter_code, region, clerk, status, opening_float_fen, opened_at, "
        f"version) values ('{POOL}', '{ONE}', 'H1', '{POOL}', 'c', 'open', 0, now(), 1)",
        "insert into refund (pool, refund_id, application_id, collection_id, shift_id, scheme, method, amount_fen, "
        f"paid_to, paid_by, settled_at) values ('{POOL}', '{ONE}', '{ONE}', '{TWO}', '{ONE}', '{SCHEME}', 'cash', "
        "32000, 'x', 'c', '2021-12-06T10:00:00+08:00')",
        "select 1",
    )
    await database.at("payments", "head")
    [refund] = await database.run("select state, submitted_at = settled_at as at_once, tries, version from refund")
    assert tuple(refund) == ("settled", True, 0, 1)
    money = await database.run("select settles, refunding_fen from collection order by collection_id")
    assert [tuple(row) for row in money] == [(f"{POOL}A", 0), (None, 0)]
    receipts = await database.run("select state, replaces from receipt order by number")
    assert [tuple(row) for row in receipts] == [("issued", None), ("voided", None)]
    [voided] = await database.run("select void_reason, voided_at = issued_at from bill where status = 'voided'")
    assert tuple(voided) == ("assessment_voided", True)
    await database.at("payments", "-0014_alter_reversal")
    assert len(await database.run("select refunded_fen from collection")) == 2


async def test_payments_orders_from_before_are_those_inside_wechat(database: Migrated) -> None:
    await database.at("payments", "0017_alter_bill")
    bill = "(pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines, "
    bill += '"window", status, issued_at, version)'
    order = "(pool, order_no, channel, bill_no, region, amount_fen, openid, payer_name, status, request, prepay_id, "
    order += "created_at, expires_at, entered_at, ask_at, asked, version)"
    await database.run(
        f"insert into bill {bill} values ('{POOL}', '{POOL}A', '{ONE}', '{SCHEME}', '{ONE}', 'V1', '{POOL}', 32000, "
        "32000, '[]', '{}', 'open', now(), 1)",
        f"insert into channel_order {order} values ('{POOL}', '{POOL}N1', 'wechat', '{POOL}A', '{POOL}', 32000, 'o1', "
        "'x', 'open', '{}', 'wx1', now(), now() + interval '1 hour', now(), now(), 0, 1)",
        "select 1",
    )
    await database.at("payments", "0018_alter_order")
    [found] = await database.run("select product, openid, ticket from channel_order")
    assert tuple(found) == ("jsapi", "o1", "wx1")
    await database.run("update channel_order set product = 'native', openid = null", "select 1")
    await database.at("payments", "-0017_alter_bill")
    [found] = await database.run("select openid, prepay_id from channel_order")
    assert tuple(found) == ("", "wx1")


async def test_payments_shifts_from_before_have_nothing_to_deposit(database: Migrated) -> None:
    shift = "(pool, shift_id, counter_code, region, clerk, status, opening_float_fen, opened_at, closed_at, "
    shift += "expected_cash_fen, counted_cash_fen, takings_fen, version)"
    at = "'2021-12-05T17:30:00+08:00'"
    await database.at("payments", "0029_create_pos_sale")
    await database.run(
        f"insert into shift {shift} values ('{POOL}', '{ONE}', 'H1', '{POOL}', 'c', 'closed', 500, {at}, {at}, 600, "
        "600, 100, 2)",
        f"insert into shift {shift} values ('{POOL}', '{TWO}', 'H1', '{POOL}', 'c', 'closed', 500, {at}, {at}, 600, "
        "590, 100, 2)",
        f"insert into shift {shift} values ('{POOL}', '{THREE}', 'H1', '{POOL}', 'c', 'open', 500, {at}, null, null, "
        "null, null, 1)",
        "select 1",
    )
    await database.at("payments", "head")
    rows = await database.run(
        "select status, deposit_fen, deposit_due_on::text, difference_booked_by from shift order by shift_id"
    )
    assert [tuple(row) for row in rows] == [
        ("closed", 0, "2021-12-05", None),
        ("closed", 0, "2021-12-05", "system"),
        ("open", None, None, None),
    ]
    await database.at("payments", "-0029_create_pos_sale")
    assert len(await database.run("select status from shift where status = 'closed'")) == 2


async def test_payments_refunds_given_up_before_keep_the_note_and_answers_are_heard_again(database: Migrated) -> None:
    await database.at("payments", "0032_alter_withholding_return")
    package = "(pool, package_id, message_no, office, day, pack_no, issue, parts, told_count, told_fen, result, "
    package += "detail, state, received_at, version)"
    await database.run(
        "set session_replication_role = replica",  # a refund alone, without the money it is of
        "insert into refund (pool, refund_id, application_id, collection_id, scheme, method, state, amount_fen, "
        "paid_to, paid_by, detail, submitted_at, failed_at, given_up_by, asked_at, tries, version) values "
        f"('{POOL}', '{ONE}', '{ONE}', '{ONE}', '{SCHEME}', 'treasury', 'failed', 32000, 'x', 'c', '改道', now(), "
        "now(), 'h', now(), 1, 3)",
        f"insert into treasury_package {package} values ('{POOL}', '{ONE}', '9110', '1', '2021-12-06', '00000001', 1, "
        "1, 1, 32000, '90000', '', 'accepted', now(), 1)",
        "select 1",
    )
    await database.at("payments", "0033_alter_treasury_package")
    [found] = await database.run("select detail, give_up_note, told_fen from refund")
    assert tuple(found) == (None, "改道", None)
    [answer] = await database.run("select acted_at from treasury_package")
    assert answer["acted_at"] is None
    await database.at("payments", "-0032_alter_withholding_return")
    [found] = await database.run("select detail, given_up_by from refund")
    assert tuple(found) == ("改道", "h")


async def test_registration_assessments_from_before_are_first_revisions(database: Migrated) -> None:
    enrolment = "(pool, enrolment_id, scheme, person_id, kind, unit_code, household_no, state, enrolled_at, bill_no, "
    enrolment += "paid_fen, paid_on, version)"
    await database.at("registration", "0009_create_cover")
    await database.run(
        f"insert into unit values ('{POOL}', 'V1', 'x', 'village', '{POOL}108200', now())",
        "insert into package_version (pool, scheme, version, state, benefit_year, content, source, drafted_by, "
        f"drafted_at) select '{POOL}', '{SCHEME}', 'sha256:' || encode(sha256('x'), 'hex'), 'draft', 2022, 'x', 'x', "
        "'a', now()",
        f"insert into enrolment {enrolment} values ('{POOL}', '{ONE}', '{SCHEME}', '{ONE}', 'renewal', 'V1', '', "
        f"'paid', now(), '{POOL}A', 32000, '2021-09-05', 2)",
        f"insert into enrolment {enrolment} values ('{POOL}', '{TWO}', '{SCHEME}', '{TWO}', 'renewal', 'V1', '', "
        "'enrolled', now(), null, null, null, 1)",
        "insert into assessment (pool, assessment_id, enrolment_id, scheme, package, person_id, unit_code, "
        "assessed_for, standard_fen, payable_fen, covered_from, covered_to, not_applied, rules, issued_at) "
        f"select '{POOL}', id, id, '{SCHEME}', version, id, 'V1', '2021-09-03', 32000, 32000, '2022-01-01', "
        f"'2022-12-31', '[]', '[]', now() from package_version, unnest(array['{ONE}', '{TWO}']::uuid[]) as id",
        "insert into cover (pool, cover_id, person_id, year, scheme, enrolment_id, covered_from, covered_to, "
        f"started_at) select pool, '{ONE}', person_id, 2022, scheme, enrolment_id, '2022-01-01', '2022-12-31', now() "
        "from enrolment where state = 'paid'",
        "select 1",
    )
    await database.at("registration", "head")
    rows = await database.run(
        "select e.revision, e.paid_revision, a.revision, a.revises, c.ended_at from enrolment e "
        "join assessment a using (pool, enrolment_id) left join cover c using (pool, enrolment_id) "
        "order by e.state desc"
    )
    assert [tuple(row) for row in rows] == [(1, 1, 1, None, None), (1, None, 1, None, None)]
    [facts] = await database.run(
        "select distinct facts ->> 'birth_date', facts ->> 'hukou', facts ->> 'missed_years' from enrolment"
    )
    assert tuple(facts) == ("2022-01-01", f"{POOL}108200", "0")
    await database.at("registration", "-0009_create_cover")
    assert len(await database.run("select state from enrolment")) == 2


async def test_registration_versions_from_before_are_a_chain_of_corrections(database: Migrated) -> None:
    columns = "(pool, scheme, version, state, benefit_year, content, source, drafted_by, drafted_at, published_by, "
    columns += "published_at)"
    await database.at("registration", "0012_alter_facts")
    await database.run(
        f"insert into package_version {columns} select '{POOL}', '{SCHEME}', 'sha256:' || encode(sha256(told.content), "
        "'hex'), case when by is null then 'draft' else 'published' end, 2022, told.content, told.content, 'a', "
        "timestamptz '2021-08-01T09:00:00+08:00', by, at from (values (bytea 'one', 'b', timestamptz "
        "'2021-08-02T00:30:00+08:00'), ('two', 'c', '2021-08-20T00:30:00+08:00'), ('three', null, null)) "
        "as told (content, by, at)",
        "select 1",
    )
    await database.at("registration", "head")
    rows = await database.run(
        "select convert_from(v.content, 'utf8'), v.state, v.validated_by, convert_from(f.content, 'utf8'), "
        "v.counts_from::text, v.replaced_at is not null from package_version v "
        "left join package_version f on f.version = v.corrects order by v.published_at nulls last"
    )
    assert [tuple(row) for row in rows] == [
        ("one", "replaced", "a", None, None, True),
        ("two", "published", "a", "one", "2021-08-20", False),
        ("three", "draft", None, None, None, False),
    ]
    await database.at("registration", "-0012_alter_facts")
    states = await database.run("select state, count(*) from package_version group by state order by state")
    assert [tuple(row) for row in states] == [("draft", 1), ("published", 2)]


async def test_refunds_applications_from_before_have_no_cause_and_were_in_time(database: Migrated) -> None:
    application = "(pool, application_id, scheme, collection_id, bill_no, region, ground, state, amount_fen, "
    application += "applicant_name, reasons, requested_on, requested_at, requested_by, payout_refusals, version"
    await database.at("refunds", "0002_create_application")
    await database.run(
        f"insert into application {application}) values ('{POOL}', '{ONE}', '{SCHEME}', '{ONE}', 'A', '{POOL}', "
        "'paid_twice', 'requested', 32000, 'x', '[]', '2021-12-05', now(), 'system', '[]', 1)",
        f"insert into application {application}, checked_by, checked_at, decided_by, decided_at, refund_id, shift_id, "
        f"method, paid_by, paid_at) values ('{POOL}', '{TWO}', '{SCHEME}', '{TWO}', 'B', '{POOL}', 'paid_twice', "
        f"'paid', 32000, 'x', '[]', '2021-12-05', now(), 'system', '[]', 5, 'a', now(), 'b', now(), '{THREE}', "
        f"'{THREE}', 'cash', 'c', now())",
        "select 1",
    )
    await database.at("refunds", "head")
    rows = await database.run("select cause, late, payout_state, rerouted_by from application")
    assert [tuple(row) for row in rows] == [("", False, None, None)] * 2
    await database.at("refunds", "-0002_create_application")
    assert len(await database.run("select state from application")) == 2


async def test_eligibility_rows_from_before_are_what_statuses_rest_on(database: Migrated) -> None:
    feed = "(pool, feed_id, supplier, file_name, sha256, size_bytes, state, rows_total, rows_done, rows_accepted, "
    feed += "rows_rejected, received_by, received_at, taken_at)"
    status = "(pool, status_id, person_id, code, valid_from, supplier, feed_id, row_no, version, recorded_at, "
    status += "withdrawn_at)"
    hukou = "(pool, hukou_id, person_id, region, feed_id, row_no, recorded_at)"
    await database.at("eligibility", "0005_create_hukou")
    await database.run(
        f"insert into person values ('{POOL}', '{ONE}', '1980-02-03', 'male', 'x', 1, now())",
        f"insert into feed {feed} values ('{POOL}', '{ONE}', 'veterans', 'a.csv', 'x', 1, 'taken', 2, 2, 2, 0, 'a', "
        "'2021-08-15T17:00:00Z', now())",
        f"insert into status {status} values ('{POOL}', '{ONE}', '{ONE}', 'key_entitled', '2019-01-01', 'veterans', "
        f"'{ONE}', 2, 1, now(), null), ('{POOL}', '{TWO}', '{ONE}', 'key_entitled', '2020-01-01', 'veterans', "
        f"'{ONE}', 3, 2, now(), now())",
        f"insert into hukou {hukou} values ('{POOL}', '{ONE}', '{ONE}', '{POOL}108200', '{ONE}', 2, now())",
        "select 1",
    )
    await database.at("eligibility", "head")
    [found] = await database.run("select kind, cast(list_day as text), serial, state, version from feed")
    assert tuple(found) == ("changes", "2021-08-16", 0, "taken", 1)
    claims = await database.run("select row_no, supplier, cast(valid_from as text) from status_claim order by row_no")
    assert [tuple(row) for row in claims] == [(2, "veterans", "2019-01-01"), (3, "veterans", "2020-01-01")]
    await database.run(
        f"insert into feed select pool, '{TWO}', supplier, file_name, 'y', size_bytes, null, state, rows_total, "
        "rows_done, rows_accepted, rows_rejected, received_by, received_at, taken_at, kind, list_day, serial "
        f", null, null, null, null, null, null, null, null, 1, null, null, null, '{TWO}', null, null, false "
        f"from feed where feed_id = '{ONE}'",
        f"insert into hukou {hukou} values ('{POOL}', '{TWO}', '{ONE}', '{POOL}108200', '{TWO}', 2, now())",
        "select 1",
    )
    await database.at("eligibility", "-0005_create_hukou")
    assert [row["hukou_id"].int % 10 for row in await database.run("select hukou_id from hukou")] == [1]


async def test_eligibility_documents_and_decisions_from_before_stay(database: Migrated) -> None:
    document = "(pool, document_id, person_id, type, number_hash, number_sealed, recorded_at)"
    case = (
        "(pool, case_id, given_hash, given_sealed, candidates, opened_at, person_id, decided_by, decided_at, version)"
    )
    await database.at("eligibility", "0010_create_match_case")
    await database.run(
        f"insert into person values ('{POOL}', '{ONE}', '1980-02-03', 'male', 'x', 1, now())",
        f"insert into identity_document {document} values ('{POOL}', '{ONE}', '{ONE}', 'resident_id', 'h', 'n', now())",
        f"insert into match_case {case} values ('{POOL}', '{ONE}', 'g', 's', '[]', now(), '{ONE}', 'a', now(), 2), "
        f"('{POOL}', '{TWO}', 'k', 's', '[]', now(), null, null, null, 1)",
        "select 1",
    )
    await database.at("eligibility", "head")
    [person] = await database.run("select name_hash from person")
    assert person["name_hash"] is None, "a job finds it, which can open the name"
    [found] = await database.run("select type, valid_from, valid_to from identity_document")
    assert tuple(found) == ("resident_id", None, None)
    cases = await database.run("select times_used, last_used_at, withdrawn_at from match_case order by case_id")
    assert [tuple(row) for row in cases] == [(0, None, None), (0, None, None)]
    await database.at("eligibility", "-0010_create_match_case")
    assert len(await database.run("select case_id from match_case")) == 2
    await database.at("eligibility", "head")
    passport = f"'{POOL}', '{TWO}', '{ONE}', 'foreign_passport', 'i', 'n', now()"
    await database.run(f"insert into identity_document {document} values ({passport})", "select 1")
    with pytest.raises(DBAPIError, match="documents of other kinds"):
        await database.at("eligibility", "-0010_create_match_case")
