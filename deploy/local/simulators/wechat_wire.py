"""The cryptography of WeChat Pay's side (APIv3): requests are verified, answers and notifications signed and sealed.

A message is signed with the platform certificate or with the key of public-key mode (PUB_KEY_ID_…), as `key_mode` says:
`certificate`, `public_key`, or `mixed`, which takes turns. An answer goes by the key that the request asks for.
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from deploy.local import places
from shared.clock import SHANGHAI

KeyMode = Literal["certificate", "public_key", "mixed"]
Flaw = Literal["unsigned", "old", "serial", "signtest", "tampered"]
"""What can be wrong with a signature."""

MCHID = "1900007291"
APPID = "wxd678efh567hg6787"
APPIDS = (APPID, "wxa1b2c3d4e5f60718")
"""The applications of the merchant: a service account and a mini-program."""
MERCHANT_SERIAL = "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000072912021090100000000000000"
_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_PROBE = "WECHATPAY/SIGNTEST/"
_WINDOW_SECONDS = 300
_FIELD = re.compile(r'(\w+)="([^"]*)"')


class NotSigned(Exception):
    """A request that the merchant has not signed just now."""


class Keys:
    """Every key of both sides, kept in a folder; made at the first use."""

    def __init__(self, folder: Path = places.KEYS) -> None:
        self.merchant_file = folder / "wechat-merchant.pem"
        self.apiv3_file = folder / "wechat-apiv3.key"
        self.certificate_file = folder / "wechat-platform-certificate.pem"
        self.public_key_file = folder / "wechat-public-key.pem"
        merchant = _private(places.kept(self.merchant_file, _new_key))
        self._merchant = merchant.public_key()
        self._apiv3 = places.kept(self.apiv3_file, lambda: secrets.token_hex(16).encode())
        platform = _private(places.kept(folder / "wechat-platform-key.pem", _new_key))
        certificate = places.kept(self.certificate_file, lambda: _certificate(platform))
        self._certificates = [certificate]
        public = _private(places.kept(folder / "wechat-public-key-private.pem", _new_key))
        places.kept(self.public_key_file, lambda: _public_pem(public))
        self.certificate_serial = _serial(certificate)
        self._platform = {self.certificate_serial: platform, PUBLIC_KEY_ID: public}
        self._turn = 0

    def verify(self, header: str, method: str, target: str, body: bytes) -> None:
        """Whether the merchant has signed exactly these bytes within five minutes. Raises NotSigned."""
        scheme, _, rest = header.partition(" ")
        said = dict(_FIELD.findall(rest))
        if scheme != _SCHEME or said.get("mchid") != MCHID or said.get("serial_no") != MERCHANT_SERIAL:
            raise NotSigned("scheme, mchid or serial_no")
        timestamp, nonce = said.get("timestamp", ""), said.get("nonce_str", "")
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > _WINDOW_SECONDS or not nonce:
            raise NotSigned("timestamp")
        message = b"\n".join([method.encode(), target.encode(), timestamp.encode(), nonce.encode(), body, b""])
        try:
            signature = base64.b64decode(said.get("signature", ""), validate=True)
            self._merchant.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise NotSigned("signature") from error

    def serial(self, mode: KeyMode, wanted: str = "") -> str:
        """Which key signs next."""
        if wanted in self._platform:
            return wanted
        self._turn += mode == "mixed"
        return PUBLIC_KEY_ID if mode == "public_key" or self._turn % 2 else self.certificate_serial

    def rotate(self) -> str:
        """WeChat signs with a new certificate from now on; its serial. Those before are still handed out."""
        key = _private(_new_key())
        self._certificates.append(_certificate(key))
        self.certificate_serial = _serial(self._certificates[-1])
        self._platform[self.certificate_serial] = key
        return self.certificate_serial

    def certificates(self) -> dict[str, list[dict[str, Any]]]:
        """The platform certificates, each sealed under the APIv3 key."""
        return {"data": [self._handed_out(pem) for pem in self._certificates]}

    def _handed_out(self, pem: bytes) -> dict[str, Any]:
        found = x509.load_pem_x509_certificate(pem)
        return {
            "serial_no": _serial(pem),
            "effective_time": found.not_valid_before_utc.astimezone(SHANGHAI).isoformat(),
            "expire_time": found.not_valid_after_utc.astimezone(SHANGHAI).isoformat(),
            "encrypt_certificate": self.seal_bytes(pem, "certificate"),
        }

    def headers(
        self, body: bytes, serial: str, *, at: float | None = None, flaw: Flaw | None = None, error_no: int = 0
    ) -> dict[str, str]:
        """The headers over a message: signed now or `at` an instant, with whatever is to be wrong with them."""
        request_id = {"Request-ID": f"{secrets.token_hex(16).upper()}-{error_no}"}
        if flaw == "unsigned":
            return request_id
        timestamp = str(int(time.time() if at is None else at) - (600 if flaw == "old" else 0))
        nonce = secrets.token_urlsafe(24)
        signed = body + b" " if flaw == "tampered" else body
        message = b"\n".join([timestamp.encode(), nonce.encode(), signed, b""])
        signature = base64.b64encode(self._platform[serial].sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": f"PUB_KEY_ID_{'9' * 30}" if flaw == "serial" else serial,
            "Wechatpay-Signature": _PROBE + signature if flaw == "signtest" else signature,
            "Wechatpay-Signature-Type": _SCHEME,
            **request_id,
        }

    def seal(self, resource: Mapping[str, Any], kind: str, about: str) -> dict[str, str]:
        """The resource of a notification, encrypted under the APIv3 key."""
        plain = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
        return {"original_type": kind, **self.seal_bytes(plain, about)}

    def seal_bytes(self, plain: bytes, about: str) -> dict[str, str]:
        """Bytes encrypted under the APIv3 key."""
        nonce = secrets.token_hex(6)
        sealed = AESGCM(self._apiv3).encrypt(nonce.encode(), plain, about.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": about,
            "nonce": nonce,
        }


def settings_of(keys: Path = places.KEYS, *, address: str = "", notify: str = "", **more: Any) -> str:
    """PAYMENTS_WECHAT: how payments deals with this merchant number."""
    made = Keys(keys)
    wanted = {
        "base_url": address or places.address(places.SIMULATOR_PORTS["wechat"]),
        "mchid": MCHID,
        "appid": APPID,
        "merchant_serial": MERCHANT_SERIAL,
        "private_key": f"file:{made.merchant_file}",
        "apiv3_key": f"file:{made.apiv3_file}",
        "platform_keys": {
            made.certificate_serial: f"file:{made.certificate_file}",
            PUBLIC_KEY_ID: f"file:{made.public_key_file}",
        },
        "notify_base_url": notify or places.address(places.SERVICE_PORTS["payments"]),
        "backup_url": "",
        "other_appids": APPIDS[1:],
        "limits": {"refund_parts_seconds": 0.6},  # WeChat's minute, as short as its other times here
        "bill_time": None,  # the season brings the bills, with what is wrong with them
        "timeout_seconds": 3,
        "ask_seconds": 4,
    }
    return json.dumps(wanted | more)


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _serial(certificate: bytes) -> str:
    """A certificate's serial with its leading zeros, as the header has it."""
    return f"{x509.load_pem_x509_certificate(certificate).serial_number:040X}"


def _private(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Canbao local WeChat Pay platform")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5 * 365))
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
