"""What is shared and needs no database: identity numbers, divisions, money, days, codes, identifiers."""

from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.clock import SHANGHAI, business_day
from shared.codes import Channel, Document, Payer, RefusalCode, Status
from shared.identity import (
    NumberFault,
    ResidentNumber,
    Sex,
    mask_in_text,
    mask_number,
    normal_name,
    normal_number,
    read_resident_number,
)
from shared.ids import new_id
from shared.money import percent_of, yuan
from shared.regions import area_covers, area_covers_pool, in_pool, is_region, pool_prefix
from shared.tokens import Caller

TODAY = date(2021, 9, 1)


def with_check_digit(first_17: str) -> str:
    """GB 11643-1999, ISO 7064 MOD 11-2; written here once more, so that the product does not check itself."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return first_17 + "10X98765432"[total % 11]


WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

address_codes = st.integers(110000, 829999).map(str)
birth_dates = st.dates(date(1900, 1, 1), TODAY)
serials = st.integers(0, 999).map("{:03d}".format)
numbers = st.builds(
    lambda address, born, serial: with_check_digit(f"{address}{born:%Y%m%d}{serial}"),
    address_codes,
    birth_dates,
    serials,
)


@pytest.mark.parametrize(
    ("text", "born", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), "female"),
        ("11010519491231002x", date(1949, 12, 31), "female"),
        ("１１０１０５１９４９１２３１００２Ｘ", date(1949, 12, 31), "female"),
        ("１１０１０５１９４９１２３１００２ｘ", date(1949, 12, 31), "female"),
        (" 110105 1949 1231 002X\n", date(1949, 12, 31), "female"),
        ("110105-19491231-002X", date(1949, 12, 31), "female"),
        ("440524188001010014", None, ""),
        (with_check_digit("14052220000229123"), date(2000, 2, 29), "male"),
        (with_check_digit("14052219000101001"), date(1900, 1, 1), "male"),
        (with_check_digit("14052220210901001"), TODAY, "male"),
        (with_check_digit("99999920210901002"), TODAY, "female"),
    ],
)
def test_numbers_as_lists_bring_them_are_read(text: str, born: date | None, sex: str) -> None:
    found = read_resident_number(text, today=TODAY)
    if born is None:
        assert isinstance(found, NumberFault), "born in 1880, nobody lives that long"
    else:
        assert isinstance(found, ResidentNumber)
        assert (found.birth_date, found.sex) == (born, sex)
        assert found.number == normal_number(text)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("", "identity_number_missing", "缺少"),
        (" \t　", "identity_number_missing", "缺少"),
        ("110105491231002", "identity_number_invalid", "18位"),
        ("1101051949123100X", "identity_number_invalid", "18位"),
        ("11010519491231002X1", "identity_number_invalid", "18位"),
        ("1101051949123100XX", "identity_number_invalid", "18位"),
        ("01010519491231002X", "identity_number_invalid", "18位"),
        ("11O10519491231002X", "identity_number_invalid", "18位"),
        ("1٠١٠٥١٩٤٩١٢٣١٠٠٢X", "identity_number_invalid", "18位"),
        ("1١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "identity_number_invalid", "18位"),
        ("110105194912310021", "identity_number_invalid", "校验位"),
        ("11010519491231002Y", "identity_number_invalid", "18位"),
        (with_check_digit("11010519490230002"), "identity_number_invalid", "不存在"),
        (with_check_digit("11010519491331002"), "identity_number_invalid", "不存在"),
        (with_check_digit("11010519490100002"), "identity_number_invalid", "不存在"),
        (with_check_digit("11010519000229002"), "identity_number_invalid", "不存在"),
        (with_check_digit("11010520210229002"), "identity_number_invalid", "不存在"),
        (with_check_digit("11010520210902002"), "identity_number_invalid", "不可能"),
        (with_check_digit("11010518891231002"), "identity_number_invalid", "不可能"),
    ],
)
def test_numbers_that_nobody_has_are_refused_with_the_reason(text: str, code: str, word: str) -> None:
    found = read_resident_number(text, today=TODAY)
    assert isinstance(found, NumberFault)
    assert found.code == code
    assert word in found.detail


@settings(deadline=None)
@given(address_codes, birth_dates, serials)
def test_every_number_with_its_check_digit_and_a_possible_date_is_read(address: str, born: date, serial: str) -> None:
    number = with_check_digit(f"{address}{born:%Y%m%d}{serial}")
    sex: Sex = "male" if int(serial) % 2 else "female"
    assert read_resident_number(number, today=TODAY) == ResidentNumber(number, born, sex)
    assert read_resident_number(number.lower(), today=TODAY) == ResidentNumber(number, born, sex)


@settings(deadline=None)
@given(numbers, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_single_wrong_digit_is_refused(number: str, at: int, digit: str) -> None:
    if digit != number[at]:
        assert isinstance(read_resident_number(number[:at] + digit + number[at + 1 :], today=TODAY), NumberFault)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_whatever_stands_in_the_cell_is_read_or_refused(text: str) -> None:
    found = read_resident_number(text, today=TODAY)
    assert isinstance(found, ResidentNumber | NumberFault)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("11010519491231002X", "1101************2X"),
        ("110105491231002", "1101*********02"),
        ("123456789", "1234***89"),
        ("12345678", "********"),
        ("", ""),
    ],
)
def test_a_masked_number_shows_its_ends_only(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证11010519491231002X，姓名", "身份证1101************2X，姓名"),
        ("11010519491231002x,14052220000229123X", "1101************2x,1405************3X"),
        ("11010519491231002X1", "1101************2X1"),
        ("１１０１０５１９４９１２３１００２Ｘ", "１１０１************２Ｘ"),
        ("110105 19491231 002X", "1101**************2X"),
        ("110105-19491231-0029", "1101**************29"),
        ("2021 11010519491231002X", "2021 1101************2X"),
        ("bill 1405227QK3M9Z5T2WB8XCD of 0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05", None),
        ("2021-12-05T10:00:00+08:00 took 32000 fen on 13800138000 13900139000", None),
        ("1234567890123456789", None),
    ],
)
def test_numbers_inside_a_text_are_masked_and_nothing_else(text: str, masked: str | None) -> None:
    assert mask_in_text(text) == (text if masked is None else masked)


@settings(deadline=None)
@given(st.text(max_size=20), numbers, st.text(max_size=20))
def test_no_number_survives_in_a_text(before: str, number: str, after: str) -> None:
    if not (before[-1:].isdigit() or after[:1].isdigit()):
        assert number not in mask_in_text(before + number + after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("王小明", " 王 小明\t"),
        ("王小明", "王　小明"),
        ("买买提·吐尔逊", "买买提.吐尔逊"),
        ("买买提·吐尔逊", "买买提•吐尔逊"),
        ("买买提·吐尔逊", "买买提・吐尔逊"),
        ("买买提·吐尔逊", "买买提 ‧ 吐尔逊"),
    ],
)
def test_a_name_is_the_same_however_it_was_typed(one: str, other: str) -> None:
    assert normal_name(one) == normal_name(other)


@pytest.mark.parametrize(
    ("area", "region", "covered"),
    [
        ("", "140522108200", True),
        ("140522", "140522", True),
        ("140522", "140522108200", True),
        ("140522108200", "140522108200", True),
        ("140522108200", "140522108201", False),
        ("140522108200", "140522108", False),
        ("140522", "140521108200", False),
        ("1403", "140302001", True),
    ],
)
def test_an_area_takes_in_what_begins_with_it(area: str, region: str, covered: bool) -> None:
    assert area_covers(area, region) is covered


@pytest.mark.parametrize(
    ("pool", "area", "whole", "touches"),
    [
        ("140522", "", True, True),
        ("140522", "140522", True, True),
        ("140522", "1405", True, True),
        ("140522", "140522108", False, True),
        ("140522", "140521", False, False),
        ("140522", "140521108200", False, False),
        ("140300", "", True, True),
        ("140300", "140300", True, True),
        ("140300", "1403", True, True),
        ("140300", "140302", False, True),
        ("140300", "140302001", False, True),
        ("140300", "140522", False, False),
    ],
)
def test_an_area_holds_a_whole_pool_a_part_of_it_or_nothing(pool: str, area: str, whole: bool, touches: bool) -> None:
    assert area_covers_pool(area, pool) is whole
    caller = Caller("client", "person", frozenset(), area, 0)
    for required, allowed in ((caller.require_pool, whole), (caller.require_touch, touches)):
        if allowed:
            required(pool)
        else:
            with pytest.raises(Exception, match="area_forbidden"):
                required(pool)


@pytest.mark.parametrize(
    ("region", "pool", "inside"),
    [
        ("140522108200", "140522", True),
        ("140522", "140522", True),
        ("140521108200", "140522", False),
        ("140302001002", "140300", True),
        ("140322", "140300", True),
        ("140300", "140300", True),
        ("140402", "140300", False),
        ("140300", "140302", False),
    ],
)
def test_a_citys_pool_takes_in_its_counties(region: str, pool: str, inside: bool) -> None:
    assert in_pool(region, pool) is inside
    assert region.startswith(pool_prefix(pool)) is inside


@pytest.mark.parametrize(
    ("code", "good"),
    [
        ("140522", True),
        ("140522108", True),
        ("140522108200", True),
        ("14052210", False),
        ("1405221082001", False),
        ("040522", False),
        ("14052X", False),
        ("140522\n", False),
        ("14٠522", False),
        ("", False),
    ],
)
def test_a_division_code_has_6_9_or_12_digits(code: str, good: bool) -> None:
    assert is_region(code) is good


@pytest.mark.parametrize(
    ("amount_fen", "percent", "share_fen"),
    [
        (32000, 100, 32000),
        (32000, 0, 0),
        (1, 50, 1),
        (1, 49, 0),
        (3, 50, 2),
        (33, 33, 11),
        (10**15 + 1, 50, 5 * 10**14 + 1),
    ],
)
def test_half_a_fen_goes_up(amount_fen: int, percent: int, share_fen: int) -> None:
    assert percent_of(amount_fen, percent) == share_fen


@settings(deadline=None)
@given(st.integers(0, 10**15), st.integers(0, 100))
def test_a_share_lies_between_nothing_and_all_and_grows_with_both(amount_fen: int, percent: int) -> None:
    share_fen = percent_of(amount_fen, percent)
    assert type(share_fen) is int
    assert 0 <= share_fen <= amount_fen
    assert abs(100 * share_fen - amount_fen * percent) <= 50
    assert percent_of(amount_fen + 1, percent) >= share_fen
    assert percent == 100 or percent_of(amount_fen, percent + 1) >= share_fen


@pytest.mark.parametrize(("amount_fen", "percent"), [(-1, 50), (100, -1), (100, 101)])
def test_what_is_no_share_is_refused(amount_fen: int, percent: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        percent_of(amount_fen, percent)


@pytest.mark.parametrize(
    ("amount_fen", "text"),
    [(0, "0.00"), (5, "0.05"), (32000, "320.00"), (123456789, "1,234,567.89"), (-5, "-0.05"), (-32000, "-320.00")],
)
def test_an_amount_for_people(amount_fen: int, text: str) -> None:
    assert yuan(amount_fen) == text


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2021-12-25T23:59:59+08:00", date(2021, 12, 25)),
        ("2021-12-26T00:00:00+08:00", date(2021, 12, 26)),
        ("2021-12-25T15:59:59+00:00", date(2021, 12, 25)),
        ("2021-12-25T16:00:00+00:00", date(2021, 12, 26)),
        ("2021-12-26T04:59:00+13:00", date(2021, 12, 25)),
        ("2021-12-25T08:00:00-08:00", date(2021, 12, 26)),
        ("1988-07-01T00:30:00+09:00", date(1988, 7, 1)),
    ],
)
def test_a_business_day_is_the_day_in_shanghai(instant: str, day: date) -> None:
    """The last case: in the summer of 1988 the clocks of Shanghai stood at +09:00."""
    assert business_day(datetime.fromisoformat(instant)) == day


@settings(deadline=None)
@given(st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01")), st.integers(-14, 14))
@example(datetime.fromisoformat("2021-12-25T23:59:59.999999"), 0)
def test_the_day_does_not_depend_on_the_offset_it_is_told_in(local: datetime, hours: int) -> None:
    instant = local.replace(tzinfo=SHANGHAI)
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert business_day(instant) == business_day(elsewhere) == local.date()


def test_an_instant_without_offset_has_no_day() -> None:
    with pytest.raises(ValueError, match="offset"):
        business_day(datetime(2021, 12, 25, tzinfo=UTC).replace(tzinfo=None))


STATUSES = """
dibao · destitute · orphan · unattended_child · registered_poor · fallen_into_poverty · at_risk_of_poverty ·
stably_out_of_poverty · low_income_family · disabled · key_entitled · family_planning_hardship · clergy ·
returned_overseas_chinese · detained · armed_police · employee_insured · insured_elsewhere · student ·
hardship_enterprise_retiree · deceased · residence_permit
"""
PAYERS = """
person · medical_assistance_fund · county_finance · district_finance · city_finance · province_finance ·
original_channel · armed_police_force · collective · fiscal
"""
DOCUMENTS = """
id_card · hukou_booklet · hukou_certificate · residence_permit · residence_certificate · uninsured_certificate ·
birth_certificate · student_card · photo · social_security_card · old_scheme_certificate · insurance_handbook ·
status_certificate · death_certificate · bank_account
"""
REFUSALS = """
outside_window · closed_day · employee_insured · insured_elsewhere · no_local_tie · documents_missing ·
already_enrolled · no_rule · amount_unknown · no_cover_left · not_eligible · unknown_scheme
"""
CHANNELS = "wechat · bank · etax · counter · agent"


@pytest.mark.parametrize(
    ("codes", "listed"),
    [(Status, STATUSES), (Payer, PAYERS), (Document, DOCUMENTS), (RefusalCode, REFUSALS), (Channel, CHANNELS)],
)
def test_codes_stand_as_outsiders_know_them_in_the_order_of_ties(codes: type[StrEnum], listed: str) -> None:
    assert list(codes) == listed.replace("·", " ").split()
    assert all(member.name == member.value.upper() for member in codes)


def test_identifiers_are_in_the_order_they_were_made() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {one.version for one in made} == {7}
