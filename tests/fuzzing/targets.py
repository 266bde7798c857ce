"""The parsers of what comes from outside, each with what it may raise. Codes and hashes are made right, so that what
lies behind them is reached."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from services.eligibility.formats import read_feed, read_suppliers
from services.payments.formats import (
    bank,
    bank_forms,
    genuine,
    ledger_batches,
    statement_files,
    statements,
    tax,
    tax_assessments,
    tax_envelope,
    tax_sm2,
    tips,
    unionpay,
    verify_page,
    wechat,
    wechat_bill,
    withholding,
)
from services.payments.formats.macs import Mac
from services.payments.rules.settlements import Source
from services.payments.schemas.tax import TaxConfirmationBatch
from services.payments.schemas.unionpay import UnionPayResult
from services.payments.settings import PosFile, UnionPayFiles, WithholdingSettings
from services.registration.formats import package, roster
from shared.sheets import SheetUnreadable
from shared.webhooks import addresses

_ROOT = Path(__file__).resolve().parents[2]
_VECTORS = _ROOT / "tests" / "vectors"
_KEY = b"0123456789abcdef"
_DAY = date(2021, 12, 5)
_SM2_POINT = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_SM2 = {"der": tax_sm2.Sm2Key(_SM2_POINT), "raw": tax_sm2.Sm2Key(_SM2_POINT, "raw", "hex")}
_ASSESSMENTS = tax_assessments.AssessmentWire({}, {}, frozenset({"1"}), frozenset({"0"}))
_FILES = statement_files.DayFiles(UnionPayFiles(), PosFile(), {}, {})
_SUPPLIERS = read_suppliers((_ROOT / "services" / "eligibility" / "suppliers.yaml").read_bytes())

Target = Callable[[bytes], None]


def _refusing(read: Callable[[bytes], Any], *refusals: type[Exception]) -> Target:
    """A parser that may refuse its input in these ways."""

    def feed(data: bytes) -> None:
        try:
            read(data)
        except refusals:
            return

    return feed


def _bank(form: str, encoding: str) -> Target:
    made: bank_forms.Form = bank_forms.FORMS[form](encoding, "yuan")

    def feed(data: bytes) -> None:
        for code in bank.BODIES:
            try:
                bank.read_message(made, data, code)
            except bank.MalformedMessage:
                continue

    return feed


def _statement(source: Source, institution: str) -> Target:
    def read(data: bytes) -> None:
        head = data[: statements.HEAD_BYTES]
        _, splitter, reader = statement_files.open_file(source, institution, _DAY, _FILES, head)
        for raw in [*splitter.feed(data), *splitter.end()]:
            line = reader.take(raw)
            if line:
                _require_storable(line.reference, line.order_no, line.payer_name, line.amount_fen, line.paid_at)
        for totals in filter(None, (reader.told, reader.found)):
            _require_storable(totals.amount_fen, totals.back_fen, totals.count)
            assert totals.count < 2**31

    return _refusing(read, statements.StatementUnreadable)


def _require_storable(*values: str | int | datetime | None) -> None:
    """Postgres refuses a text with U+0000, a number beyond 64 bits, an instant beyond the years 1 to 9999 in UTC."""
    for value in values:
        if isinstance(value, str):
            assert "\0" not in value
        elif isinstance(value, int):
            assert abs(value) < 2**63
        elif value is not None:
            assert value.astimezone(UTC)


def _wechat_notice(data: bytes) -> None:
    notice = wechat.read_notice(data)
    wechat.open_resource(_KEY * 2, notice.resource)


def _tips(data: bytes) -> None:
    treasury = tips.Tips(_KEY)
    treasury.read(data + f"<!--{Mac('sm3', _KEY, 'suffix').of(data)}-->".encode())


def _return_file(layout: WithholdingSettings, data: bytes) -> None:
    mac = Mac("sm3", _KEY)
    rows = [row.removesuffix(b"\r") for row in data.split(b"\n")]
    while rows and not rows[-1].strip():
        rows.pop()
    withholding.read_return(layout, mac, b"\r\n".join([*rows, b"<CA>" + mac.of_lines(rows).encode() + b"</CA>"]))


def _ledger_batch(data: bytes) -> None:
    ledger_batches.read_batch(data)
    whole = data.rstrip(b"\r\n") + b"\n"
    foot = {"sha256": hashlib.sha256(whole).hexdigest(), "signed_at": "2021-12-05T10:00:00+08:00", "ed25519": "AAAA"}
    ledger_batches.read_batch(whole + orjson.dumps(foot))


def _signature(profile: tax.SignatureProfile, data: bytes) -> None:
    """Two header lines and a body, parted by line ends."""
    first, _, rest = data.partition(b"\n")
    second, _, body = rest.partition(b"\n")
    headers = [
        ("signature-input", first.decode("latin-1")),
        ("signature", second.decode("latin-1")),
        ("content-type", "application/json"),
        ("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
    ]
    request = tax.SignedRequest("POST", "https://pay.example.gov.cn/v1/channels/tax/confirmations", headers, body)
    profile.verify(request, datetime(2021, 12, 5, 2, tzinfo=UTC))


def _terminal(data: bytes) -> None:
    _, request = tax_envelope.read_message(data)
    tax_envelope.read_items(request, {})


def _wechat_signature(data: bytes) -> None:
    """Timestamp, nonce, serial and signature, a line each, and the body: headers are Latin-1."""
    *lines, body = [*data.split(b"\n", 4), b"", b"", b"", b""][:5]
    names = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature")
    headers = {name: line.decode("latin-1") for name, line in zip(names, lines, strict=True)}
    _KEYRING.verify(headers, body, _WECHAT_NOW)


def _webhook_url(data: bytes) -> None:
    for private in (False, True):
        addresses.check_url(data.decode("utf-8", errors="replace"), private=private)


def _sheet(read: Callable[[str, bytes], Any], name: str) -> Target:
    return _refusing(partial(read, name), SheetUnreadable)


def _feed_of(supplier: str) -> Callable[[str, bytes], Any]:
    return lambda file_name, data: list(read_feed(_SUPPLIERS[supplier], file_name, io.BytesIO(data)))


def _roster(name: str, data: bytes) -> None:
    for row in roster.read_roster(name, data, "village").rows:
        roster.read_row(row, today=_DAY)


def _form(data: bytes) -> None:
    values = data.decode("utf-8", errors="replace").split("\n")
    verify_page.read(
        {field.name: (values[at] if at < len(values) else "") for at, field in enumerate(verify_page.FIELDS)}
    )


TARGETS: Mapping[str, Target] = {
    "bank_json": _bank("json", "utf-8"),
    "bank_xml_gbk": _bank("xml", "gbk"),
    "bank_check_file": _statement(Source.BANK, "RCB140522"),
    "unionpay_day_file": _statement(Source.BANK, "UNIONPAY"),
    "wechat_trade_bill": _statement(Source.WECHAT, "WECHAT"),
    "pos_file": _statement(Source.COUNTER, "ACQUIRER"),
    "etax_list": _statement(Source.ETAX, "TAX"),
    "agent_statement": _statement(Source.AGENT, "RCB140522"),
    "account_statement": _statement(Source.ACCOUNT, "RCB140522"),
    "fund_flow": _statement(Source.ACCOUNT, "WECHAT"),
    "trade_bill_whole": _refusing(wechat_bill.read_trade_bill, ValueError),
    "wechat_notice": _refusing(_wechat_notice, genuine.Unreadable),
    "wechat_signature": _refusing(_wechat_signature, genuine.NotGenuine),
    "wechat_transaction": _refusing(lambda data: wechat.read_transaction(wechat.read_json(data)), genuine.Unreadable),
    "wechat_refund": _refusing(lambda data: wechat.read_refund(wechat.read_json(data)), genuine.Unreadable),
    "unionpay_form": _refusing(
        lambda data: unionpay.read(UnionPayResult, unionpay.read_form(data)), genuine.Unreadable
    ),
    "unionpay_answer": _refusing(unionpay.read_answer, genuine.Unreadable),
    "unionpay_file": _refusing(lambda data: unionpay.unpack_file(data.decode("latin-1")), genuine.Unreadable),
    "withholding_return": _refusing(partial(_return_file, WithholdingSettings()), withholding.ReturnUnreadable),
    "tips_package": _refusing(_tips, tips.PackageUnreadable),
    "tax_signature": _refusing(partial(_signature, tax.Rfc9421({})), tax.BadSignature),
    "tax_sm2_signature": _refusing(partial(_signature, tax_sm2.Rfc9421Sm2(_SM2)), tax.BadSignature),
    "tax_assessments": _refusing(_ASSESSMENTS.read, ValueError),
    "tax_batch": _refusing(TaxConfirmationBatch.model_validate_json, ValidationError),
    "tax_terminal": _refusing(_terminal, tax_envelope.EnvelopeUnreadable),
    "ledger_batch": _refusing(_ledger_batch, ledger_batches.BatchUnreadable),
    "verify_form": _form,
    "webhook_url": _refusing(_webhook_url, ValueError),
    "feed_csv": _sheet(_feed_of("civil_affairs"), "名单.csv"),
    "feed_xlsx": _sheet(_feed_of("civil_affairs"), "名单.xlsx"),
    "feed_jsonl": _sheet(_feed_of("civil_affairs"), "名单.jsonl"),
    "roster_csv": _sheet(_roster, "花名册.csv"),
    "roster_xlsx": _sheet(_roster, "花名册.xlsx"),
    "package": _refusing(package.read_package, package.PackageFaulty),
}
"""Name → parser."""


def _vector(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((_VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _tips_seeds() -> Sequence[bytes]:
    return [text.encode("gbk").rpartition(b"<!--")[0] for name, text in _vector("gov").items() if name.isdigit()]


_NOTICE = _vector("wechat")["notification"]
_SERIAL, _WECHAT_NOW = "PUB_KEY_ID_0119000072912026100100111111111111", 1_790_820_063.0
_KEYRING = wechat.Keyring({_SERIAL: wechat.public_key(_vector("wechat")["wechatpay_public_key"].encode())})


def _signed_notice() -> bytes:
    headers = [_NOTICE["headers"][f"Wechatpay-{name}"] for name in ("Timestamp", "Nonce", "Serial", "Signature")]
    return "\n".join([*headers, _NOTICE["body"]]).encode()


SEEDS: Mapping[str, Sequence[bytes]] = {
    "bank_json": [
        (
            b'{"head": {"institution": "RCB140522", "trans_code": "PAY", "trans_date": "20211205", '
            b'"trans_seq": "000000000001"}, '
            b'"body": {"bill_key": "140522XYZ", "company_id": "C1", "pay_amount": "320.00", "sub_channel": "COUNTER"}}'
        )
    ],
    "bank_xml_gbk": [
        '<?xml version="1.0" encoding="GBK"?><in><head><InstId>RCB</InstId><TranCode>Query</TranCode><TranDate>20211205'
        "</TranDate><TranSeq>000000000001</TranSeq></head><body><BillKey>140522</BillKey><CompanyId>C1</CompanyId></body></in>".encode(
            "gbk"
        )
    ],
    "bank_check_file": ["2|640.00\n20211205|000000000001|140522A|320.00|COUNTER|缴费\n".encode()],
    "wechat_notice": [_NOTICE["body"].encode()],
    "wechat_signature": [_signed_notice()],
    "wechat_transaction": [str(_NOTICE["plaintext"]).encode()],
    "unionpay_form": [_vector("unionpay")["to_sign"].encode()],
    "unionpay_answer": [_vector("unionpay")["to_sign"].encode()],
    "withholding_return": [_vector("gov")["batch_file"].encode("gbk")],
    "tips_package": _tips_seeds(),
    "tax_signature": [
        (
            b'sig1=("@method" "@target-uri" "content-type" "content-digest");created=1638669600;keyid="k";nonce="n"\n'
            b'sig1=:IQjID5ulFoPooh==:\n{"hello": "world"}'
        )
    ],
    "tax_sm2_signature": [
        (
            b'sig1=("@method" "@target-uri" "content-type" "content-digest");created=1638669600;keyid="der";nonce="n"\n'
            b'sig1=:MAYCAQECAQE=:\n{"hello": "world"}'
        )
    ],
    "tax_assessments": [
        b'{"returnCode": "0", "results": {"v": {"xh": 1, "dqjglxDm": "2", "errorMsg": "x"}}, "fkxx": {"xh": 1}}'
    ],
    "tax_batch": [
        (
            b'{"batch_no": "B1", "items": [{"event_id": "T1", "bill_no": "140522A", "amount_fen": 32000, '
            b'"paid_at": "2021-12-05T10:00:00+08:00", "voucher_no": "314", "payer_name": null}]}'
        )
    ],
    "tax_terminal": [
        b'{"head": {"serviceCode": "S1"}, "body": {"request": {"list": {"v": {"spuuid": "1", "sjje": "1.00"}}}}}'
    ],
    "webhook_url": [b"https://partner.example/canbao", b"http://[::1]:8080/", b"https://[64:ff9b::7f00:1]/"],
    "feed_csv": ["身份证号,姓名,救助类别,认定日期\n110101199003070000,王小明,低保,2021-08-01\n".encode()],
    "roster_csv": ["姓名,证件号码,户籍区划\n王小明,110101199003070000,140522\n".encode()],
    "package": [(_ROOT / "services" / "registration" / "packages" / "county-2015.yaml").read_bytes()[:15000]],
}
"""What to begin with; the rest is found."""
