"""The tax bureau's signatures with SM2 and SM3: what is published, what another implementation says, every setting."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import gmalg
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from gmssl_pyx import sm2_key_generate, sm2_sign, sm2_sign_sm3_digest, sm2_verify, sm3_hash
from hypothesis import given
from hypothesis import strategies as st

from services.payments.formats.tax import BadSignature, Rfc9421, SignedRequest
from services.payments.formats.tax_sm2 import ALGORITHM, ByKey, Rfc9421Sm2, Sm2Key
from tests.payments_town import issue_bills
from tests.suite import InProcessSuite
from tests.tax_bureau import COVERED, Bureau, Channel, event

ADDRESS = "https://pay.example.gov.cn/v1/channels/tax/confirmations"
BODY = b'{"event_id":"E1"}'
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
KEY_ID = "tax-bureau-sm2"
PUBLIC, PRIVATE = sm2_key_generate()
STANDARD = {  # GM/T 0003.5, A.2
    "public": "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
    "private": "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
    "r": "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3",
    "s": "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
}

Form = Literal["der", "raw"]
Text = Literal["base64", "hex"]


class Signer:
    """Signs as a partner might."""

    def __init__(
        self, form: Form = "der", text: Text = "base64", user: str = "1234567812345678", z: bool = True
    ) -> None:
        self.form, self.text, self.user, self.with_z = form, text, user, z

    def sign(self, data: bytes, /) -> bytes:
        if self.with_z:
            der = sm2_sign(PRIVATE, PUBLIC, data, signer_id=self.user.encode())
        else:
            der = sm2_sign_sm3_digest(PRIVATE, sm3_hash(data))
        r, s = decode_dss_signature(der)
        raw = der if self.form == "der" else r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return raw if self.text == "base64" else raw.hex().encode()


class Other(Signer):
    """The same by gmalg."""

    def sign(self, data: bytes, /) -> bytes:
        r, s = gmalg.SM2(PRIVATE, self.user.encode(), b"\x04" + PUBLIC).sign(data)
        return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def request(signer: Signer | None = None, body: bytes = BODY, **signing: Any) -> SignedRequest:
    bureau = Bureau(KEY_ID, signer or Signer(), ALGORITHM)
    signing["parameters"] = {"created": int(NOW.timestamp())} | signing.pop("parameters", {})
    return SignedRequest("POST", ADDRESS, list(bureau.sign(body, ADDRESS, **signing).items()), body)


def profile(**settings: Any) -> Rfc9421Sm2:
    return Rfc9421Sm2({KEY_ID: Sm2Key(**{"public_key": PUBLIC.hex(), **settings})})


def refusal(message: SignedRequest, now: datetime = NOW, **settings: Any) -> str:
    with pytest.raises(BadSignature) as refused:
        profile(**settings).verify(message, now)
    return str(refused.value)


def test_the_published_example_holds_in_both_libraries() -> None:
    public, message = bytes.fromhex(STANDARD["public"]), b"message digest"
    r, s = bytes.fromhex(STANDARD["r"]), bytes.fromhex(STANDARD["s"])
    der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    assert sm2_verify(public, message, der)
    assert gmalg.SM2(uid=b"1234567812345678", pk=b"\x04" + public).verify(message, r, s)
    assert sm3_hash(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_a_good_signature_says_who_and_what() -> None:
    signed = profile().verify(request(parameters={"nonce": "n1"}), NOW)
    assert (signed.key_id, signed.nonce, signed.created) == (KEY_ID, "n1", NOW)


def test_what_another_implementation_signs_is_believed() -> None:
    assert profile().verify(request(Other()), NOW).key_id == KEY_ID


@pytest.mark.parametrize("form", ["der", "raw"])
@pytest.mark.parametrize("text", ["base64", "hex"])
@pytest.mark.parametrize("with_z", [True, False])
@pytest.mark.parametrize("user", ["1234567812345678", "税务局".encode().hex()])
@pytest.mark.parametrize("front", ["", "04"])
def test_every_setting_reads_what_is_written_so_and_nothing_else(
    form: Form, text: Text, with_z: bool, user: str, front: str
) -> None:
    settings: dict[str, Any] = {
        "public_key": front + PUBLIC.hex(),
        "form": form,
        "text": text,
        "user_id": user,
        "with_z": with_z,
    }
    message = request(Signer(form, text, user, with_z))
    assert profile(**settings).verify(message, NOW).key_id == KEY_ID
    refusal(message, **settings | {"form": "raw" if form == "der" else "der"})
    refusal(message, **settings | {"text": "hex" if text == "base64" else "base64"})
    refusal(message, **settings | {"with_z": not with_z})
    if with_z:
        refusal(message, **settings | {"user_id": "another"})


def test_another_key_is_refused() -> None:
    other, _ = sm2_key_generate()
    assert "not that of these bytes" in refusal(request(), public_key=other.hex())
    assert "not known" in refusal(request(parameters={"keyid": "nobody"}))


@pytest.mark.parametrize("missing", COVERED)
def test_every_component_must_be_covered(missing: str) -> None:
    assert missing in refusal(request(covered=[name for name in COVERED if name != missing]))


@pytest.mark.parametrize("parameter", ["created", "keyid", "nonce"])
def test_every_parameter_must_be_there(parameter: str) -> None:
    refusal(request(parameters={parameter: None}))


@pytest.mark.parametrize("alg", ["ed25519", "hmac-sha256", "none", ""])
def test_the_algorithm_cannot_be_chosen(alg: str) -> None:
    profile().verify(request(parameters={"alg": None}), NOW)
    refusal(request(parameters={"alg": alg}))


@pytest.mark.parametrize(("off", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_it_was_signed_within_three_hundred_seconds_either_way(off: int, good: bool) -> None:
    message = request(parameters={"created": int(NOW.timestamp()) + off})
    if good:
        profile().verify(message, NOW)
    else:
        assert "300 s" in refusal(message)


def test_a_body_or_address_that_was_altered_is_refused() -> None:
    message = request()
    assert "digest" in refusal(replace(message, body=b'{"event_id":"E2"}'))
    refusal(replace(message, address=ADDRESS + "/batches"))
    refusal(replace(message, method="PUT"))
    refusal(replace(message, headers=[*message.headers, ("Signature", "sig1=:AAAA:")]))


@given(st.binary(max_size=120))
def test_no_bytes_for_a_signature_are_a_crash(junk: bytes) -> None:
    class Junk(Signer):
        def sign(self, data: bytes, /) -> bytes:  # noqa: ARG002 -- junk whatever is signed
            return junk

    for form in ("der", "raw"):
        for text in ("base64", "hex"):
            refusal(request(Junk()), form=form, text=text)


@given(st.text(max_size=80))
def test_no_header_is_a_crash(junk: str) -> None:
    headers = [(name, junk if name == "Signature-Input" else text) for name, text in request().headers]
    refusal(replace(request(), headers=headers))


def test_each_key_has_its_own_profile() -> None:
    ed25519 = Bureau("tax-bureau-tests")
    both = ByKey(Rfc9421({ed25519.key_id: ed25519.public_pem}), {KEY_ID: Sm2Key(PUBLIC.hex())})
    assert both.verify(request(), NOW).key_id == KEY_ID
    signed = ed25519.sign(BODY, ADDRESS, parameters={"created": int(NOW.timestamp())})
    assert both.verify(SignedRequest("POST", ADDRESS, list(signed.items()), BODY), NOW).key_id == ed25519.key_id
    # A key of the one profile signs nothing for the other.
    claimed = ed25519.sign(BODY, ADDRESS, parameters={"created": int(NOW.timestamp()), "keyid": KEY_ID})
    with pytest.raises(BadSignature):
        both.verify(SignedRequest("POST", ADDRESS, list(claimed.items()), BODY), NOW)


def test_a_key_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="is not an SM2 public key"):
        profile(public_key="04" + "11" * 64)


async def test_payments_takes_a_confirmation_signed_so(
    databases: dict[str, str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {KEY_ID: {"public_key": "04" + PUBLIC.hex(), "form": "raw"}}
    monkeypatch.setenv("PAYMENTS_TAX_SM2_KEYS", json.dumps(keys))
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 18:00")
    [bill] = await issue_bills(suite, [32000])
    channel = Channel(suite.client("payments"), Bureau(KEY_ID, Signer("raw"), ALGORITHM))
    taken = await channel.confirm(event(bill.bill_no))
    assert (taken.status_code, taken.json()["outcome"]) == (200, "settled")
    channel = Channel(suite.client("payments"), Bureau(KEY_ID, Signer("der"), ALGORITHM))
    assert (await channel.confirm(event(bill.bill_no, 2))).status_code == 401
    await suite.close()
