"""UnionPay's gateway (ACP 5.1.0) on the wire: forms, what of them is signed, and whose signature is believed.

Fields are sorted by name and joined as `k=v&k=v`; the lower-case hex of their SHA-256 is what RSA with SHA-256 signs.
UnionPay sends the certificate that it signs with in each message, so that everything hangs on whose it is: issued by
the middle certificate of the settings, which the root has issued, in force today, with UnionPay's name in its CN.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import Certificate, load_pem_x509_certificate
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ValidationError

from shared.clock import SHANGHAI

from .genuine import NotGenuine, Unreadable

Told = TypeVar("Told", bound=BaseModel)

VERSION, BY_CERTIFICATE = "5.1.0", "01"
ACCEPTED = "00"
UNKNOWN = frozenset({"03", "04", "05"})
"""Response codes that say that nobody knows yet: the transaction is asked about."""
ABSENT = "34"
"""The gateway knows no transaction of this number and time."""
DUPLICATE = "12"
"""A transaction of this number stands there already."""
MOST_FILE_BYTES = 64 * 1024 * 1024


def is_refusal(code: str) -> bool:
    """Whether a response code says that nothing was done: 01 to 89 but for UNKNOWN.

    Of what no published table names, letters and 90 to 99, nobody knows what it did: it is asked about.
    """
    return re.fullmatch("0[1-9]|[1-8][0-9]", code) is not None and code not in UNKNOWN


def is_refused_by_card(code: str) -> bool:
    """Whether it is the card that refuses, 60 to 89: trying again is of no use."""
    return is_refusal(code) and code >= "60"


@dataclass(frozen=True)
class Merchant:
    """The merchant's certificate. `sign` signs for it; a key in a hardware module is another function of this kind."""

    certificate_id: str
    sign: Callable[[bytes], bytes]


def merchant(pfx: bytes, password: bytes) -> Merchant:
    """The certificate and key of a PKCS#12 file. Raises ValueError for anything but RSA of 2048 bits at least."""
    key, certificate, _ = load_key_and_certificates(pfx, password)
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048 or certificate is None:
        raise ValueError("the merchant's .pfx holds a certificate and its RSA key of 2048 bits at least")
    return Merchant(
        str(certificate.serial_number), lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    )


