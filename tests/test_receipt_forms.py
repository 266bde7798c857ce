"""What is printed on receipts: amounts in words, check codes, PDF, vendor's lines, and the public page's reading."""

import re
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.formats import receipt_lines, receipt_pdf, verify_page
from services.payments.rules import receipts as rules
from shared.clock import SHANGHAI
from shared.money import capitals
from shared.rates import Rates
from shared.sealing import Sealer

SEALER = Sealer("k", {"k": b"k" * 32}, b"l" * 32)


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (32000, "叁佰贰拾元整"),
        (38005, "叁佰捌拾元零伍分"),
        (140950, "壹仟肆佰零玖元伍角整"),
        (600714, "陆仟零柒元壹角肆分"),
        (1640902, "壹万陆仟肆佰零玖元零贰分"),
        (10700053, "壹拾万柒仟元伍角叁分"),
        (1001000000, "壹仟零壹万元整"),
        (1000000000100, "壹佰亿零壹元整"),
    ],
)
def test_amounts_in_capitals(fen: int, words: str) -> None:
    assert capitals(fen) == words


@given(st.integers(0, 10**14 - 1))
def test_capitals_say_the_amount_and_no_other(fen: int) -> None:
    text = capitals(fen)
    assert read_capitals(text) == fen
    assert "零零" not in text


def read_capitals(text: str) -> int:
    """The amount that capitals say, read the way a cashier reads them."""
    yuan, _, rest = text.rpartition("元")
    total = section = digit = 0
    for sign in yuan:
        if sign in "零壹贰叁肆伍陆柒捌玖":
            digit = "零壹贰叁肆伍陆柒捌玖".index(sign)
        elif sign in "拾佰仟":
            section, digit = section + digit * {"拾": 10, "佰": 100, "仟": 1000}[sign], 0
        else:
            total, section, digit = total + (section + digit) * {"万": 10**4, "亿": 10**8}[sign], 0, 0
    cents = {sign: "零壹贰叁肆伍陆柒捌玖".index(number) for number, sign in re.findall("(.)([角分])", rest)}
    return (total + section + digit) * 100 + cents.get("角", 0) * 10 + cents.get("分", 0)


PRINTED = st.builds(
    rules.printed,
    st.from_regex(r"[0-9]{8}", fullmatch=True),
    st.integers(1, rules.MOST_FISCAL_NUMBER),
    st.integers(1, 10**9),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda at: at.replace(tzinfo=SHANGHAI)),  # noqa: DTZ001
)


@given(PRINTED)
def test_a_check_code_is_six_characters_and_always_the_same(printed: rules.Printed) -> None:
    code = rules.check_codes(SEALER.codes, printed)[0]
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{6}", code)
    assert code == rules.check_codes(SEALER.codes, printed)[0]
    assert code != rules.check_codes(Sealer("k", {"k": b"k" * 32}, b"m" * 32).codes, printed)[0]


def test_a_check_code_is_another_for_whatever_is_printed_otherwise() -> None:
    at = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)
    same = ("14060121", 42, 32000, at)
    others = [("14060122", *same[1:]), ("14060121", 43, 32000, at), ("14060121", 42, 32001, at),
              ("14060121", 42, 32000, datetime(2021, 12, 6, tzinfo=SHANGHAI))]  # fmt: skip
    codes = {rules.check_codes(SEALER.codes, rules.printed(*one))[0] for one in (same, *others)}
    assert len(codes) == 5


@pytest.mark.parametrize("fen", [-1, 10**14])
def test_what_no_receipt_says_has_no_words(fen: int) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        capitals(fen)


def test_the_day_of_a_receipt_is_the_business_day() -> None:
    assert rules.printed("1", 1, 1, datetime.fromisoformat("2021-12-05T15:59:59Z")).day == date(2021, 12, 5)
    assert rules.printed("1", 1, 1, datetime.fromisoformat("2021-12-05T16:00:00Z")).day == date(2021, 12, 6)


def sheet(**more: Any) -> receipt_pdf.Page:
    """What stands on a receipt."""
    plain: dict[str, Any] = {
        "title": "社会保险费专用票据（电子）", "item": "城乡居民基本医疗保险费", "state": rules.ReceiptState.ISSUED,
        "is_red": False, "receipt_no": "HALL01-00000042", "code": "14060121", "number": "0000012042",
        "check_code": "7kq0zn", "issued_on": date(2021, 12, 5), "payer_name": "王小明", "person_name": "王*明",
        "bill_no": "1405227QK3M9Z5T2WB8XCD", "channel": "counter", "method": "cash", "amount_fen": 32050,
        "related": "", "ended_on": None, "issuing_unit": "示例县医疗保障经办中心", "issued_by": "clerk-wang",
        "verify_url": "https://pay.example.gov.cn/payments/verify?code=14060121", "unit_seal": None,
        "supervision_seal": None,
    }  # fmt: skip
    return receipt_pdf.Page(**plain | more)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "state": rules.ReceiptState.VOIDED,
            "ended_on": date(2021, 12, 6),
            "related": "已换开，新票据：HALL01-00000043",
        },
        {"state": rules.ReceiptState.OFFSET, "ended_on": date(2021, 12, 6)},
        {"is_red": True, "state": rules.ReceiptState.OFFSET},
        {"payer_name": '买买提·阿不都热合曼 #set text(size: 90pt) $x$ "\\', "issuing_unit": "一" * 60},
    ],
)
def test_the_pdf_is_one_page_with_its_font_inside(more: dict[str, Any]) -> None:
    """A reader that has no Chinese font shows it; and what payers are called is never read as markup."""
    data = receipt_pdf.render(sheet(**more))
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1
    assert b"NotoSansSC" in data
    assert re.search(rb"/FontFile[23]?\b", data)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


