"""Independent oracles for WeChat Pay: `wechatpayv3` and openssl agree with our signatures, our verification and our
opening, in both directions; `wechatpayv3` as a merchant gets along with the simulator. Its known gaps are not ours."""

import asyncio
import base64
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import aes_decrypt, build_authorization

from deploy.local.places import free_port
from deploy.local.simulators import wechat as simulator
from deploy.local.simulators.wechat_faults import Payment
from deploy.local.simulators.wechat_hall import Hall
from deploy.local.simulators.wechat_wire import APPID, MCHID, MERCHANT_SERIAL, PUBLIC_KEY_ID, Keys
from services.payments.formats import wechat as wire
from services.payments.formats import wechat_bill as bills
from services.payments.formats.genuine import NotGenuine
from shared.clock import SHANGHAI, SetClock
from tests.suite import ROOT

NOW = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)
NOTICES = "http://127.0.0.1:9/notifications"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Keys of both sides."""
    return Keys(tmp_path_factory.mktemp("wechat-keys"))


@pytest.fixture
def ring(keys: Keys) -> wire.Keyring:
    """Both kinds of keys, as our settings name them."""
    return wire.Keyring(
        {
            keys.certificate_serial: wire.public_key(keys.certificate_file.read_bytes()),
            PUBLIC_KEY_ID: wire.public_key(keys.public_key_file.read_bytes()),
        }
    )


def oracle(keys: Keys, folder: Path | None = None, kind: WeChatPayType = WeChatPayType.JSAPI) -> WeChatPay:
    """The oracle as the same merchant: in public-key mode, or with the platform certificates of a folder."""
    made: dict[str, Any] = (
        {"cert_dir": str(folder)}
        if folder
        else {"public_key": keys.public_key_file.read_text(), "public_key_id": PUBLIC_KEY_ID}
    )
    return WeChatPay(
        wechatpay_type=kind,
        mchid=MCHID,
        private_key=keys.merchant_file.read_text(),
        cert_serial_no=MERCHANT_SERIAL,
        appid=APPID,
        apiv3_key=keys.apiv3_file.read_text(),
        notify_url=NOTICES,
        timeout=10,
        **made,
    )


def notice(keys: Keys, event: str = "TRANSACTION.SUCCESS", about: str = "transaction") -> bytes:
    """A notification's body."""
    told = {"out_trade_no": "140522ORDER1", "amount": {"total": 32000}, "payer": {"openid": "王"}}
    sealed = keys.seal(told, "transaction", about)
    said = {"id": "EV-1", "resource_type": "encrypt-resource", "event_type": event, "resource": sealed}
    return json.dumps(said).encode()


# --- wechatpayv3: what we sign, verify and open -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/v3/pay/transactions/jsapi", '{"description":"城乡居民基本医疗保险费","amount":{"total":32000}}'),
        ("GET", "/v3/pay/transactions/out-trade-no/140522ORDER1?mchid=1900007291", ""),
        ("GET", "/v3/bill/tradebill?bill_date=2021-12-05&bill_type=ALL&tar_type=GZIP", ""),
    ],
)
def test_our_authorization_is_the_oracles_byte_for_byte(keys: Keys, method: str, target: str, body: str) -> None:
    private = load_pem_private_key(keys.merchant_file.read_bytes(), password=None)
    theirs = build_authorization(target, method, MCHID, MERCHANT_SERIAL, private, body, "NONCE")
    at = theirs.split('timestamp="')[1].split('"')[0]
    sign = wire.signer(keys.merchant_file.read_bytes())
    assert wire.authorization(sign, MCHID, MERCHANT_SERIAL, method, target, at, "NONCE", body.encode()) == theirs


