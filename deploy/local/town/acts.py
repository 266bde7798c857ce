"""The season as a list of acts in the order of their business instants: `out/season/acts.jsonl`.

One JSON object a line. Every act has `n` (its number), `at` (the instant, Asia/Shanghai), `act` (what is done) and `by`
(who does it); the rest depends on the act:

| act | further fields |
|---|---|
| hand_in_feed | supplier, file, [changes: whose bills it may change, manifest {kind, rows, sha256, list_day}, \
state: `held` where a second person is awaited, returned: how many rows go back, signed: by its own system] |
| decide_feed | file, result: what a second person says of a full list that is held |
| withdraw_feed | file, reason, changes |
| decide_match | name: of the only open case of that name, with one candidate |
| record_key | supplier: whose own system signs what it hands over |
| look_up | insured, as_of, known_at: who held what on a day, as it was known then |
| look_for_double_cover | - |
| decide_case | insured, result, note: whether a list that came too late counts |
| draft_package, publish_package | scheme |
| make_unit | unit_code, name, kind, region |
| hand_in_roster | unit_code, file |
| enrol | unit_code, enrolment, person {name, identity_number, hukou, residence, household_no, [document]}, documents |
| reassess | insured: who did not pay in time |
| register_terminal | counter, region, terminal_no, shop_no |
| open_shift, close_shift | counter, region, opening_float_fen or shift_day |
| deposit_cash | counter, region |
| pay | counter, region, shift_day, method, payer_name, payer_identity_number, insured, expected_refusal, [expected] |
| request_refund | insured or bill_no, applicant_name, ground, expected |
| check_refund, decide_refund | insured or bill_no: whose money goes back; [note] |
| pay_refund | insured or bill_no, counter, region, shift_day, method; [fate at the channel] |
| reroute_refund | insured or bill_no, note: the channel could not bring it home |
| order_wechat, pay_wechat | order, insured, payer_name, payer_identity_number, place; faults, expected |
| order_unionpay, pay_unionpay | institution, order, insured, payer_name, payer_identity_number, place |
| pay_bank, reverse_bank | institution, serial, insured, payer_name, payer_identity_number, difference_fen, expected; \
fault |
| confirm_tax, confirm_tax_batch | batch_no, items [{event, voucher_no, insured, payer_name, paid_at, difference_fen, \
expected, [told_difference_fen, collected, resolution]}], or bill_no and amount_fen of nobody's number; faults |
| check_bank_day | institution, day |
| register_device, open_ledger, close_ledger | unit_code, region, agency_name |
| record_lines | unit_code, region, lines [{line_no, kind, insured, payer_name, payer_identity_number, paid_at, \
method, difference_fen, expected, or contrary_of and reason}] |
| write_slip, check_slips, pass_slips_on | unit_code or region, to, paid_on |
| enter_claim, check_claims | region, payer |
| hand_in_statement | channel, institution (of an agent the unit), day; faults |
| judge_statements | - |
| propose_resolutions | items [{channel, day, insured, resolution}]; what else is open is ignored |
| approve_resolutions | - |
| close_books | - |

`insured` of `pay` lists identity numbers; a `pay` by card has `terminal_no`, `batch_no`, `trace_no`. An item with a
`resolution` is told wrongly: the confirmation is never sent, or says `told_difference_fen` more than was paid, or
nothing was `collected`.
`expected_refusal` is what the driver awaits; a recomputation must find it out by itself. Amounts are not planned: they
are what the services say is due.
"""

import json
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from .changes import late_lists
from .counters import counter_acts
from .departments import department_acts
from .deposits import deposit_acts
from .disturbing import disturb, misreport
from .facts import learn
from .feeds import Newborn, moment, newborns, write_births, write_feeds
from .oddities import add_oddities
from .people import Town, quota, settle, stream
from .plans import PLANS, YANGCHENG
from .preparing import by_mother, enrol_fields, preparation
from .reckoning import statement_acts
from .regular import regular_acts
from .returning import money_back
from .rosters import write_rosters
from .timed import Timed
from .visits import HOURS, plan_visits

SCHEME = YANGCHENG.scheme


