"""WeChat Pay on the wire: worked examples, what must not be believed, and the trade bill. wechatpayv3 is the oracle."""

import base64
import contextlib
import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from wechatpayv3.utils import aes_decrypt, rsa_verify

from deploy.local.simulators.wechat_books import Books, Order, Refund
from deploy.local.simulators.wechat_wire import PUBLIC_KEY_ID, Keys
from services.payments.formats import wechat as wire
from services.payments.formats import wechat_bill as bills
from services.payments.formats.genuine import NotGenuine, Unreadable
from shared.clock import SHANGHAI

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "wechat.json").read_text(encoding="utf-8"))
MERCHANT = wire.public_key(VECTORS["merchant_public_key"].encode())
NOTICE = VECTORS["notification"]
HEADERS: dict[str, str] = NOTICE["headers"]
BODY: bytes = NOTICE["body"].encode()
AT = int(HEADERS["Wechatpay-Timestamp"])
RING = wire.Keyring({HEADERS["Wechatpay-Serial"]: wire.public_key(VECTORS["wechatpay_public_key"].encode())})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Keys of both sides."""
    return Keys(tmp_path_factory.mktemp("wechat-keys"))


def signed_by_merchant(message: bytes, signature: str) -> None:
    MERCHANT.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())


# --- what we sign -----------------------------------------------------------------------------------------------------


def test_the_five_lines_of_a_request_are_those_of_the_worked_example() -> None:
    said: str = VECTORS["jsapi_request"]["message"]
    method, target, timestamp, nonce, body, end = said.split("\n")
    assert end == ""
    message = wire.request_message(method, target, timestamp, nonce, body.encode())
    assert message == said.encode()
    signed_by_merchant(message, VECTORS["jsapi_request"]["authorization"].split('signature="')[1].split('"')[0])


def test_a_request_without_body_signs_an_empty_line() -> None:
    said: str = VECTORS["query_request"]["message"]
    method, target, timestamp, nonce, *_ = said.split("\n")
    message = wire.request_message(method, target, timestamp, nonce, b"")
    assert message == said.encode()
    assert message.endswith(b"\n\n")
    signed_by_merchant(message, VECTORS["query_request"]["signature"])


def test_the_authorization_header_has_the_worked_examples_form() -> None:
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return b"signature"

    said = VECTORS["jsapi_request"]
    method, target, timestamp, nonce, body, _ = said["message"].split("\n")
    serial = said["authorization"].split('serial_no="')[1].rstrip('"')
    header = wire.authorization(sign, "1900007291", serial, method, target, timestamp, nonce, body.encode())
    before, after = said["authorization"].split('signature="')
    assert header == f'{before}signature="{base64.b64encode(b"signature").decode()}"{after[after.index(chr(34)) + 1 :]}'
    assert seen == [said["message"].encode()]


def test_the_cashier_gets_four_signed_lines_with_the_prefix() -> None:
    said = VECTORS["jsapi_invoke"]
    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return base64.b64decode(said["paySign"])

    appid, timestamp, nonce, package, _ = said["message"].split("\n")
    made = wire.invocation(sign, appid, package.removeprefix("prepay_id="), timestamp, nonce)
    assert seen == [said["message"].encode()]
    signed_by_merchant(seen[0], made["paySign"])
    assert made == {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": said["paySign"],
    }


def test_our_own_key_signs_what_the_oracle_verifies(keys: Keys) -> None:
    sign = wire.signer(keys.merchant_file.read_bytes())
    made = wire.invocation(sign, "wx1", "wx20", "1790820000", "N")
    message = "wx1\n1790820000\nN\nprepay_id=wx20\n"
    # The oracle knows messages of three lines only: its last line is our third and fourth.
    assert rsa_verify("wx1", "1790820000", "N\nprepay_id=wx20", made["paySign"], keys._merchant)
    assert message.count("\n") == 4


def test_a_key_that_is_too_short_is_not_taken() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ValueError, match="RSA"):
        wire.signer(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


# --- what we believe --------------------------------------------------------------------------------------------------


def test_the_worked_notification_is_genuine_and_says_what_it_says() -> None:
    RING.verify(HEADERS, BODY, AT)
    notice = wire.read_notice(BODY)
    assert (notice.event_type, notice.resource.original_type) == ("TRANSACTION.SUCCESS", "transaction")
    content = wire.open_resource(NOTICE["apiv3_key"].encode(), notice.resource)
    assert content == json.loads(NOTICE["plaintext"])
    said = wire.read_transaction(content)
    assert (said.transaction_id, said.trade_state) == ("4200001234202610018888888888", "SUCCESS")
    assert said.amount is not None
    assert said.amount.total == 40000
    assert said.success_time == datetime(2026, 10, 1, 10, 1, 2, tzinfo=SHANGHAI)


def test_the_oracle_agrees_about_the_notification() -> None:
    assert rsa_verify(
        HEADERS["Wechatpay-Timestamp"], HEADERS["Wechatpay-Nonce"], NOTICE["body"], HEADERS["Wechatpay-Signature"],
        RING.keys[HEADERS["Wechatpay-Serial"]],
    )  # fmt: skip
    resource = json.loads(NOTICE["body"])["resource"]
    opened = aes_decrypt(resource["nonce"], resource["ciphertext"], resource["associated_data"], NOTICE["apiv3_key"])
    assert json.loads(opened) == wire.open_resource(NOTICE["apiv3_key"].encode(), wire.read_notice(BODY).resource)


@pytest.mark.parametrize("seconds", [0, 300, -300])
def test_within_five_minutes_either_way_a_message_is_believed(seconds: int) -> None:
    RING.verify(HEADERS, BODY, AT + seconds)


@pytest.mark.parametrize(
    ("changes", "body", "seconds", "why"),
    [
        ({}, BODY, 301, "stale"),
        ({}, BODY, -301, "stale"),
        ({}, BODY + b" ", 0, "signature"),
        ({}, BODY.replace(b"\xe6", b"\xe5", 1), 0, "signature"),
        ({"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + HEADERS["Wechatpay-Signature"]}, BODY, 0, "probe"),
        ({"Wechatpay-Signature": HEADERS["Wechatpay-Signature"][:-4] + "AAA="}, BODY, 0, "signature"),
        ({"Wechatpay-Signature": "not base64!"}, BODY, 0, "signature"),
        ({"Wechatpay-Signature": ""}, BODY, 0, "missing"),
        ({"Wechatpay-Serial": "PUB_KEY_ID_9999"}, BODY, 0, "serial"),
        ({"Wechatpay-Serial": ""}, BODY, 0, "missing"),
        ({"Wechatpay-Timestamp": str(AT + 1)}, BODY, 0, "signature"),
        ({"Wechatpay-Timestamp": "yesterday"}, BODY, 0, "stale"),
        ({"Wechatpay-Timestamp": "١٧٩٠٨٢٠٠٦٣"}, BODY, 0, "stale"),
        ({"Wechatpay-Timestamp": "9" * 400}, BODY, 0, "stale"),
        ({"Wechatpay-Timestamp": "9" * 5000}, BODY, 0, "stale"),
        ({"Wechatpay-Signature": "é"}, BODY, 0, "signature"),
        ({"Wechatpay-Nonce": "other"}, BODY, 0, "signature"),
        ({"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, BODY, 0, "scheme"),
    ],
)
def test_what_wechat_has_not_signed_just_now_is_not_believed(
    changes: dict[str, str], body: bytes, seconds: int, why: str
) -> None:
    with pytest.raises(NotGenuine) as refused:
        RING.verify(HEADERS | changes, body, AT + seconds)
    assert refused.value.why == why


def test_header_names_may_be_in_any_case_and_the_scheme_may_be_left_out() -> None:
    plain = {name.lower(): text for name, text in HEADERS.items()}
    del plain["wechatpay-signature-type"]
    RING.verify(plain, BODY, AT)


def test_certificates_and_public_keys_are_believed_side_by_side(keys: Keys) -> None:
    ring = wire.Keyring(
        {
            keys.certificate_serial: wire.public_key(keys.certificate_file.read_bytes()),
            PUBLIC_KEY_ID: wire.public_key(keys.public_key_file.read_bytes()),
        }
    )
    used, both = set(), {keys.certificate_serial, PUBLIC_KEY_ID}
    for _ in range(4):
        serial = keys.serial("mixed")
        used.add(serial)
        ring.verify(keys.headers(BODY, serial, at=AT), BODY, AT)
        crossed = keys.headers(BODY, serial, at=AT) | {"Wechatpay-Serial": (both - {serial}).pop()}
        with pytest.raises(NotGenuine, match="signature"):
            ring.verify(crossed, BODY, AT)
    assert used == both


def test_an_empty_answer_is_signed_as_an_empty_line(keys: Keys) -> None:
    ring = wire.Keyring({PUBLIC_KEY_ID: wire.public_key(keys.public_key_file.read_bytes())})
    ring.verify(keys.headers(b"", PUBLIC_KEY_ID, at=AT), b"", AT)


@pytest.mark.parametrize("about", ["transaction", ""])
def test_a_resource_opens_with_and_without_associated_data(keys: Keys, about: str) -> None:
    sealed = keys.seal({"out_trade_no": "1"}, "transaction", about)
    key = keys.apiv3_file.read_bytes()
    envelope = {"id": "1", "event_type": "TRANSACTION.SUCCESS", "resource": sealed}
    if not about:
        del sealed["associated_data"]
    notice = wire.read_notice(json.dumps(envelope).encode())
    assert wire.open_resource(key, notice.resource) == {"out_trade_no": "1"}
    with pytest.raises(Unreadable):
        wire.open_resource(b"0" * 32, notice.resource)
    other = notice.resource.model_copy(update={"associated_data": "other"})
    with pytest.raises(Unreadable):
        wire.open_resource(key, other)


PAID = {
    "mchid": "1",
    "appid": "wx",
    "out_trade_no": "140522AAAA",
    "transaction_id": "42",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "success_time": "2021-12-05T10:00:00+08:00",
    "amount": {"total": 32000, "currency": "CNY"},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"transaction_id": ""},
        {"success_time": None},
        {"success_time": "2021-12-05T10:00:00"},
        {"amount": None},
        {"amount": {"total": 0, "currency": "CNY"}},
        {"amount": {"total": 32000, "currency": "USD"}},
        {"amount": {"total": "32000", "currency": "CNY"}},
        {"amount": {"total": 320.0, "currency": "CNY"}},
        {"out_trade_no": ""},
        {"mchid": None},
    ],
)
def test_money_without_number_instant_or_amount_is_not_read(changes: dict[str, Any]) -> None:
    wire.read_transaction(PAID)
    with pytest.raises(Unreadable):
        wire.read_transaction(PAID | changes)


def test_an_unpaid_order_needs_none_of_them() -> None:
    said = wire.read_transaction({"mchid": "1", "appid": "wx", "out_trade_no": "140522AAAA", "trade_state": "NOTPAY"})
    assert (said.trade_state, said.amount) == ("NOTPAY", None)


@pytest.mark.parametrize("field", ["status", "refund_status"])
def test_a_refunds_state_stands_under_either_name(field: str) -> None:
    assert wire.read_refund({"out_refund_no": "1", field: "ABNORMAL"}).status == "ABNORMAL"
    with pytest.raises(Unreadable):
        wire.read_refund({"out_refund_no": "1"})


def test_codes_are_compared_without_underscores() -> None:
    assert wire.plain_code("SYSTEM_ERROR") == wire.plain_code("SYSTEMERROR") == "SYSTEMERROR"


@given(st.binary(max_size=300))
def test_no_bytes_of_a_notification_do_worse_than_being_unreadable(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        wire.read_notice(body)


# --- the trade bill ---------------------------------------------------------------------------------------------------

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)
ROW = (
    "`2021-01-28 17:07:11,`wx12,`1601959334,`0,`,`4200000925202101284997714292,`S20210128170702357723,`ofyak,`NATIVE,"
    "`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`for testing,`cipher code,`0.00000,`1.00%,`0.01,`0.00,`"
)
TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def bill_of(*rows: str, sums: str = "`1,`0.01,`0.00,`0.00,`0.00000,`0.01,`0.00") -> bytes:
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in (COLUMNS, *rows, TOTALS, sums)).encode()


def test_a_row_of_a_real_bill_is_read() -> None:
    bill = bills.read_trade_bill(bill_of(ROW))
    assert bill.agrees
    [line] = bill.lines
    assert line.raw == ROW
    assert (line.kind, line.at) == (bills.LineKind.PAYMENT, datetime(2021, 1, 28, 17, 7, 11, tzinfo=SHANGHAI))
    assert (line.transaction_id, line.order_no) == ("4200000925202101284997714292", "S20210128170702357723")
    assert (line.order_fen, line.settled_fen, line.refund_fen, line.refund_id) == (1, 1, 0, "")
    assert (line.fee_yuan, line.attach) == (Decimal("0.00000"), "cipher code")


def test_a_product_may_have_commas_and_quotes_in_its_name() -> None:
    [line] = bills.read_trade_bill(bill_of(ROW.replace("for testing", 'fee, "2022", paid'))).lines
    assert line.attach == "cipher code"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (ROW.replace("`0.01,`0.00,`0,`0", "`0.011,`0.00,`0,`0"), "parts of a fen"),
        (ROW.replace("`0.01,`0.00,`0,`0", "`1e3,`0.00,`0,`0"), "not an amount"),
        (ROW.replace("SUCCESS", "PARTLY"), "not known"),
        (ROW.replace("2021-01-28", "2021-13-28"), "does not match"),
        (ROW[:60], "27 values"),
        (ROW[1:], "back-tick"),
    ],
)
def test_a_bad_line_harms_no_other(bad: str, why: str) -> None:
    bill = bills.read_trade_bill(bill_of(ROW, bad, ROW))
    assert len(bill.lines) == 2
    [fault] = bill.faults
    assert fault.line_no == 3
    assert why in fault.why
    assert fault.raw == bad
    assert not bill.agrees


def test_a_line_that_is_not_utf8_is_a_fault_of_its_own() -> None:
    data = bill_of(ROW, ROW).replace(b"for testing", b"\xff\xfe", 1)
    bill = bills.read_trade_bill(data)
    assert (len(bill.lines), len(bill.faults)) == (1, 1)


def test_a_cut_end_shows_in_the_missing_totals() -> None:
    whole = bill_of(ROW, ROW, sums="`2,`0.02,`0.00,`0.00,`0.00000,`0.02,`0.00")
    assert bills.read_trade_bill(whole).agrees
    cut = bills.read_trade_bill(whole[: whole.index(ROW.encode(), 600) + 50])
    assert cut.totals is None
    assert (len(cut.lines), len(cut.faults)) == (1, 1)


def test_what_is_no_bill_is_refused_whole() -> None:
    with pytest.raises(ValueError, match="not a trade bill"):
        bills.read_trade_bill(b'{"code":"NO_STATEMENT_EXIST"}')


@given(st.binary(max_size=200))
def test_no_bytes_of_a_bill_do_worse_than_faults(tail: bytes) -> None:
    bills.read_trade_bill(bill_of(ROW) + tail)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(gzip.compress))
def test_no_bytes_of_a_download_do_worse_than_being_no_gzip(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert bills.unpacked(data) in (data, gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


@given(st.lists(st.sampled_from(["140522A", "990101B", "000000C"]), min_size=1, max_size=8))
def test_a_parted_bill_has_every_line_once_under_totals_that_agree(numbers: list[str]) -> None:
    rows = [ROW.replace("S20210128170702357723", number) for number in numbers]
    total = f"{len(rows) / 100:.2f}"
    data = bill_of(*rows, sums=f"`{len(rows)},`{total},`0.00,`0.00,`0.00000,`{total},`0.00")
    parts = bills.parted(data, bills.read_trade_bill(data), lambda number: number[:6])
    read = {home: bills.read_trade_bill(part) for home, part in parts.items()}
    assert all(part.agrees for part in read.values())
    found = [(home, line.order_no, line.raw) for home, part in read.items() for line in part.lines]
    assert sorted(found) == sorted((number[:6], number, row) for number, row in zip(numbers, rows, strict=True))


@given(st.binary(max_size=200))
def test_no_bytes_that_hand_out_certificates_do_worse_than_being_unreadable(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        wire.open_certificates(b"0" * 32, body, datetime.now(SHANGHAI))


@given(st.integers(min_value=0, max_value=10**10))
def test_yuan_become_fen_exactly(amount_fen: int) -> None:
    assert bills.fen(f"{amount_fen // 100}.{amount_fen % 100:02d}") == amount_fen


def test_the_hash_is_over_the_bytes_as_they_came() -> None:
    data = bill_of(ROW)
    assert bills.hash_agrees(data, "SHA1", "b" * 40) is False
    assert bills.hash_agrees(b"", "SHA1", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709")
    assert not bills.hash_agrees(data, "MD5", "")


def test_the_simulators_bill_is_read_whole() -> None:
    """Payments and refunds of one day; the simulator writes its bill with code of its own."""
    books = Books()
    body = {
        "appid": "wx1",
        "mchid": "1",
        "description": '居民医保费, "2022"',
        "amount": {"total": 32000},
        "payer": {"openid": "o1"},
    }
    order = Order("140522A", "wx", body, "REFUND", "42", "2021-12-05T10:00:00+08:00")
    refund = Refund("140522R", "50", "140522A", "42", {"amount": {"refund": 4000, "total": 32000}},
                    "2021-12-05T11:00:00+08:00", "SUCCESS", "2021-12-05T11:00:01+08:00")  # fmt: skip
    books.keep(order)
    books.keep(refund)
    day = date(2021, 12, 5)
    assert books.statement(date(2021, 12, 6), []) is None
    bill = bills.read_trade_bill(books.statement(day, []) or b"")
    assert bill.agrees
    paid, back = bill.lines
    assert (paid.kind, paid.order_no, paid.order_fen) == (bills.LineKind.PAYMENT, "140522A", 32000)
    assert (back.kind, back.refund_no, back.asked_refund_fen) == (bills.LineKind.REFUND, "140522R", 4000)
    faulty = bills.read_trade_bill(books.statement(day, ["unknown_line", "wrong_amount"]) or b"")
    assert faulty.agrees
    assert [line.order_fen for line in faulty.lines] == [32100, 0, 32000]
    cut = bills.read_trade_bill(books.statement(day, ["cut_end"]) or b"")
    assert (cut.totals, len(cut.lines), len(cut.faults)) == (None, 1, 1)
