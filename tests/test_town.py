"""The invented town: the same bytes for the same seed, valid numbers, realistic shares, readable files."""

import csv
import hashlib
import io
import json
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from python_calamine import CalamineWorkbook
from stdnum.cn import ric

from deploy.local.town import PLANS, SCHEME, write_town
from deploy.local.town import acts as acts_module
from deploy.local.town.people import Person, Town


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, Path]:
    """A town of 2,000 and the folder with its files."""
    folder = tmp_path_factory.mktemp("season")
    return write_town(1, 2000, folder), folder


def digests(folder: Path) -> dict[str, str]:
    """What every file holds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def acts_of(folder: Path) -> list[dict[str, Any]]:
    """The planned acts."""
    return [json.loads(line) for line in (folder / "acts.jsonl").read_text(encoding="utf-8").splitlines()]


def rows_of(path: Path) -> list[dict[str, str]]:
    """A list, whatever its form, by heading."""
    if path.suffix == ".xlsx":
        header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
        return [dict(zip(map(str, header), map(str, row), strict=True)) for row in rows]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    encoding = "gb18030" if path.name.startswith("public_security") else "utf-8-sig"
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding))))


def test_the_same_seed_writes_the_same_bytes(made, tmp_path):
    write_town(1, 2000, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(made[1])


def test_old_files_of_another_town_go(tmp_path):
    write_town(3, 2000, tmp_path)
    write_town(4, 300, tmp_path)
    write_town(4, 300, tmp_path / "fresh")
    fresh = digests(tmp_path / "fresh")
    assert {name: digest for name, digest in digests(tmp_path).items() if not name.startswith("fresh")} == fresh


def test_another_seed_writes_another_town(made, tmp_path):
    other = write_town(2, 2000, tmp_path)
    assert {person.number for person in other.people()}.isdisjoint({p.number for p in list(made[0].people())[:50]})
    assert digests(tmp_path)["acts.jsonl"] != digests(made[1])["acts.jsonl"]


@pytest.mark.parametrize("residents", [100, 137, 999, 2000, 6000])
def test_residents_are_exactly_as_many_as_asked(residents, tmp_path):
    town = write_town(7, residents, tmp_path)
    assert len(town.living()) == residents
    villages = Counter(household.village for household in town.households for _ in household.members)
    assert residents < 900 or all(300 <= count <= 930 for count in villages.values())


@pytest.mark.parametrize("residents", [99, 200_001])
def test_a_number_out_of_bounds_is_refused(residents, tmp_path):
    with pytest.raises(ValueError, match="RESIDENTS"):
        write_town(1, residents, tmp_path)


def test_identity_numbers_are_valid_and_each_is_given_once(made):
    people = list(made[0].people())
    assert len({person.number for person in people}) == len(people)
    for person in people:
        assert ric.validate(person.number) == person.number
        assert ric.get_birth_date(person.number) == person.birth
        assert person.number[6:14] == f"{person.birth:%Y%m%d}"
        assert int(person.number[16]) % 2 == (person.sex == "male")
    here = sum(person.number[:6] in {"140522", "142526"} for person in people)
    assert 0.9 < here / len(people) < 1  # the county's code, before 1985 that of the former prefecture


def share(people: list[Person], *words: str) -> float:
    """How many of them have one of these words."""
    return sum(person.has(*words) for person in people) / len(people)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shares_are_those_of_a_mountain_town(seed, tmp_path):
    people = write_town(seed, 3000, tmp_path).living()
    ages = [person.age() for person in people]
    assert min(ages) == 0
    assert 90 <= max(ages) <= 98
    assert 0.10 < sum(age < 15 for age in ages) / len(ages) < 0.20
    assert 0.20 < sum(age >= 60 for age in ages) / len(ages) < 0.33
    assert 0.47 < sum(person.sex == "male" for person in people) / len(people) < 0.57
    assert 0.03 < share(people, "低保") < 0.08
    assert 0.005 < share(people, "特困") < 0.02
    assert 0.05 < share(people, "稳定脱贫") < 0.10
    assert 0.02 < share(people, "一级", "二级", "三级", "四级") < 0.06
    assert 0.05 < sum(person.school is not None for person in people) / len(people) < 0.12
    for word in ("孤儿", "事实无人抚养儿童", "易返贫致贫", "返贫致贫", "在乡重点优抚"):
        assert 0 < share(people, word) < 0.03
    kinds = [len({fact.supplier for fact in person.facts} - {"employee_insurance"}) for person in people]
    assert sum(count > 1 for count in kinds) / len(people) > 0.005


def test_lists_can_be_read_and_hold_slips(made):
    _, folder = made
    for path in [*(folder / "feeds").iterdir(), *(folder / "rosters").iterdir()]:
        rows = rows_of(path)
        assert rows, path
        assert {"姓名", "身份证号"} <= set(rows[0])
        if "2022" not in path.name:
            numbers = [row["身份证号"].strip().upper() for row in rows]
            flawed = [n for n in numbers if len(n) != 18 or ric.calc_check_digit(n) != n[-1]]
            assert len(flawed) <= 10, path
    police = rows_of(folder / "feeds/public_security-2021-08-16.csv")
    assert {"在册", "迁入", "迁出", "死亡"} == {row["变动类型"] for row in police}


def test_people_stand_on_rosters_of_villages_and_schools(made):
    town, folder = made
    villages: Counter[str] = Counter()
    schools: Counter[str] = Counter()
    for path in (folder / "rosters").glob("*.xlsx"):
        for number in {row["身份证号"].upper() for row in rows_of(path)}:
            (schools if len(path.stem.split("-")[0]) == 10 else villages)[number] += 1
    assert len(set(schools) & set(villages)) >= 3  # on both: the second is refused
    assert [number for number, count in villages.items() if count > 1 and ric.is_valid(number)]
    listed = set(villages) | set(schools)
    for person in town.people():
        expected = person.on_village_roster or person.school is not None
        assert (person.number in listed) is expected, person


def test_acts_follow_one_another_and_leave_some_unpaid(made):
    town, folder = made
    acts = acts_of(folder)
    instants = [datetime.fromisoformat(act["at"]) for act in acts]
    assert instants == sorted(instants)
    assert [act["n"] for act in acts] == list(range(1, len(acts) + 1))
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.parent != folder} == {
        act["file"] for act in acts if "file" in act
    }
    pays = [act for act in acts if act["act"] == "pay"]
    taken = [act for act in pays if act["expected_refusal"] is None]
    paid = Counter(number for act in taken for number in act["insured"])
    assert len(paid) < 0.98 * len(town.living())
    assert max(paid.values()) == 2
    assert Counter(act["expected_refusal"] for act in pays)["closed_day"] == 3
    by_card = [(act["terminal_no"], act["batch_no"], act["trace_no"]) for act in taken if act["method"] == "pos"]
    assert len(by_card) == len(set(by_card))
    for act in taken:
        day = datetime.fromisoformat(act["at"])
        assert (day.month, day.day <= 25) in {(month, True) for month in (9, 10, 11, 12)}
    assert [act["method"] for act in pays if act["at"] == "2021-12-25T23:59:59+08:00"] == ["cash"]
    assert [act["expected_refusal"] for act in pays if act["at"] == "2021-12-26T00:00:00+08:00"] == ["outside_window"]
    shifts = {(act["counter"], act["at"][:10]) for act in acts if act["act"] == "open_shift"}
    at_counters = [act for act in acts if act["act"] in {"pay", "pay_refund"} and act["counter"]]
    assert {(act["counter"], act["shift_day"]) for act in at_counters} == shifts
    elsewhere = [act["insured"] for act in acts if act["act"] in {"pay_wechat", "pay_bank", "pay_unionpay"}]
    items = [item for act in acts for item in act.get("items", []) + act.get("lines", [])]
    elsewhere += [item["insured"] for item in items if "insured" in item]
    assert len({*paid, *elsewhere}) < 0.98 * len(town.living())


DISTURBED = ("late_success", "duplicates", "late", "reordered", "timeouts", "statements", "day26")


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The acts of a small town in which everything goes wrong."""
    folder = tmp_path_factory.mktemp("disturbed")
    write_town(1, 300, folder, DISTURBED)
    return acts_of(folder)


