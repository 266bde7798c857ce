"""The cryptography of UnionPay's side (ACP 5.1.0): certificates of its own, forms verified and signed.

`merchant` is a PKCS#12 file as a merchant gets it; `signer` is what UnionPay answers with, issued by a middle
certificate that a root has issued. The CN's third part between `@` is that of UnionPay's test environment.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from deploy.local import places

MERCHANT = "777290058110097"
NAME = "00040000:SIGN"
CertificateMode = Literal["", "name", "issuer", "expired"]


class NotSigned(Exception):
    """A form that the merchant has not signed."""


class Keys:
    """Every key and certificate of both sides, kept in a folder; made at the first use."""

    def __init__(self, folder: Path = places.KEYS) -> None:
        made = json.loads(places.kept(folder / "unionpay.json", _new_keys))
        self.merchant_file = folder / "unionpay-merchant.pfx"
        self.password_file = folder / "unionpay-merchant.password"
        self.root_file = folder / "unionpay-root.pem"
        self.middle_file = folder / "unionpay-middle.pem"
        for path, name in (
            (self.password_file, "password"),
            (self.root_file, "root"),
            (self.middle_file, "middle"),
        ):
            places.kept(path, made[name].encode)
        places.kept(self.merchant_file, lambda: base64.b64decode(made["merchant"]))
        _, merchant, _ = pkcs12.load_key_and_certificates(base64.b64decode(made["merchant"]), made["password"].encode())
        assert merchant is not None
        self.merchant_id = str(merchant.serial_number)
        self._merchant = merchant.public_key()
        self._signer = _private(made["signer_key"])
        self._certificates = {mode: made[f"signer{mode and '_'}{mode}"] for mode in ("", "name", "issuer", "expired")}

    def verify(self, fields: Mapping[str, str]) -> None:
        """Whether the merchant has signed a form. Raises NotSigned."""
        if fields.get("merId") != MERCHANT or fields.get("certId") != self.merchant_id:
            raise NotSigned("merId or certId")
        if fields.get("version") != "5.1.0" or fields.get("signMethod") != "01":
            raise NotSigned("version or signMethod")
        assert isinstance(self._merchant, rsa.RSAPublicKey)
        try:
            signature = base64.b64decode(fields.get("signature", ""), validate=True)
            self._merchant.verify(signature, _hex(fields), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise NotSigned("signature") from error

    def signed(self, fields: Mapping[str, str], mode: CertificateMode = "") -> dict[str, str]:
        """Fields with UnionPay's certificate and signature; by `mode` with a certificate that nobody should believe."""
        whole = dict(fields) | {"signPubKeyCert": self._certificates[mode]}
        signature = self._signer.sign(_hex(whole), padding.PKCS1v15(), hashes.SHA256())
        return whole | {"signature": base64.b64encode(signature).decode()}


def settings_of(keys: Path = places.KEYS, *, address: str = "", notify: str = "", **more: Any) -> str:
    """PAYMENTS_UNIONPAY: how payments deals with this merchant number."""
    made = Keys(keys)
    base = address or places.address(places.SIMULATOR_PORTS["unionpay"])
    wanted = {
        "front_url": f"{base}/gateway/api/frontTransReq.do",
        "back_url": f"{base}/gateway/api/backTransReq.do",
        "query_url": f"{base}/gateway/api/queryTrans.do",
        "file_url": f"{base}/",
        "merchant_id": MERCHANT,
        "certificate": f"file:{made.merchant_file}",
        "certificate_password": f"file:{made.password_file}",
        "root_certificate": f"file:{made.root_file}",
        "middle_certificate": f"file:{made.middle_file}",
        "certificate_name": NAME,
        "notify_base_url": notify or places.address(places.SERVICE_PORTS["payments"]),
        "return_url": f"{base}/paid",
        "file_time": None,  # who runs the simulator brings the files, with what is wrong with them
        "timeout_seconds": 3,
        "ask_seconds": 4,
    }
    return json.dumps(wanted | more)


def _hex(fields: Mapping[str, str]) -> bytes:
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if name != "signature")
    return hashlib.sha256(text.encode()).hexdigest().encode()


def _new_keys() -> bytes:
    root, middle, signer, merchant = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(4))
    root_pem = _certificate("Canbao local root", root, "Canbao local root", root)
    middle_pem = _certificate("Canbao local middle", middle, "Canbao local root", root)
    password = secrets.token_hex(8)
    of_merchant = x509.load_pem_x509_certificate(
        _certificate("041@Z@Canbao local merchant@00000001", merchant, "Canbao local middle", middle).encode()
    )
    sealed = pkcs12.serialize_key_and_certificates(
        b"merchant", merchant, of_merchant, None, serialization.BestAvailableEncryption(password.encode())
    )
    name = f"041@Z@{NAME}@00000001"
    made = {
        "password": password,
        "merchant": base64.b64encode(sealed).decode(),
        "root": root_pem,
        "middle": middle_pem,
        "signer_key": signer.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "signer": _certificate(name, signer, "Canbao local middle", middle),
        "signer_name": _certificate("041@Z@Somebody else:SIGN@00000001", signer, "Canbao local middle", middle),
        "signer_issuer": _certificate(name, signer, "Canbao local middle", signer),
        "signer_expired": _certificate(name, signer, "Canbao local middle", middle, days=-1),
    }
    return json.dumps(made).encode()


def _certificate(
    name: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey, *, days: int = 3650
) -> str:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .sign(issuer_key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