@pytest.mark.channel("wechat: empty associated data")
@pytest.mark.parametrize("about", ["transaction", ""])
@pytest.mark.parametrize("mode", ["public key", "certificate"])
def test_the_oracle_believes_and_opens_the_same_notification(
    keys: Keys, ring: wire.Keyring, tmp_path: Path, mode: str, about: str
) -> None:
    (tmp_path / "platform.pem").write_bytes(keys.certificate_file.read_bytes())
    public = mode == "public key"
    theirs = oracle(keys) if public else oracle(keys, tmp_path)
    body = notice(keys, about=about)
    headers = keys.headers(body, PUBLIC_KEY_ID if public else keys.certificate_serial)
    ring.verify(headers, body, time.time())
    ours = wire.open_resource(keys.apiv3_file.read_bytes(), wire.read_notice(body).resource)
    assert theirs.callback(headers, body)["resource"] == ours
    assert not theirs.callback(keys.headers(body, headers["Wechatpay-Serial"], flaw="tampered"), body)


def test_what_the_oracle_gets_wrong_we_do_not(keys: Keys, ring: wire.Keyring, tmp_path: Path) -> None:
    (tmp_path / "platform.pem").write_bytes(keys.certificate_file.read_bytes())
    body = notice(keys)
    old = keys.headers(body, PUBLIC_KEY_ID, at=time.time() - 3600)
    assert oracle(keys).callback(old, body)  # an hour old, and believed
    with pytest.raises(NotGenuine, match="stale"):
        ring.verify(old, body, time.time())
    foreign = keys.headers(body, PUBLIC_KEY_ID)
    with pytest.raises(ValueError, match="invalid literal"):  # takes the name of a public key for a number
        oracle(keys, tmp_path).callback(foreign, body)
    certificates = {keys.certificate_serial: ring.keys[keys.certificate_serial.lstrip("0")]}
    with pytest.raises(NotGenuine, match="serial"):
        wire.Keyring(certificates).verify(foreign, body, time.time())
    probe = keys.headers(body, PUBLIC_KEY_ID, flaw="signtest")
    assert not oracle(keys).callback(probe, body)
    with pytest.raises(NotGenuine, match="probe"):
        ring.verify(probe, body, time.time())


def test_the_oracle_opens_the_certificates_that_we_open(keys: Keys) -> None:
    sealed = keys.certificates()["data"][0]["encrypt_certificate"]
    theirs = aes_decrypt(sealed["nonce"], sealed["ciphertext"], sealed["associated_data"], keys.apiv3_file.read_text())
    assert theirs == keys.certificate_file.read_text()
    ours = wire.open_certificates(
        keys.apiv3_file.read_bytes(), json.dumps(keys.certificates()).encode(), datetime.now(SHANGHAI)
    )
    assert ours[keys.certificate_serial] == wire.public_key(theirs.encode())


# --- openssl ----------------------------------------------------------------------------------------------------------


