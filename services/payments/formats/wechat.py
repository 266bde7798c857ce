"""WeChat Pay APIv3 on the wire: what is signed, what is verified, what is opened. RSA with SHA-256, AES-256-GCM.

Signatures are over raw bytes: a request is signed as it is sent, and what comes is verified before anybody reads it.
The key is chosen by the serial that the message names, so public-key mode (PUB_KEY_ID_…) and platform certificates
stand side by side while WeChat moves a merchant from one to the other.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from pydantic import BaseModel, ValidationError

from ..schemas.wechat import SealedResource, WechatCertificates, WechatNotice, WechatRefund, WechatTransaction
from .genuine import NotGenuine, Unreadable

Told = TypeVar("Told", bound=BaseModel)

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
PROBE = "WECHATPAY/SIGNTEST/"
"""What the signature of a probe begins with: WeChat tries whether we refuse what is wrong."""

Sign = Callable[[bytes], bytes]
"""Signs for the merchant. A key in a hardware module is another function of this kind."""


def signer(pem: bytes) -> Sign:
    """Signs with a merchant's private key. Raises ValueError for anything but an RSA key of at least 2048 bits."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise ValueError("the merchant's key is RSA with 2048 bits at least")
    return lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def public_key(pem: bytes) -> RSAPublicKey:
    """The key that WeChat signs with: a public key, or that of a platform certificate. Raises ValueError."""
    certificate = b"BEGIN CERTIFICATE" in pem
    return _rsa_key(load_pem_x509_certificate(pem).public_key() if certificate else load_pem_public_key(pem))


def _rsa_key(found: Any) -> RSAPublicKey:
    if not isinstance(found, RSAPublicKey) or found.key_size < 2048:
        raise ValueError("WeChat's key is RSA with 2048 bits at least")
    return found


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The five lines that a request signs; `target` is path and query as sent, an empty body is an empty line."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def authorization(
    sign: Sign, mchid: str, serial: str, method: str, target: str, timestamp: str, nonce: str, body: bytes
) -> str:
    """The Authorization header of a request."""
    signature = base64.b64encode(sign(request_message(method, target, timestamp, nonce, body))).decode()
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial}"'
    )


def invocation(sign: Sign, appid: str, prepay_id: str, timestamp: str, nonce: str) -> dict[str, str]:
    """What a page hands to WeChat to open the cashier (JSAPI): four lines are signed, signType is not."""
    package = f"prepay_id={prepay_id}"
    message = f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode()
    return {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": base64.b64encode(sign(message)).decode(),
    }


@dataclass(frozen=True)
class Keyring:
    """The keys that WeChat signs with, by serial: PUB_KEY_ID_… or the serial of a platform certificate."""

    keys: Mapping[str, RSAPublicKey]

    def __post_init__(self) -> None:
        plain = {_plain_serial(serial): key for serial, key in self.keys.items()}
        object.__setattr__(self, "keys", plain)

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Whether WeChat has signed these bytes within five minutes of `now` (wall time). Raises NotGenuine."""
        given = {name.lower(): text for name, text in headers.items()}
        signature = _header(given, "signature")
        if signature.startswith(PROBE):
            raise NotGenuine("probe")
        timestamp, nonce, serial = (_header(given, name) for name in ("timestamp", "nonce", "serial"))
        if given.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise NotGenuine("scheme", given["wechatpay-signature-type"][:64])
        if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > WINDOW_SECONDS:
            raise NotGenuine("stale", timestamp[:32])
        key = self.keys.get(_plain_serial(serial))
        if key is None:
            raise NotGenuine("serial", serial[:64])
        try:
            message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
            key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:  # ValueError: no base64, or not even ASCII
            raise NotGenuine("signature") from error


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises Unreadable."""
    if b"\\u0000" in body:
        raise Unreadable("U+0000 in a text")  # no database keeps it
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable("not JSON") from error
    if not isinstance(data, dict):
        raise Unreadable("not a JSON object")
    return data


def read_notice(body: bytes) -> WechatNotice:
    """The envelope of a verified notification. Raises Unreadable."""
    return _read(WechatNotice, read_json(body))