def test_every_act_and_field_stands_in_the_table(disturbed, tmp_path):
    write_town(1, 100, tmp_path, scheme="national-2026")  # there people pay late
    said, rest = (acts_module.__doc__ or "").split("`insured` of")
    table: dict[str, str] = {}
    for line in said.splitlines():
        if line.startswith("| "):
            names, fields = line.strip("| ").split(" | ", maxsplit=1)
            table |= dict.fromkeys(names.split(", "), fields + rest)
    acts = disturbed + acts_of(tmp_path)
    assert {act["act"] for act in acts} == table.keys() - {"act"}
    for act in acts:
        inner = [*act.get("items", []), *act.get("lines", []), act.get("person", {})]
        named = {name for each in [act, *inner] for name in each} - {"n", "at", "act", "by"}
        assert not [name for name in named if name not in table[act["act"]]], act


def test_what_goes_back_passes_through_all_hands_in_their_order(disturbed):
    cases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for act in disturbed:
        if act["act"] in {"request_refund", "check_refund", "decide_refund", "pay_refund", "reroute_refund"}:
            cases[act.get("bill_no") or act["insured"]].append(act)
    ways = Counter(" ".join(act["act"].removesuffix("_refund") for act in case) for case in cases.values())
    usual, asked = "check decide pay", "request check decide pay"
    assert set(ways) == {usual, asked, f"{usual} reroute pay", "request"}
    assert ways[usual] > ways[asked] > 3 > ways["request"] == ways[f"{usual} reroute pay"] == 1
    for case in cases.values():
        by = [act["by"] for act in case]
        assert len(case) < 3 or len({by[-1], *(act["by"] for act in case if "check" in act["act"])}) == 2
        assert by[-1] not in by[:-1] or len(case) == 1
    paid = [case[-1] for case in cases.values() if len(case) > 1]
    assert {act["method"] for act in paid} == {"wechat", "bank", "etax", "cash", "pos_return"}
    assert {act.get("fate") for act in disturbed if act["act"] == "pay_refund"} == {None, "processing", "abnormal"}


