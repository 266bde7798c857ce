"""What others have paid for: each lesson has at least one test, marked `pytest.mark.lesson` with its name here."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from deploy.local import places
from deploy.local.drawings import graphs_of
from tests.payments_town import POOL
from tests.registration_town import OFFICER, PACKAGE, Villager, hand_in, keyed, publish_package, roster_file, rows_of
from tests.revisions_town import STANDARD, Town
from tests.suite import ROOT, InProcessSuite

LESSONS = {
    "50 refunds at once": "on one payment they never exceed it (Hyperswitch #13182, Kill Bill #1007)",
    "database dies before the commit": "and after the channel's call: nothing is called again without asking for the "
    "outcome (OpenG2P bridge, odoo #150102)",
    "killed after its 2xx": "to a channel: the payment is there (openIMIS acknowledges from a queue in memory)",
    "same callback 100 times": "reordered, two for no order: one credit, the rest kept as evidence (openIMIS, "
    "formance/stack #1464)",
    "late success": "after cancelled, failed or paid elsewhere: one winner, the loser paid back (Kill Bill #1015, "
    "Lago #5708, #5947, Hyperswitch #2380)",
    "bad lines of a statement": "unknown id, wrong amount, reversal, cut line: every other line settles (OpenG2P, "
    "bcgov #13055)",
    "wrong statement is not forced in": "by one person (Mojaloop #2653)",
    "200 receipts at once": "with 10 % rollbacks: no gap, no double, nobody waits beyond a limit (openIMIS, "
    "Lago #1544)",
    "offline batch twice": "in halves and out of order (openIMIS)",
    "two payments alike": "same family, same day, same amount: two receipts (openIMIS)",
    "several matches in an import": "the row is refused, nothing updated (OpenSPP #573, #421)",
    "N workers": "no record handled twice (MOSIP #1540)",
    "maker, checker, payer": "the maker cannot check, the checker cannot pay (bcgov, openIMIS)",
    "open states have limits": "older than its limit each raises an alarm and has a safe rerun (bcgov #13579: 21,223 "
    "invoices stuck)",
    "list cannot change under the run": "that amounts were computed from (OpenSPP #626)",
    "receipt in one remittance": "and the slip's total is its receipts (DIGIT)",
    "roll-over to the next year": "same heads, no zero premium, no double cover (DC Health Link #948, #1754, #1822)",
}


def marked() -> Iterator[str]:
    """Every name in a mark `pytest.mark.lesson(…)` of the tests, read from their source."""
    for path in sorted((ROOT / "tests").glob("**/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.lesson":
                yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))


def test_every_lesson_has_a_test_and_every_mark_its_lesson() -> None:
    assert set(marked()) == set(LESSONS)


# Every open state older than its limit raises an alarm

WATCHED = {
    "application": {
        "requested": "application_is_checked",
        "checked": "application_is_decided",
        "approved": "application_is_paid",
        "paying": "payout_has_an_outcome",
    },
    "bank_journal": {"received": "bank_payment_is_booked", "awaiting": "bank_reversal_has_its_original"},
    "channel_file": {"wanted": "channel_file_is_there"},
    "channel_message": {"received": "channel_message_is_judged", "unreadable": "channel_message_is_judged"},
    "channel_order": dict.fromkeys(("created", "open", "closing"), "order_comes_to_its_end"),
    "claim_receipt": {"submitted": "claim_receipt_is_checked"},
    "collection": {"suspense": "suspense_is_explained"},
    "feed": {
        "received": "feed_is_taken",
        "held": "feed_is_decided",
        "ending": "feed_is_taken",
        "withdrawing": "feed_is_taken_back",
    },
    "ledger": {"closed": "closed_ledger_is_remitted"},
    "ledger_batch": {"received": "ledger_batch_is_taken"},
    "package_run": {"running": "no_run_waits_long"},
    "person_erasure": {"requested": "erasure_is_decided"},
    "person_merge": {"told": "merge_is_settled", "proposed": "merge_is_decided", "disputed": "dispute_is_decided"},
    "receipt_block": {"issued": "receipt_block_comes_back", "returned": "receipt_block_is_counted"},
    "receipt_cancellation": {"requested": "receipt_cancellation_is_checked"},
    "receipt_segment": {"handed_out": "used_segment_is_written_off"},
    "refund": dict.fromkeys(("submitted", "processing", "abnormal"), "refund_has_an_outcome"),
    "refund_package": {"built": "refund_package_built", "sent": "refund_package_sent"},
    "remittance": {"submitted": "slip_is_checked"},
    "roster": {"received": "no_roster_waits_long"},
    "shift": {"open": "shift_is_closed", "differs": "cash_difference_is_booked"},
    "statement": {"received": "break_is_resolved_in_time", "differs": "break_is_resolved_in_time"},
    "statement_break": {"open": "break_is_resolved_in_time", "proposed": "break_is_resolved_in_time"},
    "status_case": {"open": "case_is_decided"},
    "tax_batch": {"built": "tax_batch_built", "sent": "tax_batch_sent"},
    "tax_batch_line": {"refused": "refused_tax_line_is_mended"},
    "treasury_package": dict.fromkeys(("incomplete", "differs"), "treasury_package_is_whole"),
    "withholding": {
        "built": "withholding_is_released",
        "sent": "withholding_is_answered",
        "refused": "withholding_comes_to_its_end",
        "returned": "withholding_comes_to_its_end",
    },
    "withholding_return": {"differs": "withholding_return_is_judged"},
}
"""The invariant or alarm that finds a record which stands too long in a state."""

AT_REST = {
    "agreement": {"valid"},
    "bank_journal": {"settled", "unsettled", "awaited"},  # booked; or a payment that may stay away for good
    "bill": {"open", "paid"},  # open until its window closes, and counted by the progress of the scheme
    "channel_order": {"closed", "expired", "failed"},  # ended, though money may still come
    "collection": {"settled", "surplus", "released"},  # what is owed back is an application of refunds
    "enrolment": {"enrolled", "paid"},
    "feed": {"taken", "declined"},
    "ledger_batch": {"taken"},
    "ledger": {"open"},  # whose money is held too long, `GET /v1/remittances/overdue` names
    "package_version": {"draft", "validated", "published", "withdrawn"},
    "person_merge": {"merged"},
    "pos_sale": {"charged"},
    "receipt": {"issued"},
    "settlement": {"expected", "arrived", "missing", "differs"},  # what is late or differs is a break
    "statement": {"accepted"},
    "tax_batch_line": {"waiting"},  # for its batch
    "treasury_package": {"accepted"},
    "withholding_line": {"asked", "failed", "dropped", "debited", "partial"},  # for its batch, or the next one
    "withholding_return": {"accepted"},
}
"""States that wait for nobody."""


@pytest.mark.lesson("open states have limits")
@pytest.mark.parametrize("service", places.SERVICES)
def test_every_state_that_waits_for_somebody_is_watched(service: str) -> None:
    module = import_module(f"services.{service}.invariants")
    watches = {one.name: one.sql for one in (*module.INVARIANTS, *module.ALARMS)}
    for table, graph in graphs_of(service).items():
        open_states = {state.name.lower() for state in graph.states if state not in graph.ends}
        watched = WATCHED.get(table, {})
        assert open_states == watched.keys() | AT_REST.get(table, set()), table
        assert not watched.keys() & AT_REST.get(table, set()), table
        for name in watched.values():
            assert table in watches[name]


def test_nothing_is_said_of_the_states_of_a_table_that_has_none() -> None:
    tables = {table for service in places.SERVICES for table in graphs_of(service)}
    assert (WATCHED.keys() | AT_REST.keys()) - tables == set()


@pytest.mark.lesson("open states have limits")
async def test_what_waits_too_long_for_somebody_is_an_alarm_until_it_is_done(
    databases: dict[str, str], tmp_path: Path
) -> None:
    suite = InProcessSuite(databases, tmp_path / "keys")
    town = await Town.enrolled(suite, 2)
    terminal = {"terminal_no": "T1", "shop_no": "898140522000101", "counter_code": "HALL01", "region": "140522108"}
    officer = suite.client("payments", "payments:check", user="officer-li")
    registered = await officer.post("/v1/pos-terminals", json={"pool": POOL, **terminal}, headers=keyed())
    assert registered.status_code == 201, registered.text
    await town.paid(1)  # the shift stays open
    await town.take(await town.bill(1, "paid"), pos="again")
    await town.take(await town.bill(2), pos="wrong", amount_fen=31900)
    await suite.settle_down()
    assert await alarms(suite) == {}
    suite.set_clock("2021-12-27 09:00")
    await town.aid(1, since="2021-12-01")
    late = {"payments": {"shift_is_closed", "suspense_is_explained"}, "refunds": {"application_is_checked"}}
    assert await alarms(suite) == late
    suite.set_clock("2022-01-15 09:00")
    assert await alarms(suite) == late | {"registration": {"case_is_decided"}}
    assert await suite.invariants_broken() == {}
    [case] = await town.items("registration", "status-cases", state="open")
    await town.decide_case(case, "declined")
    checked = await town.step(await town.application(), "check", "checker", {"result": "confirmed", "note": "属实"})
    assert checked.status_code == 200, checked.text
    counter = await town.counter()
    assert (await counter.close(50000 + STANDARD)).status_code == 200
    assert await alarms(suite) == {"payments": {"suspense_is_explained"}}
    suite.set_clock("2022-01-23 09:00")
    payments = {"suspense_is_explained", "cash_is_deposited"}
    assert await alarms(suite) == {"payments": payments, "refunds": {"application_is_decided"}}
    await suite.close()


async def alarms(suite: InProcessSuite) -> dict[str, set[str]]:
    """What `GET /v1/alarms` of each service finds."""
    found = {}
    for service in suite.apps:
        answer = await suite.client(service, f"{service}:read").get("/v1/alarms")
        raised = {item["name"] for item in answer.json()["items"] if item["found"]}
        if raised:
            found[service] = raised
    return found


# Roll-over


def next_years(package: bytes) -> bytes:
    """The notice of 2022 as one of 2023: every date a year later, everything else as it was."""
    return package.replace(b"2022", b"2023").replace(b"2021", b"2022")


@pytest.mark.lesson("roll-over to the next year")
async def test_the_next_year_has_the_same_heads_no_zero_premium_and_no_double_cover(
    databases: dict[str, str], tmp_path: Path
) -> None:
    """A year begins with the rosters of its own, handed in anew: nobody is carried over, and nobody's cover is doubled.

    Whoever was helped last year is helped only if they still hold the status on the day they pay.
    """
    suite = InProcessSuite(databases, tmp_path / "keys")
    town = await Town.enrolled(suite, 4)
    await town.aid(1, "特困")
    await town.aid(2, until="2021-12-31")
    for order in (2, 3, 4):
        await town.paid(order)
    officer = suite.client("registration", OFFICER)
    suite.set_clock("2022-08-20 09:00")
    await publish_package(suite, next_years(PACKAGE))
    suite.set_clock("2022-09-05 09:00")
    people = [Villager(town.people[order].number) for order in (1, 2, 3, 4)]
    roster = await hand_in(officer, roster_file(people), scheme="yangcheng-2023")
    await suite.settle_down()
    assert [row["outcome"] for row in await rows_of(officer, roster["roster_id"])] == ["enrolled"] * 4
    assessed = await town.items("registration", "assessments", scheme="yangcheng-2023")
    assert {one["person_id"] for one in assessed} == {person.person_id for person in town.people.values()}
    assert [one["standard_fen"] for one in assessed] == [STANDARD] * 4
    due = {one["person_id"]: one["payable_fen"] for one in assessed}
    assert [due[town.people[order].person_id] for order in (1, 2, 3, 4)] == [0, STANDARD, STANDARD, STANDARD]
    again = await hand_in(officer, roster_file(people[::-1]), scheme="yangcheng-2023")
    await suite.settle_down()
    assert {row["outcome"] for row in await rows_of(officer, again["roster_id"])} == {"refused"}
    open_bills = await town.items("payments", "bills", scheme="yangcheng-2023", status="open")
    assert sorted(bill["amount_fen"] for bill in open_bills) == [STANDARD] * 3
    for bill in open_bills:
        assert (await town.take(bill))["outcome"] == "settled"
    await suite.settle_down()
    covers = await town.items("registration", "covers", limit=1000)
    assert sorted((cover["person_id"], cover["year"]) for cover in covers) == sorted(
        (person.person_id, year) for person in town.people.values() for year in (2022, 2023)
    )
    assert {(cover["covered_from"], cover["covered_to"]) for cover in covers} == {
        ("2022-01-01", "2022-12-31"),
        ("2023-01-01", "2023-12-31"),
    }
    await town.in_order()
    await suite.close()
