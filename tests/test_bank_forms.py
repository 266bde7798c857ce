"""How a bank writes: the public specification's XML in GBK, fen or yuan, codes of both kinds, what must be equal."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.payments.formats.bank import read_message
from services.payments.formats.bank_forms import FORMS, JsonForm, XmlForm
from services.payments.formats.macs import Mac
from services.payments.formats.statement_layouts import open_reader
from services.payments.formats.statements import LineSplitter
from services.payments.formats.xml import Element, read_xml
from services.payments.rules.bank import paid_instant
from services.payments.rules.reconciling import Totals
from services.payments.settings import CheckFile
from shared.clock import SHANGHAI
from shared.codes import Channel
from tests.bank_town import DAY, STRANGE, Town, code, open_town, payment, reversal, said, serial, signed
from tests.payments_town import POOL, issue_bills

Opened = Callable[..., AbstractAsyncContextManager[Town]]


@pytest.fixture
def opened(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens a town whose banks have these settings."""

    def open_with(**changes: Any) -> AbstractAsyncContextManager[Town]:
        return open_town(databases, tmp_path / "keys", monkeypatch.setenv, **changes)

    return open_with


# The bytes of the specification

PAY = (
    '<?xml version="1.0" encoding="GBK"?>\n<in>\n <head><Version>1.0.1</Version><InstId>RCB140522</InstId>'
    "<TranCode>Pay</TranCode><TranDate>20211205</TranDate><TranSeq>000000000001</TranSeq></head>\n"
    " <body><BillKey>140522ZZZZZZZZZZZZZZZZ</BillKey><CompanyId>YB140522</CompanyId><PayAmount>150.00</PayAmount>"
    "<SubChannel>手机银行</SubChannel></body>\n</in>"
)
CHECK = (
    '<?xml version="1.0" encoding="GBK"?><in><head><InstId>RCB140522</InstId><TranCode>PayCheck</TranCode>'
    "<TranDate>20240101</TranDate><TranSeq>2</TranSeq></head><body><companyId>YB140522</companyId>"
    "<payDate>20240101</payDate><payCount>2</payCount><payMoney>300.00</payMoney><reverseCount>0</reverseCount>"
    "<reverseMoney>0.00</reverseMoney><fileName>654321_20240101.txt</fileName></body></in>"
)


def test_a_message_of_the_specification_is_read() -> None:
    head, body = read_message(XmlForm(), PAY.encode("gbk"), "PAY")
    assert (head.institution, head.trans_code, head.trans_seq) == ("RCB140522", "PAY", "000000000001")
    assert (body.company_id, body.bill_no, body.pay_amount, body.sub_channel) == (
        "YB140522",
        "140522ZZZZZZZZZZZZZZZZ",
        15000,
        "手机银行",
    )
    assert (body.payer_name, body.pay_time) == ("未提供", None)
    head, body = read_message(XmlForm(), CHECK.encode("gbk"), "CHECK")
    assert (head.trans_code, body.check_date, body.pay_count, body.pay_amount, body.file_name) == (
        "CHECK",
        date(2024, 1, 1),
        2,
        30000,
        "654321_20240101.txt",
    )


def test_an_answer_is_written_as_the_specification_has_it() -> None:
    head = {"institution": "RCB140522", "trans_code": "QUERY", "trans_date": DAY, "trans_seq": "1"}
    told = {"return_code": "AAAAAAA", "return_message": "交易成功"}
    bill = {"bill_no": "B1", "name": "王*<明>", "pay_amount": "320.00"}
    raw = XmlForm().write({"head": head | told, "body": {"bills": [bill, bill]}})
    one = "<Bill><BillNo>B1</BillNo><Name>王*&lt;明&gt;</Name><PayAmount>320.00</PayAmount></Bill>"
    assert raw.decode("gbk") == (
        '<?xml version="1.0" encoding="GBK"?><out><head><Version>1.0.1</Version><InstId>RCB140522</InstId>'
        "<ReturnCode>AAAAAAA</ReturnCode><ReturnMessage>交易成功</ReturnMessage><TranCode>QueryRes</TranCode>"
        f"<TranDate>20211205</TranDate><TranSeq>1</TranSeq></head><body><Bills>{one}{one}</Bills></body></out>"
    )


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("unit", ["yuan", "fen"])
def test_what_is_written_in_a_form_is_read_as_it_was(form: str, encoding: str, unit: str) -> None:
    made = FORMS[form](encoding, unit)
    for trans_code, body in (
        ("PAY", payment("B1", payer_name="欧阳𠮷")),
        ("REVERSE", reversal("1")),
        ("RESULT", serial("1")),
    ):
        head = {"institution": "R", "trans_code": trans_code, "trans_date": DAY, "trans_seq": "1"}
        tree = {"head": head, "body": body}
        raw = made.write(tree)
        assert made.read(raw) == tree
        assert (b"32000" in raw) == (unit == "fen" and "pay_amount" in body)
        assert not raw.startswith(b"\xef\xbb\xbf")
        if encoding == "utf-8":
            assert made.read(b"\xef\xbb\xbf" + raw) == tree


