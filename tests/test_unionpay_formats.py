"""UnionPay's forms, certificates and day files: byte for byte, and nothing believed that is not UnionPay's."""

import asyncio
import base64
import contextlib
import io
import json
import os
import subprocess
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.local.places import free_port
from deploy.local.simulators import unionpay as simulator
from deploy.local.simulators.unionpay import Gateway
from deploy.local.simulators.unionpay_books import Books, Trade, file_content
from deploy.local.simulators.unionpay_wire import MERCHANT, NAME, Keys, settings_of
from services.payments.formats import unionpay as wire
from services.payments.formats.genuine import NotGenuine, Unreadable
from services.payments.formats.statements import StatementLine, StatementUnreadable
from services.payments.formats.unionpay_files import DayFileReader, ZipSplitter, parted
from services.payments.rules import unionpay as rules
from services.payments.rules.reconciling import LineKind, LineStatus, Totals, totals_agree
from services.payments.schemas.unionpay import UnionPayResult
from services.payments.settings import UnionPayFiles, UnionPaySettings
from shared.clock import SHANGHAI, WallClock
from tests.suite import ROOT

VECTOR = json.loads((Path(__file__).parent / "vectors" / "unionpay.json").read_text())
FIELDS = dict(part.split("=", 1) for part in VECTOR["to_sign"].split("&"))
DAY = date(2021, 12, 5)
REFUND = UUID("0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Keys of both sides, made once: RSA keys take their time."""
    return Keys(tmp_path_factory.mktemp("unionpay-keys"))


def trust(keys: Keys, name: str = NAME) -> wire.Trust:
    return wire.Trust.of(keys.root_file.read_bytes(), keys.middle_file.read_bytes(), name)


# --- what is signed ---------------------------------------------------------------------------------------------------


def test_the_worked_example_byte_for_byte() -> None:
    assert wire.to_sign(FIELDS) == VECTOR["to_sign"]
    assert wire.to_sign({**FIELDS, "signature": "x"}) == VECTOR["to_sign"]
    assert wire.digest(FIELDS) == VECTOR["sha256hex"].encode()
    key = load_pem_public_key(VECTOR["merchant_public_key"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(VECTOR["signature"]), wire.digest(FIELDS), padding.PKCS1v15(), hashes.SHA256())


def test_what_we_sign_openssl_verifies(keys: Keys, tmp_path: Path) -> None:
    by = wire.merchant(keys.merchant_file.read_bytes(), keys.password_file.read_bytes())
    form = wire.signed(by, {**FIELDS, "reserved": ""})
    assert "reserved" not in form
    assert form["certId"] == keys.merchant_id
    keys.verify({**form, "merId": MERCHANT} if form["merId"] != MERCHANT else form)
    signature, content, pem = tmp_path / "signature", tmp_path / "content", tmp_path / "key.pem"
    signature.write_bytes(base64.b64decode(form["signature"]))
    content.write_bytes(wire.digest(form))
    password = keys.password_file.read_text()
    pfx = ["openssl", "pkcs12", "-in", str(keys.merchant_file), "-passin", f"pass:{password}", "-clcerts", "-nokeys"]
    certificate = subprocess.run(pfx, check=True, capture_output=True).stdout
    public = subprocess.run(
        ["openssl", "x509", "-pubkey", "-noout"], input=certificate, check=True, capture_output=True
    )
    pem.write_bytes(public.stdout)
    told = ["openssl", "dgst", "-sha256", "-verify", str(pem), "-signature", str(signature), str(content)]
    assert subprocess.run(told, check=True, capture_output=True).stdout == b"Verified OK\n"


@pytest.mark.channel("bank: wrong certificate")
@pytest.mark.parametrize(
    ("mode", "why"), [("name", "certificate"), ("issuer", "certificate"), ("expired", "certificate")]
)
def test_only_unionpays_own_certificates_are_believed(keys: Keys, mode: str, why: str) -> None:
    now = time.time()
    said = keys.signed({"version": "5.1.0", "signMethod": "01", "respCode": "00"})
    trust(keys).verify(said, now)
    strange = keys.signed({"version": "5.1.0", "signMethod": "01", "respCode": "00"}, mode)  # type: ignore[arg-type]
    with pytest.raises(NotGenuine) as refused:
        trust(keys).verify(strange, now)
    assert refused.value.why == why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"respCode": "01"}, "signature"),
        ({"more": "x"}, "signature"),
        ({"signature": ""}, "missing"),
        ({"signature": "%%"}, "signature"),
        ({"signature": "é"}, "signature"),
        ({"signPubKeyCert": ""}, "missing"),
        ({"signPubKeyCert": "-----BEGIN CERTIFICATE-----"}, "certificate"),
        ({"version": "5.0.0"}, "scheme"),
        ({"signMethod": "11"}, "scheme"),
    ],
)
def test_a_changed_message_is_not_genuine(keys: Keys, change: dict[str, str], why: str) -> None:
    said = keys.signed({"version": "5.1.0", "signMethod": "01", "respCode": "00"})
    with pytest.raises(NotGenuine) as refused:
        trust(keys).verify(said | change, time.time())
    assert refused.value.why == why