def to_sign(fields: Mapping[str, str]) -> str:
    """What of a form is signed: its fields by name, all but the signature."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")


def digest(fields: Mapping[str, str]) -> bytes:
    """The hex that is signed in place of the fields."""
    return hashlib.sha256(to_sign(fields).encode()).hexdigest().encode()


def signed(by: Merchant, fields: Mapping[str, str]) -> dict[str, str]:
    """The form as it is sent: fields without a value are left out, certificate and signature come in."""
    whole = {name: text for name, text in fields.items() if text} | {"certId": by.certificate_id}
    return whole | {"signature": base64.b64encode(by.sign(digest(whole))).decode()}


@dataclass(frozen=True)
class Trust:
    """Whom we believe to be UnionPay: certificates of this name, issued by the middle one."""

    middle: Certificate
    name: str

    @classmethod
    def of(cls, root_pem: bytes, middle_pem: bytes, name: str) -> "Trust":
        """Raises ValueError where the root has not issued the middle certificate."""
        root, middle = load_pem_x509_certificate(root_pem), load_pem_x509_certificate(middle_pem)
        try:
            middle.verify_directly_issued_by(root)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise ValueError("the root has not issued the middle certificate") from error
        return cls(middle, name)

    def verify(self, fields: Mapping[str, str], now: float) -> None:
        """Whether UnionPay has signed a form. `now` is wall time. Raises NotGenuine.

        `why`: missing, scheme, certificate, signature. A form says nothing of when it was signed; that it comes again
        must do no harm.
        """
        for name in ("signature", "signPubKeyCert"):
            if not fields.get(name):
                raise NotGenuine("missing", name)
        if fields.get("version") != VERSION or fields.get("signMethod") != BY_CERTIFICATE:
            raise NotGenuine("scheme", f"{fields.get('version')} {fields.get('signMethod')}")
        key = self._key(fields["signPubKeyCert"], datetime.fromtimestamp(now, UTC))
        try:
            signature = base64.b64decode(fields["signature"], validate=True)
            key.verify(signature, digest(fields), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:  # ValueError: no base64, or not even ASCII
            raise NotGenuine("signature") from error

    def _key(self, pem: str, now: datetime) -> RSAPublicKey:
        try:
            certificate = load_pem_x509_certificate(pem.encode())
            certificate.verify_directly_issued_by(self.middle)
            key = certificate.public_key()
            [common_name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise NotGenuine("certificate", "not issued by UnionPay") from error
        for each in (certificate, self.middle):
            if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
                raise NotGenuine("certificate", "not in force")
        if str(common_name.value).split("@")[2:3] != [self.name]:
            raise NotGenuine("certificate", "of another name")
        if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
            raise NotGenuine("certificate", "not RSA of 2048 bits at least")
        return key


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form, percent-encoded as browsers send it. Raises Unreadable, as where a field comes twice."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=200)
    except ValueError as error:
        raise Unreadable("not a form") from error
    return _fields(pairs)


def read_answer(body: bytes) -> dict[str, str]:
    """The fields of an answer: `k=v&k=v` with nothing encoded; a `&` between braces belongs to its value.

    Raises Unreadable.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error
    parts, depth, start = [], 0, 0
    for place, mark in enumerate(text):
        depth += (mark in "{[") - (mark in "}]")
        if mark == "&" and depth <= 0:
            parts.append(text[start:place])
            start = place + 1
    pairs = [part.partition("=") for part in [*parts, text[start:]] if part.strip()]
    if not pairs or any(not sign for _, sign, _ in pairs):
        raise Unreadable("not fields of an answer")
    return _fields([(name, value) for name, _, value in pairs])


def read(kind: type[Told], fields: Mapping[str, str]) -> Told:
    """What fields say, as a schema. Raises Unreadable."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise Unreadable(f"{kind.__name__}: {faults}") from error


def unpack_file(content: str) -> bytes:
    """The bytes of a day's file: base64, then DEFLATE. Raises Unreadable."""
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(content, validate=True), MOST_FILE_BYTES)
    except (ValueError, zlib.error) as error:
        raise Unreadable("a file that cannot be unpacked") from error
    if not stream.eof:
        raise Unreadable("a file that is too large or has lost its end")
    return data


def read_time(text: str) -> datetime:
    """YYYYMMDDhhmmss, in Asia/Shanghai. Raises Unreadable."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise Unreadable(f"{text} is no instant") from error


def write_time(at: datetime) -> str:
    """An instant as txnTime and payTimeout have it."""
    return f"{at.astimezone(SHANGHAI):%Y%m%d%H%M%S}"


def read_moment(text: str, near: datetime) -> datetime:
    """MMDDhhmmss in Asia/Shanghai, of the year in which it is nearest to another instant. Raises Unreadable."""
    day = read_day(text[:4], near.astimezone(SHANGHAI).date())
    return read_time(f"{day:%Y%m%d}{text[4:]}")


def read_day(month_day: str, near: date) -> date:
    """MMDD as the day nearest to another: UnionPay names no year. Raises Unreadable."""
    days = []
    for year in (near.year - 1, near.year, near.year + 1):
        try:
            days.append(date(year, int(month_day[:2]), int(month_day[2:])))
        except ValueError:
            continue  # 29 February
    if not days:
        raise Unreadable(f"{month_day!r} is no day")
    return min(days, key=lambda day: abs(day - near))


def _fields(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unreadable("a field comes twice")
    if any("\0" in text for pair in pairs for text in pair):
        raise Unreadable("U+0000 in a text")  # no database keeps it
    return fields
