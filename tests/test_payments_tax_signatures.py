"""Whom payments believes to be the tax bureau: nothing of a message counts until its signature holds over its bytes."""

import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given
from hypothesis import strategies as st

from services.payments.formats.tax import BadSignature, Rfc9421, Signed, SignedRequest
from services.payments.rules.tax import Confirmation, first_of_each, pool_named
from tests.tax_bureau import COVERED, Bureau

ADDRESS = "https://pay.example.gov.cn/v1/channels/tax/confirmations"
BODY = b'{"event_id":"E1"}'
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
CREATED = int(NOW.timestamp())
BUREAU = Bureau()
PROFILE = Rfc9421({BUREAU.key_id: BUREAU.public_pem})


def request(body: bytes = BODY, **signing: Any) -> SignedRequest:
    signing["parameters"] = {"created": CREATED} | signing.pop("parameters", {})
    return SignedRequest("POST", ADDRESS, list(BUREAU.sign(body, ADDRESS, **signing).items()), body)


def refusal(message: SignedRequest, now: datetime = NOW) -> str:
    with pytest.raises(BadSignature) as refused:
        PROFILE.verify(message, now)
    return str(refused.value)


def test_the_worked_example_of_the_protocol_holds() -> None:
    """Protocols §5.3: seed sha256("TEST ONLY channels anchor"); its body has not yet the fields of the contract."""
    seed = hashlib.sha256(b"TEST ONLY channels anchor").digest()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    assert public.public_bytes_raw().hex() == "0b8ef265350ede5688bdd7d9d3aeb5ee89604411d8120bc5eee24142cf67e9b1"
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    covered = '("@method" "@target-uri" "content-type" "content-digest")'
    parameters = ';created=1790820000;keyid="tax-bureau-2026";alg="ed25519";nonce="n-0001"'
    message = SignedRequest(
        "POST",
        ADDRESS,
        [
            ("host", "pay.example.gov.cn"),
            ("content-type", "application/json"),
            ("content-digest", "sha-256=:UQZEEIc1tVyqX/J0a7/tEB3gM7a47b79Ylz8y1Wmexc=:"),
            ("signature-input", f"sig1={covered}{parameters}"),
            (
                "signature",
                "sig1=:IQjID5ulFoPooh/n0l/1CzrdSc9CxfpDzTEiZQVBW4sgmzrxSEEfjUYQpohLDVJKmSzQ8wJCTOSBjevyNf0CDg==:",
            ),
        ],
        b'{"event_id":"TAX-20261001-000001","bill_no":"B0001","amount":40000}',
    )
    signed = Rfc9421({"tax-bureau-2026": pem}).verify(message, datetime.fromtimestamp(1790820000, UTC))
    assert (signed.key_id, signed.nonce, signed.created.timestamp()) == ("tax-bureau-2026", "n-0001", 1790820000)


def test_a_good_signature_says_who_and_what() -> None:
    signed = PROFILE.verify(request(parameters={"nonce": "n1"}), NOW)
    assert signed == Signed(BUREAU.key_id, "n1", NOW, hashlib.sha256(ADDRESS.encode() + b"\n" + BODY).digest())


@pytest.mark.parametrize("missing", COVERED)
def test_every_component_must_be_covered(missing: str) -> None:
    assert missing in refusal(request(covered=[name for name in COVERED if name != missing]))


@pytest.mark.parametrize("parameter", ["created", "keyid", "nonce"])
def test_every_parameter_must_be_there(parameter: str) -> None:
    assert parameter in refusal(request(parameters={parameter: None}))


def test_the_algorithm_need_not_be_repeated_and_cannot_be_chosen() -> None:
    PROFILE.verify(request(parameters={"alg": None}), NOW)
    for other in ("hmac-sha256", "rsa-v1_5-sha256", "none", ""):
        refusal(request(parameters={"alg": other}))