def openssl(*arguments: str | Path, data: bytes) -> bytes:
    """What openssl says about some bytes."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=False)
    return done.stdout


def test_openssl_verifies_our_signatures(keys: Keys, tmp_path: Path) -> None:
    sign = wire.signer(keys.merchant_file.read_bytes())
    public, signature = tmp_path / "public.pem", tmp_path / "signature"
    public.write_bytes(openssl("pkey", "-in", keys.merchant_file, "-pubout", data=b""))
    request = wire.request_message("POST", "/v3/pay", "1790820000", "NONCE", "医保".encode())
    made = wire.invocation(sign, "wx1", "wx20", "1790820000", "NONCE")
    invocation = b"wx1\n1790820000\nNONCE\nprepay_id=wx20\n"
    for message, signed in ((request, sign(request)), (invocation, base64.b64decode(made["paySign"]))):
        signature.write_bytes(signed)
        check = ("dgst", "-sha256", "-verify", public, "-signature", signature)
        assert openssl(*check, data=message) == b"Verified OK\n"
        assert openssl(*check, data=message + b"!") == b"Verification failure\n"


def test_we_believe_what_openssl_has_signed(keys: Keys, ring: wire.Keyring) -> None:
    body, at = b'{"id":"EV-1"}', str(int(time.time()))
    platform = keys.public_key_file.with_name("wechat-public-key-private.pem")
    signature = openssl("dgst", "-sha256", "-sign", platform, data=f"{at}\nNONCE\n".encode() + body + b"\n")
    headers = {
        "Wechatpay-Timestamp": at,
        "Wechatpay-Nonce": "NONCE",
        "Wechatpay-Serial": PUBLIC_KEY_ID,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
    }
    ring.verify(headers, body, time.time())
    with pytest.raises(NotGenuine, match="signature"):
        ring.verify(headers, body + b" ", time.time())


# --- wechatpayv3 as a merchant of the simulator -----------------------------------------------------------------------


@pytest.fixture
def hall(keys: Keys) -> Iterator[tuple[Hall, SetClock, str]]:
    """The simulator on a port of its own: its books, its clock, its address."""
    clock, port = SetClock(NOW), free_port()
    app = simulator.create_app(keys=keys.merchant_file.parent, clock=clock, scale=0)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield app.state.hall, clock, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_the_examples_of_the_simulators_readme_run(keys: Keys, hall: tuple[Hall, SetClock, str]) -> None:
    books, _, address = hall
    text = (ROOT / "deploy" / "local" / "simulators" / "README.md").read_text(encoding="utf-8")
    script = text.split("<!-- runs: wechat -->\n```sh\n")[1].split("```")[0]
    environment = {"PATH": os.environ["PATH"], "ADDRESS": address, "KEYS": str(keys.merchant_file.parent)}
    done = subprocess.run(["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "SIGN_ERROR" not in done.stdout
    [order] = books.books.orders.values()
    [refund] = books.books.refunds.values()
    assert (order.state, refund.state, refund.amount) == ("REFUND", "SUCCESS", 4000)
    assert f'"out_refund_no":"{refund.out_refund_no}"' in done.stdout
    assert len(books.post.letters) == 2  # of the payment; nobody takes them


def test_the_oracle_orders_closes_refunds_and_reads_bills_at_the_simulator(
    keys: Keys, hall: tuple[Hall, SetClock, str]
) -> None:
    books, clock, address = hall
    merchant = oracle(keys)
    merchant._core._gate_way = address
    order = {"description": '医保费, "2022"', "amount": {"total": 32000, "currency": "CNY"}}
    order["time_expire"] = "2021-12-05T10:30:00+08:00"
    for number in ("140522ORDER1", "140522ORDER2"):
        code, said = merchant.pay(**order, out_trade_no=number, payer={"openid": "o1"})
        assert (code, list(json.loads(said))) == (200, ["prepay_id"])
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    for kind, field, more in ((WeChatPayType.NATIVE, "code_url", {}), (WeChatPayType.H5, "h5_url", scene)):
        code, said = merchant.pay(**order, out_trade_no=f"140522{kind.name}", scene_info=more, pay_type=kind)
        assert (code, list(json.loads(said))) == (200, [field])
    assert merchant.close("140522ORDER2")[0] == 204
    paid = books.pay(Payment(out_trade_no="140522ORDER1", faults=["lost"])).transaction_id
    code, said = merchant.query(out_trade_no="140522ORDER1")
    assert (code, json.loads(said)["trade_state"]) == (200, "SUCCESS")
    amount = {"refund": 4000, "total": 32000, "currency": "CNY"}
    code, said = merchant.refund("140522R1", amount, transaction_id=paid)
    assert (code, json.loads(said)["status"]) == (200, "PROCESSING")
    code, said = merchant.query_refund("140522R1")
    assert (code, json.loads(said)["status"]) == (200, "SUCCESS")
    clock.instant += timedelta(days=1)
    code, said = merchant.trade_bill("2021-12-05")
    _, packed = merchant.download_bill(json.loads(said)["download_url"].removeprefix(address))
    bill = bills.read_trade_bill(bills.unpacked(packed))
    assert (bill.agrees, len(bill.lines)) == (True, 2)
    assert merchant.fundflow_bill("2021-12-05")[0] == 200