def test_seals_are_images_of_the_deployment() -> None:
    plain = receipt_pdf.render(sheet())
    sealed = receipt_pdf.render(sheet(unit_seal=PNG, supervision_seal=PNG))
    assert plain.count(b"/Subtype/Image") + plain.count(b"/Subtype /Image") < (
        sealed.count(b"/Subtype/Image") + sealed.count(b"/Subtype /Image")
    )


GIVEN = {"code": "14060121", "number": "0000012042", "check_code": "7kq0zn", "amount": "320.50", "day": "2021-12-05"}


@pytest.mark.parametrize(
    ("amount", "fen"), [("320.50", 32050), ("320.5", 32050), ("320", 32000), ("1,320.05", 132005), ("1，320", 132000)]
)
def test_the_page_reads_what_people_write(amount: str, fen: int) -> None:
    asked, faults = verify_page.read(GIVEN | {"amount": amount, "number": " 0000012042 "})
    assert faults == {}
    assert asked is not None
    assert (asked["amount_fen"], asked["day"], asked["number"]) == (fen, date(2021, 12, 5), "0000012042")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("code", "1406012"), ("number", "12042"), ("check_code", "7kq-zn"), ("amount", "三百"), ("amount", "1.234"),
        ("amount", ""), ("day", "2021-02-30"), ("day", ""), ("code", "１４０６０１２１"), ("number", "0" * 11),
    ],
)  # fmt: skip
def test_the_page_says_which_field_is_wrong(name: str, wrong: str) -> None:
    asked, faults = verify_page.read(GIVEN | {name: wrong})
    assert (asked, list(faults)) == (None, [name])
    html = verify_page.page(GIVEN | {name: wrong}, faults=faults, answer=None)
    assert f'aria-describedby="{name}-fault"' in html


@given(st.dictionaries(st.sampled_from([field.name for field in verify_page.FIELDS]), st.text(max_size=40)))
def test_nothing_that_is_typed_becomes_markup(typed: dict[str, str]) -> None:
    texts = dict.fromkeys(GIVEN, "") | typed
    _, faults = verify_page.read(texts)
    html = verify_page.page(texts, faults=faults, answer=None)
    assert html.count("<input") == len(verify_page.FIELDS)
    assert "<script" not in html
    assert sorted(set(re.findall(r"<(\w+)", html)) - {"section"}) == sorted(
        {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "form", "label", "span", "input",
         "button", "footer"}
    )  # fmt: skip


def test_a_vendors_time_and_amount_are_texts_of_its_form() -> None:
    receipt = {
        "pool": "140522", "business_no": "b", "medium": "paper", "fiscal_code": "14060121", "red": None,
        "fiscal_number": "0000000001", "check_code": "7kq0zn", "amount_fen": 5, "verify_url": "u", "state": "voided",
        "issued_at": datetime(2021, 12, 5, 10, 0, 3, 45000, tzinfo=SHANGHAI),
    }  # fmt: skip
    line = receipt_lines.vendor_line(receipt, payer_name="王小明", place="140522108", pdf_url="p")
    assert line.endswith(b"\n")
    for told in (b'"createTime":"20211205100003045"', b'"totalAmt":"0.05"', b'"state":"2"', b'"pBillNo":"0000000001"'):
        assert told in line


def test_what_is_only_looked_at_is_not_counted_and_trying_in_vain_makes_nobody_wait_longer() -> None:
    rates = Rates(2, 60)
    assert [rates.left_seconds("a", 0.0) for _ in range(3)] == [0, 0, 0]
    assert [rates.count("a", now) for now in (0.0, 10.0, 20.0)] == [1, 2, 2]
    assert [rates.left_seconds("a", now) for now in (20.0, 59.9, 60.0)] == [40, 1, 0]
    assert rates.count("a", 71.0) == 1


def test_a_window_of_tries_slides_and_never_grows() -> None:
    rates = Rates(2, 60, keys=3)
    assert [rates.wait_seconds("a", now) for now in (0.0, 30.0, 40.0, 59.9, 60.0, 61.0)] == [0, 0, 20, 1, 0, 29]
    assert rates.wait_seconds("b", 61.0) == 0
    for key in "cde":
        assert rates.wait_seconds(key, 62.0) == 0
    assert rates.wait_seconds("a", 62.0) == 0, "forgotten, so it counts anew"