@pytest.mark.parametrize("text", ["320.00", "0320", "-1", "", "3e4", "٣٢", "1" * 13])
def test_a_bank_that_counts_in_fen_writes_whole_fen(text: str) -> None:
    raw = JsonForm(unit="yuan").write({"head": {}, "body": {"pay_amount": text}})
    assert JsonForm(unit="fen").read(raw)["body"] == {"pay_amount": None}


# XML that nobody should trust

BOMB = (
    "<!DOCTYPE a ["
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x"}">' for n in range(12))
    + "]><a>&e11;</a>"
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><a/>',
        "<a>&nbsp;</a>",
        "<a>" * 17 + "</a>" * 17,
        "<a></b>",
        "<a/><a/>",
        "",
        "text",
        "<a>\x00</a>",
        '<?xml version="1.0" encoding="UTF-8"?><a/>',
    ],
)
def test_xml_with_anything_but_elements_and_texts_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="XML"):
        read_xml(text.encode("gbk"), "gbk")


@pytest.mark.parametrize("label", ["GBK", "gb2312", "GB18030", None])
def test_the_declaration_may_name_what_the_settings_say(label: str | None) -> None:
    declared = f"<?xml version='1.0' encoding='{label}' standalone='yes'?>\r\n" if label else ""
    assert read_xml(f"{declared}<a> 王 <b/></a>".encode("gbk"), "gbk") == Element("a", "王", [Element("b")])


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_read_or_refused(raw: bytes) -> None:
    for form in FORMS:
        for encoding in ("gbk", "utf-8"):
            for data in (raw, b"<in><head>" + raw + b"</head></in>"):
                try:
                    FORMS[form](encoding, "fen").read(data)
                except ValueError:
                    continue


# Settings of a bank


async def test_a_bank_that_names_neither_payer_nor_time_nor_place_is_served(opened: Opened) -> None:
    async with opened(form="xml") as town:
        [bill] = await issue_bills(town.suite, [32000])
        line = town.line()
        asked = await line.tell("query", DAY, "1", {"company_id": f"YB{POOL}", "bill_key": bill.bill_no})
        assert asked["body"]["bills"][0]["pay_amount"] == "320.00"
        body = {name: text for name, text in payment(bill.bill_no).items() if name not in ("payer_name", "pay_time")}
        town.suite.set_clock("2021-12-26 00:00:05")  # sent again after midnight; it was paid on the last day
        paid = await line.tell("pay", "20211225", "2", body)
        assert paid["body"]["outcome"] == "settled"
        [row] = await town.rows("select payer_name, paid_at from collection")
        assert (row["payer_name"], row["paid_at"].astimezone(SHANGHAI).isoformat()) == (
            "未提供",
            "2021-12-25T23:59:59+08:00",
        )
        assert (await line.tell("pay", "20211225", "2", body))["body"] == paid["body"]


@pytest.mark.parametrize(
    ("told", "day", "now", "paid"),
    [
        ("12-05 08:00:00", 5, "12-05 10:00:00", "12-05 08:00:00"),
        (None, 5, "12-05 10:00:00", "12-05 10:00:00"),
        (None, 5, "12-05 23:59:59", "12-05 23:59:59"),
        (None, 5, "12-06 00:00:00", "12-05 23:59:59"),
        (None, 6, "12-05 23:30:00", "12-05 23:30:00"),  # after the cut-over
    ],
)
def test_when_a_payment_was_made(told: str | None, day: int, now: str, paid: str) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2021-{text}+08:00")

    assert paid_instant(at(told) if told else None, date(2021, 12, day), at(now)) == at(paid)