def test_lists_come_after_people_have_enrolled_or_paid(disturbed):
    paid_at: dict[str, str] = {}
    for act in disturbed:
        for number in act["insured"] if act["act"] == "pay" and act["expected_refusal"] is None else []:
            paid_at.setdefault(number, act["at"])
        if act["act"] in ("pay_wechat", "pay_bank", "pay_unionpay"):
            paid_at.setdefault(act["insured"], act["at"])
        for item in act.get("lines", []) if act["act"] == "record_lines" else act.get("items", []):
            paid_at.setdefault(item.get("insured", ""), item.get("paid_at", act["at"]))
    told_wrongly, taken_back, *lists = [act for act in disturbed if "changes" in act]
    assert (told_wrongly["act"], taken_back["act"]) == ("hand_in_feed", "withdraw_feed")
    assert (told_wrongly["file"], told_wrongly["changes"]) == (taken_back["file"], taken_back["changes"])
    assert all(paid_at[number] > taken_back["at"] for number in taken_back["changes"])
    assert [(act["supplier"], act["at"] < "2021-12-26") for act in lists] == [
        ("civil_affairs", True), ("employee_insurance", True), ("civil_affairs", False), ("employee_insurance", False),
    ]  # fmt: skip
    named = [number for act in lists for number in act["changes"]]
    assert len(named) == len(set(named))
    before = [[paid_at[number] < act["at"] for number in act["changes"]] for act in lists]
    assert [set(said) for said in before] == [{True, False}, {True}, {True}, {True}]
    decided = {act["insured"]: act["result"] for act in disturbed if act["act"] == "decide_case"}
    assert decided.keys() == {number for act in lists[2:] for number in act["changes"]}
    assert set(decided.values()) == {"approved", "declined"}