def test_a_test_certificate_is_nothing_in_production_and_a_wrong_chain_does_not_start(keys: Keys) -> None:
    said = keys.signed({"version": "5.1.0", "signMethod": "01"})
    with pytest.raises(NotGenuine, match="of another name"):
        trust(keys, "中国银联股份有限公司").verify(said, time.time())
    with pytest.raises(ValueError, match="root"):
        wire.Trust.of(keys.middle_file.read_bytes(), keys.root_file.read_bytes(), NAME)
    with pytest.raises(ValueError, match="password"):
        wire.merchant(keys.merchant_file.read_bytes(), b"wrong")


@pytest.fixture
def gateway(keys: Keys) -> Iterator[tuple[Gateway, str]]:
    """The simulator on a port of its own: its books and its address."""
    port = free_port()
    app = simulator.create_app(keys=keys.root_file.parent, clock=WallClock(), scale=0)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield app.state.gateway, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_the_example_of_the_simulators_readme_runs(keys: Keys, gateway: tuple[Gateway, str]) -> None:
    books, address = gateway
    text = (ROOT / "deploy" / "local" / "simulators" / "README.md").read_text(encoding="utf-8")
    script = text.split("<!-- runs: unionpay -->\n```sh\n")[1].split("```")[0]
    environment = {"PATH": os.environ["PATH"], "ADDRESS": address, "KEYS": str(keys.root_file.parent)}
    done = subprocess.run(["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [trade] = books.books.trades.values()
    assert (trade.code, trade.amount) == ("00", 32000)
    assert {"origRespCode=00", f"queryId={trade.query_id}"} <= set(done.stdout.splitlines())


# --- forms and answers ------------------------------------------------------------------------------------------------


def test_an_answer_is_read_with_everything_that_may_stand_in_a_value() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIID+/==\n-----END CERTIFICATE-----"
    body = f"respCode=00&signPubKeyCert={pem}&reserved={{a=1&b=[2&3]}}&signature=a+b/c==&empty="
    assert wire.read_answer(body.encode()) == {
        "respCode": "00",
        "signPubKeyCert": pem,
        "reserved": "{a=1&b=[2&3]}",
        "signature": "a+b/c==",
        "empty": "",
    }


@pytest.mark.parametrize("body", [b"", b"\xff", b"Invalid request.", b"a=1&a=2", b"a=\x00", b"<html>"])
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        wire.read_answer(body)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    for read in (wire.read_answer, wire.read_form):
        with contextlib.suppress(Unreadable):
            wire.read(UnionPayResult, read(data))
    with contextlib.suppress(Unreadable):
        wire.unpack_file(data.decode("latin-1"))


@pytest.mark.parametrize(
    ("text", "near", "day"),
    [
        ("1231", date(2022, 1, 1), date(2021, 12, 31)),
        ("0101", date(2021, 12, 31), date(2022, 1, 1)),
        ("0229", date(2024, 2, 28), date(2024, 2, 29)),
        ("1205", date(2021, 12, 5), DAY),
    ],
)
def test_a_day_without_a_year_is_the_nearest(text: str, near: date, day: date) -> None:
    assert wire.read_day(text, near) == day


@given(st.uuids(), st.booleans())
def test_the_number_of_a_refund_fits_the_days_file_and_leads_back(refund_id: UUID, undoing: bool) -> None:
    number = rules.back_number("140522", refund_id, undoing=undoing)
    assert len(number) == 32
    assert number.isalnum()
    assert number != rules.back_number("140522", refund_id, undoing=not undoing)
    assert rules.refund_of_back_number(number) == ("140522", refund_id)


# --- day files --------------------------------------------------------------------------------------------------------


def trade(n: int, *, kind: str = "01", order_no: str = "", amount: int = 32000, original: str = "") -> Trade:
    at = datetime(2021, 12, 5, 10, n, tzinfo=SHANGHAI)
    made = Trade(order_no or f"140522{n:026d}", f"{at:%Y%m%d%H%M%S}", kind, {"txnAmt": str(amount)}, original=original)
    books = Books()
    books.happen(made, at)
    return replace(made, query_id=f"{made.query_id[:-3]}{n:03d}")


def zipped(*trades: Trade, faults: frozenset[str] = frozenset()) -> bytes:
    books = Books()
    for each in trades:
        books.keep(each)
    data = books.day_file(DAY, MERCHANT, faults)
    assert data is not None
    return data


def read_zip(data: bytes, pieces: int = 997) -> tuple[list[StatementLine], Totals | None, Totals]:
    splitter, reader = ZipSplitter(), DayFileReader(UnionPayFiles(), DAY)
    for start in range(0, len(data), pieces):
        assert list(splitter.feed(data[start : start + pieces])) == []
    lines = [line for raw in splitter.end() if (line := reader.take(raw))]
    return lines, reader.told, reader.found


def unpacked(data: bytes, most_zipped: int, most: int) -> int:
    """How many lines are in a zip of these sizes at most."""
    splitter = ZipSplitter(most_zipped, most)
    list(splitter.feed(data))
    return sum(1 for _ in splitter.end())


def test_a_zip_has_its_size_and_what_is_in_it_too() -> None:
    line = b"x" * 99 + b"\n"
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        warnings.simplefilter("ignore")  # that a name stands there twice
        file.writestr("ZM", line)
        file.writestr("ZM", line * 9)
    data = packed.getvalue()
    with pytest.raises(StatementUnreadable, match="压缩包过大"):
        unpacked(data, len(data) - 1, 10_000)
    with pytest.raises(StatementUnreadable, match="压缩包内文件过大"):
        unpacked(data, len(data), 999)
    # By its directory it has 1,000 bytes, but whoever opens the name twice gets 1,800.
    with pytest.raises(StatementUnreadable, match="压缩包内文件过大"):
        unpacked(data, len(data), 1000)
    assert unpacked(data, len(data), 1800) == 18


@pytest.mark.channel("bank: odd width")
def test_a_days_file_is_cut_by_bytes_whatever_the_width_of_its_names() -> None:
    number = rules.back_number("140522", REFUND, undoing=False)
    paid, back = trade(1), trade(2, kind="04", order_no=number, amount=12000, original="1")
    lines, told, found = read_zip(zipped(paid, back))
    assert [(line.number, line.kind, line.status, line.amount_fen, line.faults) for line in lines] == [
        (1, LineKind.PAYMENT, LineStatus.SUCCESS, 32000, ()),
        (2, LineKind.REFUND, LineStatus.SUCCESS, 12000, ()),
    ]
    assert lines[0].reference == f"UNIONPAY/20211205/{paid.query_id}"
    assert lines[0].order_no == paid.order_no
    assert lines[0].paid_at == datetime(2021, 12, 5, 10, 1, tzinfo=SHANGHAI)
    assert lines[1].reference == f"140522{REFUND.hex}"
    # What is settled stands behind the name, which is cut wrongly by whoever counts characters.
    assert told == found == Totals(2, 20000)


@pytest.mark.channel("bank: wrong totals")
@pytest.mark.parametrize("fault", ["wrong_totals", "cut_line"])
def test_a_file_that_does_not_agree_with_itself_shows(fault: str) -> None:
    lines, told, found = read_zip(zipped(trade(1), trade(2), faults=frozenset({fault})))
    assert len(lines) == 2
    assert not totals_agree(told, found)
    assert [bool(line.faults) for line in lines] == [False, fault == "cut_line"]


def test_an_adjustment_is_left_to_a_person() -> None:
    lines, told, found = read_zip(zipped(trade(1), faults=frozenset({"adjustment"})))
    assert (lines[1].status, lines[1].amount_fen) == (LineStatus.UNKNOWN, 32000)
    assert "ZME" in lines[1].faults[0]
    assert lines[1].reference is not None
    assert lines[1].reference.startswith("UNIONPAY/20211205/ZME")
    assert totals_agree(told, found)


@pytest.mark.parametrize("cut", [1, 40, 200, 400])
def test_wherever_a_zip_is_cut_it_shows(cut: int) -> None:
    with pytest.raises(StatementUnreadable):
        read_zip(zipped(trade(1))[:-cut])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 200])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(StatementUnreadable):
        read_zip(data)