async def test_a_bank_that_asks_before_it_debits_is_refused_another_amount(opened: Opened) -> None:
    async with opened(amount_must_equal=True) as town:
        [bill] = await issue_bills(town.suite, [32000])
        line = town.line()
        for _ in range(2):
            assert code(await line.tell("pay", DAY, "1", payment(bill.bill_no, "319.99"))) == "amount_differs"
        assert await town.rows("select 1 from bank_journal") == await town.rows("select 1 from collection") == []
        assert (await line.tell("result", DAY, "2", serial("1")))["body"]["state"] == "not_known"
        assert (await line.tell("pay", DAY, "1", payment(bill.bill_no)))["body"]["outcome"] == "settled"
        # What was booked has its answer, and a second payment is refused before the payer is debited.
        assert (await line.tell("pay", DAY, "1", payment(bill.bill_no)))["body"]["outcome"] == "settled"
        assert code(await line.tell("pay", DAY, "1", payment(bill.bill_no, "319.99"))) == "serial_reused"
        assert code(await line.tell("pay", DAY, "3", payment(bill.bill_no))) == "already_paid"
        assert len(await town.rows("select 1 from collection")) == 1


@pytest.mark.parametrize(
    ("about", "changes", "said", "rules"),
    [
        ("open", {"pay_amount": "319.99"}, "amount_differs", []),
        ("unknown", {}, "bill_unknown", []),
        ("paid", {}, "already_paid", []),
        ("voided", {}, "bill_voided", []),
        ("open", {"pay_time": "20211226000000"}, "outside_window", ["S004-06", "S004-08"]),
        ("open", {"pay_time": "20210831235959"}, "outside_window", ["S004-06", "S004-08"]),
        ("open", {"pay_time": "20210926000000"}, "closed_day", ["S004-07"]),
        ("open", {"company_id": "WATER"}, "company_unknown", None),
        pytest.param("elsewhere", {}, "wrong_place", ["S004-20"], marks=pytest.mark.rule("S004-20")),
        ("open", {"pay_time": "20211225235959"}, "accepted", None),
        ("open", {}, "accepted", None),
    ],
)
@pytest.mark.parametrize("form", ["json", "xml"])
async def test_a_bank_that_asks_first_debits_only_what_settles_a_bill(
    opened: Opened, form: str, about: str, changes: dict[str, str], said: str, rules: list[str] | None
) -> None:
    async with opened(form=form, amount_must_equal=True, payments_per_minute=1000) as town:
        bill, paid, voided = await issue_bills(town.suite, [32000] * 3)
        line = town.line()
        assert code(await line.tell("pay", DAY, "1", payment(paid.bill_no))) == "accepted"
        async with town.service.database.writing() as tx:
            await tx.execute(
                "update bill set status = 'voided', voided_at = issued_at, void_reason = 'paid_before' "
                "where bill_no = :no",
                no=voided.bill_no,
            )
        numbers = {"open": bill, "paid": paid, "voided": voided}
        number = {"unknown": STRANGE, "elsewhere": "371302ZZZZZZZZZZZZZZZZ"}.get(about) or numbers[about].bill_no
        answers = [await line.tell("pay", DAY, "2", payment(number, **changes)) for _ in range(2)]
        assert {code(answer) for answer in answers} == {said}
        assert [answer["body"].get("rules") for answer in answers] == [rules, rules]
        booked = 2 if said == "accepted" else 1
        for table in ("collection", "bank_journal", "submission"):
            assert len(await town.rows(f"select 1 from {table}")) == booked
        assert len(await town.rows("select 1 from evidence where file_name like '%/2/pay'")) == 2  # all are kept


async def test_one_serial_that_a_bank_asks_for_twice_at_once_settles_once(opened: Opened) -> None:
    async with opened(amount_must_equal=True, payments_per_minute=1000) as town:
        one, two = await issue_bills(town.suite, [32000, 32000])
        line = town.line()
        same = await asyncio.gather(*[line.tell("pay", DAY, "1", payment(one.bill_no)) for _ in range(4)])
        assert [answer["body"].get("outcome") for answer in same] == ["settled"] * 4
        other = await asyncio.gather(*[line.tell("pay", DAY, f"2{n}", payment(two.bill_no)) for n in range(4)])
        assert sorted(code(answer) for answer in other) == ["accepted", *["already_paid"] * 3]
        assert len(await town.rows("select 1 from collection where outcome = 'settled'")) == 2
        assert len(await town.rows("select 1 from bank_journal")) == 2