def test_departments_send_lists_in_every_form_and_people_decide_on_them(made):
    _, folder = made
    acts = acts_of(folder)
    forms = {path.suffix for path in (folder / "feeds").iterdir()}
    assert forms == {".xlsx", ".csv", ".jsonl"}
    texts = [path.read_bytes() for path in (folder / "feeds").glob("*.csv")]
    starts = {"bom" if text.startswith(b"\xef\xbb\xbf") else "plain" if _is_utf8(text) else "gb18030" for text in texts}
    assert starts == {"bom", "plain", "gb18030"}
    with_manifest = [act for act in acts if "manifest" in act]
    for act in with_manifest:
        path = folder / act["file"]
        assert act["manifest"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert act["manifest"]["rows"] == len(rows_of(path))
    held = {act["file"] for act in with_manifest if act.get("state") == "held"}
    decided = {act["file"]: act["result"] for act in acts if act["act"] == "decide_feed"}
    assert decided.keys() == held
    assert set(decided.values()) == {"approved", "rejected"}
    kinds = Counter(act["act"] for act in acts)
    assert (kinds["withdraw_feed"], kinds["decide_match"]) == (1, 1)
    asked = [(act["as_of"], act["known_at"]) for act in acts if act["act"] == "look_up"]
    assert len(set(asked)) == len(asked) > 3


def _is_utf8(text: bytes) -> bool:
    try:
        return bool(text.decode())
    except UnicodeDecodeError:
        return False


def test_each_way_of_putting_books_right_is_planned_where_statements_go_wrong(disturbed, made):
    rounds = [act for act in disturbed if act["act"] == "propose_resolutions"]
    assert Counter(item["resolution"] for act in rounds for item in act["items"]) == {
        "book": 1,
        "correct": 1,
        "reverse": 1,
    }
    assert all(item["day"] < act["at"] for act in rounds for item in act["items"])
    assert not [act for act in acts_of(made[1]) if act["act"] == "propose_resolutions" and act["items"]]
    banks = {act["channel"] for act in disturbed if act["act"] == "hand_in_statement"}
    assert banks == {"wechat", "bank", "etax", "counter", "agent"}


def test_more_residents_make_proportionally_more_acts(tmp_path):
    counts = []
    for residents in (2000, 8000):
        write_town(5, residents, tmp_path)
        counts.append(Counter(act["act"] for act in acts_of(tmp_path)))
    assert 3 < counts[1]["pay"] / counts[0]["pay"] < 5
    assert counts[1]["open_shift"] < 3 * counts[0]["open_shift"]
    assert counts[1]["hand_in_statement"] < 2 * counts[0]["hand_in_statement"]
    assert 3 < counts[1]["pay_wechat"] / counts[0]["pay_wechat"] < 5


OTHERS = sorted(PLANS.keys() - {SCHEME})


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, Path]:
    """A town of 300 in the season of each other scheme."""
    folder = tmp_path_factory.mktemp("other")
    return write_town(1, 300, folder, scheme=request.param), folder


def paid_days(acts: list[dict[str, Any]]) -> dict[str, set[date]]:
    """By identity number, the days on which somebody's premium is brought."""
    days: dict[str, set[date]] = defaultdict(set)
    for act in acts:
        numbers = act["insured"] if act["act"] == "pay" else [act.get("insured", "")]
        for number in numbers if act["act"] in ("pay", "pay_wechat", "pay_bank", "pay_unionpay") else []:
            days[number].add(date.fromisoformat(act["at"][:10]))
        for item in [*act.get("items", []), *act.get("lines", [])]:
            days[item["insured"]].add(date.fromisoformat(item["paid_at"][:10]))
    return days


def test_every_package_has_a_season():
    packages = Path(__file__).resolve().parents[1] / "services/registration/packages"
    stated = {path.stem: yaml.safe_load(path.read_bytes()) for path in packages.glob("*.yaml")}
    assert {name: whole["pool"] for name, whole in stated.items()} == {n: plan.pool for n, plan in PLANS.items()}
    for name, whole in stated.items():
        plan, window = PLANS[name], whole.get("window")
        if window:  # that of tongliao-2016 stands in its overlay
            last = max([window["closes"]["day"], *(one["day"] for one in window.get("deadlines", []))])
            assert plan.calendar[-1][0] == last
            assert (plan.others_close or last) == window["closes"]["day"]
        assert set(plan.shares) <= {one["channel"] for one in whole["channels"]} if "channels" in whole else True
        assert bool(plan.late) is ("late" in whole)
        assert plan.regulates_refunds is ("refund" in whole)