def write_town(seed: int, residents: int, folder: Path, faults: Collection[str] = (), scheme: str = SCHEME) -> Town:
    """Generate the town and write rosters, feeds and acts under `folder` (which is made; old files in it go).

    `faults`: what goes wrong besides, by the names of FAULTS. The same scheme, seed, number and faults give the same
    bytes. Raises ValueError for a number of residents out of bounds, KeyError for a scheme without a plan.
    """
    town = settle(PLANS[scheme], seed, residents)
    for name in ("rosters", "feeds"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).iterdir():
            old.unlink()
    acts = _eventful(town, folder, faults) if town.plan.regulates_refunds else regular_acts(town, folder, faults)
    acts.append(Timed(moment(town.plan.books_close, 17), 0, {"act": "close_books", "by": "agency-officer-a"}))
    _write(folder / "acts.jsonl", acts)
    return town


def _eventful(town: Town, folder: Path, faults: Collection[str]) -> list[Timed]:
    """The season of the scheme whose notice regulates refunds: all occurs that can."""
    learn(town)
    feeds = write_feeds(town, folder)
    children = newborns(town)
    feeds += write_births(children, folder)
    rosters, ready = write_rosters(town, folder)
    late = _late_comers(town, ready)
    visits = plan_visits(town, ready)
    add_oddities(town, visits, ready, faults)
    changes, differences = late_lists(town, visits, folder)
    back = money_back(town, visits) + differences
    acts = [*preparation(town, feeds, rosters), *department_acts(town, folder)]
    acts += [*late, *_births(town, children), *changes]
    acts += [*counter_acts(town.plan, visits, back), *back, *deposit_acts(town, visits.deposits)]
    acts = misreport(town, acts) if "statements" in faults else acts
    acts = disturb(town, acts, set(faults) - {"statements"})
    acts += statement_acts(town.plan, acts)
    return disturb(town, acts, set(faults) & {"statements"})


def _write(path: Path, acts: Iterable[Timed]) -> None:
    lines = []
    for n, timed in enumerate(sorted(acts, key=lambda act: (act.at, act.place)), 1):
        act = {"n": n, "at": f"{timed.at.isoformat()}+08:00", **timed.fields}
        if act.get("method") == "pos" and act["act"] == "pay":
            act |= {"batch_no": f"{timed.at:%y%m%d}", "trace_no": f"{n % 1_000_000:06d}"}
        lines.append(json.dumps(act, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _late_comers(town: Town, ready: dict[str, datetime]) -> list[Timed]:
    """People on no roster who register at the agency on their own (S004-02); enters their moment in `ready`."""
    rng = stream(town.seed, "late")
    acts = []
    for household in town.households:
        for person in household.members:
            if person.joins_late:
                day = date(2021, rng.choice((9, 10, 11)), rng.randint(13, 24))
                ready[person.number] = moment(day, *HOURS[0])
                fields = enrol_fields(town.plan, town.plan.agency_unit, "new", person, household)
                acts.append(Timed(ready[person.number], 2, fields))
    return acts


def _births(town: Town, children: list[Newborn]) -> list[Timed]:
    """In the window at the village of the hukou, otherwise at the agency (S004-35); some are brought twice, some before
    they have a number (`document` is what they show, `identity_number` the one they come to)."""
    rng = stream(town.seed, "births")
    twice = set(rng.sample(range(len(children)), min(quota(town.residents, 0.0005), len(children))))
    acts = []
    for n, newborn in enumerate(children):
        first = newborn.listed_on + timedelta(days=rng.randint(1, 18))
        before = n % 2 == 1 and n not in twice and newborn.mother
        if before:  # by the mother's number, until the list of births says which one is the child's own
            first = min(newborn.child.birth + timedelta(days=10), newborn.listed_on - timedelta(days=1))
        for day in (first, first + timedelta(days=2))[: 2 if n in twice else 1]:
            at_village = day.month >= 9 and day.day <= 25
            unit = newborn.household.village.code if at_village else town.plan.agency_unit
            fields = enrol_fields(town.plan, unit, "newborn", newborn.child, newborn.household)
            if before:
                fields["person"]["document"] = by_mother(newborn.child, before)
            acts.append(Timed(moment(day, *HOURS[0]), 2, fields))
    return acts