async def test_a_bank_that_asks_too_often_is_told_to_wait(opened: Opened) -> None:
    async with opened(queries_per_minute=2, payments_per_minute=1, amount_must_equal=True) as town:
        one, two = await issue_bills(town.suite, [32000, 32000])
        line = town.line()
        asked = [{"company_id": f"YB{POOL}", "bill_key": bill.bill_no, "region": POOL} for bill in (one, one, one, two)]
        codes = [code(await line.tell("query", DAY, str(n), body)) for n, body in enumerate(asked)]
        assert codes == ["accepted", "accepted", "too_often", "accepted"]
        assert code(await line.tell("pay", DAY, "11", payment(one.bill_no, "1.00"))) == "amount_differs"
        assert code(await line.tell("pay", DAY, "12", payment(one.bill_no))) == "too_often"
        assert code(await line.tell("pay", DAY, "13", payment(two.bill_no))) == "accepted"
        assert (
            code(await line.tell("pay", DAY, "13", payment(two.bill_no))) == "accepted"
        )  # a repetition has its answer


def test_a_suffix_code_is_another_than_an_hmac() -> None:
    key = bytes(range(16))
    codes = {Mac(digest, key, kind).of(b"x") for digest in ("sm3", "sha256") for kind in ("hmac", "suffix")}
    assert len(codes) == 4
    with pytest.raises(ValueError, match="MAC"):
        Mac("sm3", key, "prefix")


async def test_money_goes_back_through_a_bank_that_writes_xml(opened: Opened) -> None:
    async with opened(form="xml") as town:
        [bill] = await issue_bills(town.suite, [32000])
        paid = await town.pay(bill)
        bank, now = town.service.banks["RCB140522"], town.suite.clock.now()
        done = await bank.pay_out("F1", date(2021, 12, 5), paid["bank_seq"], 32000, now=now)
        assert (done.state, (await bank.query_payout("F1", now=now)).state) == ("done", "done")
        assert (await bank.query_payout("F2", now=now)).reason == "not_known"
        assert (await bank.pay_out("F3", date(2021, 12, 5), paid["bank_seq"], 1, now=now)).reason == "exceeds_original"


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_a_bank_may_send_everything_to_one_address(opened: Opened, form: str) -> None:
    async with opened(form=form) as town:
        [bill] = await issue_bills(town.suite, [32000])
        line = town.line()
        query = {"company_id": f"YB{POOL}", "bill_key": bill.bill_no, "region": POOL}
        sent = {"query": query, "pay": payment(bill.bill_no), "result": serial("2"), "reverse": reversal("2")}
        for number, (operation, body) in enumerate(sent.items(), start=1):
            raw, headers = signed(line, operation, str(number), body)
            answer = await line._client.post("/v1/channels/bank", content=raw, headers=headers)
            assert (answer.status_code, code(said(line, answer))) == (200, "accepted")
            assert answer.headers["X-Mac"] == line.mac(answer.content)
        assert [row["outcome"] for row in await town.rows("select outcome from collection")] == ["settled"]
        raw, headers = signed(line, "payout", "9", {})
        answer = await line._client.post("/v1/channels/bank", content=raw, headers=headers)
        assert (answer.status_code, code(said(line, answer))) == (400, "malformed")
        assert (await line._client.post("/v1/channels/bank", content=raw)).status_code == 401


# The check file


def test_a_check_file_is_read_as_the_bank_prints_it() -> None:
    file = CheckFile(
        delimiter=",",
        columns=("交易流水号", "交易日期", "网点", "客户编号", "缴费金额", "交易类型"),
        unit="fen",
        payments=("C",),
        reversals=("R",),
    )
    rows = ["3,32000", "1,20211205,城关,B1,32000,C", "2,20211205,城关,B2,4000,C", "3,20211205,城关,B2,4000,R"]
    raw = "".join(f"{row}\r\n" for row in rows).encode("gbk")
    name, reader = open_reader(Channel.BANK, "RCB140522", raw, bank=file)
    lines = [line for line in (reader.take(one) for one in LineSplitter().feed(raw)) if line]
    assert name == "bank_check_file"
    assert [(line.kind, line.reference, line.order_no, line.amount_fen) for line in lines] == [
        ("payment", "RCB140522/20211205/1", "B1", 32000),
        ("payment", "RCB140522/20211205/2", "B2", 4000),
        ("reversal", "RCB140522/20211205/3", "B2", 4000),
    ]
    assert reader.told == reader.found == Totals(3, 32000)


@pytest.mark.parametrize("change", [{"columns": ["交易日期"]}, {"delimiter": ""}, {"unit": "li"}, {"headed": True}])
def test_a_check_file_that_tells_too_little_stops_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CheckFile.model_validate(change)