def open_resource(apiv3_key: bytes, resource: SealedResource) -> dict[str, Any]:
    """Decrypt the resource of a notification. Raises Unreadable where the key is another or a byte was changed."""
    return read_json(_opened(apiv3_key, resource))


def open_certificates(apiv3_key: bytes, body: bytes, now: datetime) -> dict[str, RSAPublicKey]:
    """The keys of the platform certificates that are handed out and valid `now`, by serial. Raises Unreadable."""
    found: dict[str, RSAPublicKey] = {}
    for item in _read(WechatCertificates, read_json(body)).data:
        try:
            certificate = load_pem_x509_certificate(_opened(apiv3_key, item.encrypt_certificate))
            if _plain_serial(f"{certificate.serial_number:X}") != _plain_serial(item.serial_no):
                raise Unreadable(f"certificate {item.serial_no} has another serial")
            if certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
                found[item.serial_no] = _rsa_key(certificate.public_key())
        except ValueError as error:
            raise Unreadable(f"certificate {item.serial_no}: {error}") from error
    return found


def read_transaction(data: Mapping[str, Any]) -> WechatTransaction:
    """An order as WeChat knows it. Raises Unreadable; also for money without number, instant or amount in fen."""
    found = _read(WechatTransaction, data)
    if found.trade_state in MONEY_CAME:
        if not (found.transaction_id and found.success_time and found.amount):
            raise Unreadable(f"{found.out_trade_no} is paid without transaction_id, success_time or amount")
        if found.amount.currency != "CNY" or not found.amount.total:
            raise Unreadable(f"{found.out_trade_no} is paid with {found.amount.total} {found.amount.currency}")
    return found


def read_refund(data: Mapping[str, Any]) -> WechatRefund:
    """A refund as WeChat knows it. Raises Unreadable."""
    return _read(WechatRefund, {"status": data.get("refund_status"), **data})


def order_request(
    *,
    appid: str,
    mchid: str,
    description: str,
    out_trade_no: str,
    time_expire: str,
    attach: str,
    notify_url: str,
    amount_fen: int,
    openid: str | None = None,
    client_ip: str | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """The body of an order. It is kept: a repeated order must be the same in every parameter.

    JSAPI needs the payer's `openid`; H5 the payer's own address and the `device` (iOS, Android, Wap); native neither.
    """
    body: dict[str, Any] = {
        "appid": appid,
        "mchid": mchid,
        "description": description,
        "out_trade_no": out_trade_no,
        "time_expire": time_expire,
        "attach": attach,
        "notify_url": notify_url,
        "amount": {"total": amount_fen, "currency": "CNY"},
    }
    if openid:
        body["payer"] = {"openid": openid}
    if client_ip:
        body["scene_info"] = {"payer_client_ip": client_ip, "h5_info": {"type": device}}
    return body


def path_part(text: str) -> str:
    """A number as part of a path; our numbers may have `|` and `*` in them."""
    return quote(text, safe="")


def plain_code(code: str) -> str:
    """A code to compare: older texts spell SYSTEM_ERROR as SYSTEMERROR."""
    return code.replace("_", "").upper()


MONEY_CAME = frozenset({"SUCCESS", "REFUND"})
"""Trade states in which the money has come; REFUND: and has gone back, wholly or in part."""


def _opened(apiv3_key: bytes, sealed: SealedResource) -> bytes:
    if sealed.algorithm != "AEAD_AES_256_GCM":
        raise Unreadable(f"a resource is sealed with AEAD_AES_256_GCM, not with {sealed.algorithm}")
    try:
        data = base64.b64decode(sealed.ciphertext, validate=True)
        about = (sealed.associated_data or "").encode()
        return AESGCM(apiv3_key).decrypt(sealed.nonce.encode(), data, about)
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"a resource cannot be opened: {type(error).__name__}") from error


def _plain_serial(serial: str) -> str:
    """A serial to compare: some write hex without its leading zeros."""
    return serial.upper().lstrip("0")


def _header(given: Mapping[str, str], name: str) -> str:
    text = given.get(f"wechatpay-{name}", "")
    if not text:
        raise NotGenuine("missing", f"Wechatpay-{name.capitalize()}")
    return text


def _read(kind: type[Told], data: Mapping[str, Any]) -> Told:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise Unreadable(f"{kind.__name__}: {faults}") from error