def test_a_body_that_was_altered_is_refused() -> None:
    message = request()
    altered = BODY.replace(b"E1", b"E2")
    assert "digest" in refusal(replace(message, body=altered)).lower()
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(altered).digest()).decode()}:"
    headers = [(name, digest if name == "Content-Digest" else value) for name, value in message.headers]
    refusal(replace(message, body=altered, headers=headers))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"address": ADDRESS + "/batches"},
        {"address": ADDRESS.replace("https", "http")},
        {"address": ADDRESS.replace("pay.", "test.")},
        {"address": ADDRESS + "?pool=140522"},
    ],
)
def test_a_message_counts_for_its_method_and_address_alone(change: dict[str, str]) -> None:
    refusal(replace(request(), **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("digest", ["sha-256=:AAAA:", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:", "sha-256", "x"])
def test_a_digest_that_says_nothing_is_refused(digest: str) -> None:
    refusal(request(digest=digest))


@pytest.mark.parametrize(("off", "good"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_it_was_signed_within_three_hundred_seconds_either_way(off: int, good: bool) -> None:
    message = request(parameters={"created": CREATED + off})
    if good:
        assert PROFILE.verify(message, NOW + timedelta(milliseconds=999)).created == NOW + timedelta(seconds=off)
    else:
        assert "300 s" in refusal(message)


def test_what_says_itself_that_it_has_expired_is_refused() -> None:
    PROFILE.verify(request(parameters={"expires": CREATED}), NOW)
    assert "expires" in refusal(request(parameters={"expires": CREATED - 1}))


def test_a_key_that_is_not_ours_is_refused() -> None:
    assert "key" in refusal(request(parameters={"keyid": "somebody"}))
    refusal(replace(request(), headers=list(Bureau(BUREAU.key_id).sign(BODY, ADDRESS).items())), datetime.now(UTC))
    with pytest.raises(BadSignature):
        Rfc9421({}).verify(request(), NOW)


def test_a_signature_under_another_label_is_refused() -> None:
    message = request()
    headers = [
        (name, value.replace("sig1=", "sig2=") if name == "Signature" else value) for name, value in message.headers
    ]
    assert headers != list(message.headers)
    assert "name one signature" in refusal(replace(message, headers=headers))


def test_two_signatures_are_refused() -> None:
    one, two = request(), request(label="sig2")
    headers = [*one.headers, *(line for line in two.headers if line[0].startswith("Signature"))]
    refusal(replace(one, headers=headers))


@given(
    st.sampled_from(["Signature", "Signature-Input", "Content-Digest", "Content-Type"]),
    st.text(st.characters(max_codepoint=255), max_size=80),
    st.booleans(),
)
def test_whatever_stands_in_a_header_is_refused_not_a_failure(name: str, text: str, as_well: bool) -> None:
    message = request()
    headers = [(n, (f"{v}{text}" if as_well else text) if n == name else v) for n, v in message.headers]
    with suppress(BadSignature):  # blanks around a value, or a parameter of the signature's own, change nothing
        assert PROFILE.verify(replace(message, headers=headers), NOW).key_id == BUREAU.key_id


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_no_byte_of_the_body_can_be_changed(at: int, by: int) -> None:
    altered = BODY[:at] + bytes([BODY[at] ^ by]) + BODY[at + 1 :]
    refusal(replace(request(), body=altered))


def test_only_ed25519_keys_are_taken_as_settings() -> None:
    rsa = generate_private_key(65537, 2048).public_key()
    for pem in ("", "x", rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()):
        with pytest.raises(ValueError, match="bureau-1"):
            Rfc9421({"bureau-1": pem})


CONFIRMATIONS = st.builds(
    Confirmation,
    event_id=st.just("E1"),
    bill_no=st.text(min_size=1, max_size=8),
    amount_fen=st.integers(1, 10**12),
    paid_at=st.datetimes(datetime(2000, 1, 2), datetime(2900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- bounds
    voucher_no=st.text(min_size=1, max_size=8),
    payer_name=st.none() | st.text(min_size=1, max_size=8),
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize("more", [(), ("@authority", "@scheme", "@path"), ("x-partner",)])
def test_what_another_implementation_signs_is_good(more: tuple[str, ...]) -> None:
    """`http-message-signatures` signs, and covers more than it must."""
    key = Ed25519PrivateKey.generate()
    told = {"Content-Type": "application/json", "X-Partner": "tax 1405", "Host": "pay.example.gov.cn"}
    told["Content-Digest"] = dict(request().headers)["Content-Digest"]
    message = httpx.Request("POST", ADDRESS, headers=told)
    HTTPMessageSigner(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={"other": key})
    ).sign(
        message,
        key_id="other",
        created=NOW,
        nonce="n1",
        covered_component_ids=(*COVERED, *more),
        use_existing_digest=True,
    )
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    taken = SignedRequest("POST", ADDRESS, list(message.headers.items()), BODY)
    signed = Rfc9421({"other": pem}).verify(taken, NOW)
    assert (signed.key_id, signed.nonce, signed.created) == ("other", "n1", NOW)


@given(CONFIRMATIONS, OFFSETS)
def test_the_same_payment_is_the_same_in_whatever_offset_it_is_written(one: Confirmation, offset: timezone) -> None:
    again = replace(one, paid_at=datetime.fromisoformat(one.paid_at.astimezone(offset).isoformat()))
    assert again.content == one.content


@given(CONFIRMATIONS, CONFIRMATIONS)
def test_two_payments_are_the_same_only_where_all_that_is_said_is_the_same(
    one: Confirmation, other: Confirmation
) -> None:
    assert (one.content == other.content) == (one == other)


@given(CONFIRMATIONS, st.sampled_from(["bill_no", "amount_fen", "paid_at", "voucher_no", "payer_name"]), st.data())
def test_every_field_counts(one: Confirmation, field: str, data: Any) -> None:
    value = getattr(one, field)
    others = {
        "bill_no": st.just(f"{value}0"),
        "amount_fen": st.just(value + 1 if field == "amount_fen" else 0),
        "paid_at": st.timedeltas(timedelta(microseconds=1), timedelta(days=1)).map(lambda by: one.paid_at + by),
        "voucher_no": st.just(f"{value}0"),
        "payer_name": st.just(None if value else "王小明"),
    }
    assert replace(one, **{field: data.draw(others[field])}).content != one.content


def test_fields_do_not_run_into_one_another() -> None:
    one = Confirmation("E", "14", 32000, NOW, "ab", "c")
    assert one.content != replace(one, voucher_no="a", payer_name="bc").content
    assert one.content != replace(one, bill_no="1", amount_fen=432000).content


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=8))
def test_the_first_under_an_event_id_counts(said: list[tuple[str, int]]) -> None:
    confirmations = [Confirmation(id_, "B", fen, NOW, "V", None) for id_, fen in said]
    first = first_of_each(confirmations)
    assert list(first) == list(dict.fromkeys(id_ for id_, _ in said))
    for confirmation in confirmations:
        assert confirmations.index(first[confirmation.event_id]) <= confirmations.index(confirmation)


@pytest.mark.parametrize(
    ("bill_no", "pool"),
    [
        ("1405227QK3M9Z5T2WB8XCD", "140522"),
        ("140522NOSUCHBILL", "140522"),
        ("B0001", "000000"),
        ("140522", "000000"),
        ("140522 7QK3M9Z5T2WB8XCD", "000000"),
        ("１４０５２２7QK3M9Z5T2WB8XCD", "000000"),
        ("14052-7QK3M9Z5T2WB8XCD", "000000"),
        ("1405227QK3\n", "000000"),
    ],
)
def test_a_bill_number_of_ours_begins_with_its_pool(bill_no: str, pool: str) -> None:
    assert pool_named(bill_no) == pool


def test_the_digest_vector_of_the_protocol() -> None:
    """RFC 9530 as reproduced in protocols §5.3."""
    body = b'{"hello": "world"}'
    assert json.loads(body)
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    assert digest == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    PROFILE.verify(request(body, digest=digest), NOW)