def test_another_scheme_has_its_own_place_and_the_same_bytes_for_the_same_seed(other, tmp_path):
    town, folder = other
    plan = town.plan
    write_town(1, 300, tmp_path / "again", scheme=plan.scheme)
    assert digests(tmp_path / "again") == digests(folder)
    assert {village.code[:9] for village in town.villages} == {plan.town}
    assert all(act["region"].startswith(plan.prefix) for act in acts_of(folder) if "region" in act)
    here = [person for person in town.living() if person.number[:6] == plan.county]
    assert len(here) > 0.85 * len(town.living())
    assert all(ric.calc_check_digit(person.number) == person.number[-1] for person in town.people())


def test_money_comes_inside_the_window_once_or_late_after_the_agency_has_worked_it_out(other):
    town, folder = other
    plan, acts = town.plan, acts_of(folder)
    instants = [act["at"] for act in acts]
    assert instants == sorted(instants, key=datetime.fromisoformat)
    reassessed = {act["insured"] for act in acts if act["act"] == "reassess"}
    born = {act["person"]["identity_number"] for act in acts if act["act"] == "enrol"}
    open_days = {day for day, _ in plan.calendar}
    pupils = {person.number for person in town.people() if person.schooling}
    paid = paid_days(acts)
    checked = {act["insured"] for act in acts if act["act"] == "check_refund" and act["note"]}
    assert {number for number, days in paid.items() if len(days) == 2} == checked
    for number, day in ((number, day) for number, days in paid.items() for day in days):
        if number in reassessed:
            assert any(days.first <= day <= days.last for days in plan.late)
        elif number not in born:
            assert plan.calendar[0][0] <= day <= plan.calendar[-1][0]
            assert number in pupils or day <= (plan.others_close or day)
    counters = {act["at"][:10] for act in acts if act["act"] == "pay" and not reassessed & {*act["insured"]}}
    assert {date.fromisoformat(day) for day in counters} & open_days
    assert bool(reassessed) is bool(plan.late)
    assert bool(born) is bool(plan.births)
    assert 0.5 * len(town.living()) < len(paid) < 0.98 * len(town.living())


def test_channels_and_remittance_are_those_of_the_scheme(other):
    town, folder = other
    plan, acts = town.plan, acts_of(folder)
    kinds = {act["act"] for act in acts}
    ways = {"wechat": "pay_wechat", "bank": "pay_bank", "etax": "confirm_tax", "agent": "record_lines"}
    ways["counter"] = "pay"
    assert {channel for channel, kind in ways.items() if kind in kinds} == set(plan.shares)
    assert not kinds & {"request_refund", "decide_case", "reroute_refund"}
    assert {act["method"] for act in acts if act["act"] == "pay_refund"} <= {"cash", "pos_return"}
    slips = [act for act in acts if act["act"] == "write_slip"]
    assert {date.fromisoformat(act["at"][:10]) for act in slips} == set(plan.slip_days)
    assert ("pass_slips_on" in kinds) is (plan.slips_to == "town")
    assert {act["payer"] for act in acts if act["act"] == "enter_claim"} == set(plan.claim_payers)
    rosters = [rows_of(path) for path in (folder / "rosters").glob("*.xlsx")]
    asked = {"居住证": plan.residence == "with_permit", "断缴年数": plan.missed_years}
    asked["原参保制度"] = plan.former_schemes
    for heading, wanted in asked.items():
        assert all((heading in rows[0]) is wanted for rows in rosters)
    for act in acts:
        if act["act"] == "hand_in_feed":
            assert rows_of(folder / act["file"])


def test_slips_of_the_county_go_on_fridays():
    assert {day.weekday() for day in PLANS["county-2015"].slip_days} == {4}


def test_a_scheme_without_a_plan_is_refused(tmp_path):
    with pytest.raises(KeyError):
        write_town(1, 300, tmp_path, scheme="nowhere-2030")