def test_a_zip_without_trades_and_one_whose_byte_was_changed_are_refused() -> None:
    with pytest.raises(StatementUnreadable, match="ZM"):
        read_zip(zipped(trade(1), faults=frozenset({"no_trades"})))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("INN21120588ZM_777290058110097", b"x" * 607)
    data = packed.getvalue()
    with pytest.raises(StatementUnreadable, match="CRC"):
        read_zip(data.replace(b"xxx", b"xyx", 1))


@given(st.binary(min_size=607, max_size=607))
def test_no_line_breaks_the_reader(raw: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("ZM", raw)
    lines, _, found = read_zip(packed.getvalue())
    assert found.count == len(lines)
    for line in lines:
        assert line.faults or line.amount_fen


def test_a_file_of_several_pools_is_parted_by_its_orders_byte_for_byte() -> None:
    here, there = trade(1), trade(2, order_no=f"140521{'A' * 26}")
    data = zipped(here, there, faults=frozenset({"adjustment"}))
    parts = parted(data, UnionPayFiles(), lambda order_no: order_no[:6] or "000000")
    assert set(parts) == {"140522", "140521", "000000"}
    whole = {line.raw for line in read_zip(data)[0]}
    assert {line.raw for part in parts.values() for line in read_zip(part)[0]} == whole
    assert read_zip(parts["140521"])[0][0].order_no == there.order_no
    assert parted(data, UnionPayFiles(), lambda order_no: order_no[:6] or "000000") == parts
    assert parted(data, UnionPayFiles(), lambda _: "140522") == {"140522": data}


def test_a_fetched_file_is_unpacked_and_one_without_its_end_is_not() -> None:
    content = file_content(b"whatever" * 100)
    assert wire.unpack_file(content) == b"whatever" * 100
    for broken in (content[:-8], content[:12], "###"):
        with pytest.raises(Unreadable):
            wire.unpack_file(broken)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"merchant_id": "77729005811009"},
        {"order_minutes": 21},
        {"ask_seconds": 2},
        {"version": "5.0.0"},
        {"files": {"columns": {"code": 0}}},
        {"files": {"trades": [3, 11]}},
        {"files": {"encoding": "klingon"}},
        {"unheard_of": 1},
    ],
)
def test_settings_that_cannot_be_right_are_refused(keys: Keys, tmp_path: Path, change: dict[str, object]) -> None:
    wanted = json.loads(settings_of(keys.root_file.parent, address="http://u", notify="http://p"))
    UnionPaySettings.model_validate(wanted)
    with pytest.raises(ValidationError):
        UnionPaySettings.model_validate(wanted | change)


@pytest.mark.parametrize(
    ("code", "refused", "by_card"),
    [
        ("00", False, False), ("03", False, False), ("04", False, False), ("05", False, False), ("01", True, False),
        ("12", True, False), ("34", True, False), ("59", True, False), ("60", True, True), ("89", True, True),
        ("90", False, False), ("98", False, False), ("99", False, False), ("A6", False, False), ("", False, False),
        ("6", False, False), ("600", False, False), ("٦٠", False, False),
    ],
)  # fmt: skip
def test_what_no_table_names_is_no_refusal(code: str, refused: bool, by_card: bool) -> None:
    assert (wire.is_refusal(code), wire.is_refused_by_card(code)) == (refused, by_card)
