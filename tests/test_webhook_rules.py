"""Webhooks: signatures, the schedule, what answers mean, and which addresses are never called."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from shared.webhooks import signing
from shared.webhooks.addresses import NotAllowed, Resolve, aim, check_url, is_public
from shared.webhooks.pushing import BODY_LIMIT_BYTES, payload
from shared.webhooks.rules import (
    SCHEDULE,
    Attempt,
    DeliveryAct,
    Trouble,
    WebhookAct,
    WebhookState,
    answered,
    judge,
    read_retry_after,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTIVE, FAILING = WebhookState.ACTIVE, WebhookState.FAILING


# Signatures


def test_the_published_vector() -> None:
    made = signing.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.uuids(), st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=5))
def test_another_hand_verifies_each_of_two_secrets(event_id: UUID, content: dict[str, str]) -> None:
    old, new = signing.new_secret(), signing.new_secret()
    body = orjson.dumps(content)
    at = int(datetime.now(UTC).timestamp())
    made = signing.headers(str(event_id), at, body, [new, old])
    for secret in (old, new):
        assert standardwebhooks.Webhook(secret).verify(body, made) == orjson.loads(body)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(signing.new_secret()).verify(body, made)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new).verify(body + b" ", made)


def test_the_services_own_key_signs_besides() -> None:
    key = signing.SigningKey(Ed25519PrivateKey.generate())
    made = signing.headers("id", 1, b"{}", [signing.new_secret()], key)
    first, second = made["webhook-signature"].split(" ")
    assert first.startswith("v1,")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public.removeprefix("whpk_")))
    public.verify(base64.b64decode(second.removeprefix("v1a,")), b"id.1.{}")  # raises where it is not ours


def test_a_secret_has_the_length_that_the_standard_wants() -> None:
    made = {signing.new_secret() for _ in range(5)}
    assert len(made) == 5
    assert all(24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64 for secret in made)


# What answers mean


def test_ten_attempts_by_the_schedule_then_no_more() -> None:
    waited = []
    for made in range(1, 11):
        verdict = judge(Attempt(NOW, 500, Trouble.REFUSED), made, ACTIVE)
        waited.append((verdict.due_at or NOW) - NOW)
        assert (verdict.act, verdict.webhook_act) == (
            (DeliveryAct.GIVE_UP, WebhookAct.GIVE_UP) if made == 10 else (DeliveryAct.PUT_OFF, None)
        )
    hours = [timedelta(hours=n) for n in (2, 5, 10, 14, 20, 24)]
    assert waited[:9] == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *hours]
    assert SCHEDULE[0] == timedelta(0)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (200, None), (202, None), (204, None), (299, None),
        (301, Trouble.REDIRECTED), (302, Trouble.REDIRECTED), (307, Trouble.REDIRECTED), (308, Trouble.REDIRECTED),
        (400, Trouble.REFUSED), (401, Trouble.REFUSED), (404, Trouble.REFUSED), (409, Trouble.REFUSED),
        (410, Trouble.GONE),
        (429, Trouble.SLOW_DOWN), (502, Trouble.SLOW_DOWN), (503, Trouble.SLOW_DOWN), (504, Trouble.SLOW_DOWN),
        (500, Trouble.REFUSED), (599, Trouble.REFUSED),
    ],
)  # fmt: skip
def test_what_a_status_means(status: int, trouble: Trouble | None) -> None:
    attempt = answered(NOW, status, "")
    assert attempt.trouble is trouble
    verdict = judge(attempt, 1, ACTIVE)
    assert verdict.act is (DeliveryAct.PUT_OFF if trouble else DeliveryAct.ACCEPT)
    assert verdict.webhook_act is (WebhookAct.GONE if status == 410 else None)
    assert (verdict.rest_until is not None) is (trouble is Trouble.SLOW_DOWN)


def test_slow_down_is_as_long_as_the_receiver_says_and_no_delivery_comes_before() -> None:
    for text, seconds in {"": 60, "120": 120, "7": 7, "999999999": 86_400, "soon": 60}.items():
        verdict = judge(answered(NOW, 429, text), 1, ACTIVE)
        assert verdict.rest_until == NOW + timedelta(seconds=seconds), text
        assert verdict.due_at is not None
        assert verdict.due_at >= verdict.rest_until
    assert judge(answered(NOW, 429, "7"), 3, ACTIVE).due_at == NOW + SCHEDULE[3], "the schedule is longer"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sun, 01 Mar 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("-5", None), ("1.5", None), ("", None), ("²", None), ("9" * 40, timedelta(hours=24)),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms(text: str, found: timedelta | None) -> None:
    assert read_retry_after(text, NOW) == found


def test_success_brings_a_failing_webhook_back_and_another_failure_changes_nothing() -> None:
    assert judge(Attempt(NOW, 200), 4, FAILING).webhook_act is WebhookAct.RECOVER
    assert judge(Attempt(NOW, 200), 4, ACTIVE).webhook_act is None
    assert judge(Attempt(NOW, 500, Trouble.REFUSED), 10, FAILING).webhook_act is None


# Addresses


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("1.1.1.1", True), ("2606:4700:4700::1111", True), ("64:ff9b::808:808", True),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("127.0.0.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("198.18.0.1", False), ("192.0.2.1", False), ("::1", False), ("::", False),
        ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("ff02::1", False), ("fec0::1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:127.0.0.1", False), ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::a00:1", False), ("2002:7f00:1::", False), ("2002:a00:1::", False),
        ("2001:db8::1", False), ("64:ff9b:1::1", False),
    ],
)  # fmt: skip
def test_only_the_public_internet_is_called(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("url", "public", "private"),
    [
        ("https://partner.example/hook", True, True),
        ("https://partner.example:8443/hook?x=1", True, True),
        ("https://8.8.8.8/", True, True),
        ("https://10.0.0.1/", False, True),
        ("https://[::1]/", False, True),
        ("https://[fe80::1]/", False, True),
        ("http://127.0.0.1:9000/", False, True),
        ("http://localhost:9000/", False, True),
        ("http://[::1]:9000/", False, True),
        ("http://10.0.0.1/", False, False),
        ("http://partner.example/", False, False),
        ("https://user:pw@partner.example/", False, False),
        ("https://partner.example/#here", False, False),
        ("ftp://partner.example/", False, False),
        ("file:///etc/passwd", False, False),
        ("//partner.example", False, False),
        ("https://", False, False),
        ("https:///x", False, False),
        ("https://\x00/", False, False),
        ("", False, False),
    ],
)
def test_which_urls_a_webhook_may_have(url: str, public: bool, private: bool) -> None:
    for allowed, setting in ((public, False), (private, True)):
        if allowed:
            assert str(check_url(url, private=setting))
        else:
            with pytest.raises(ValueError, match=r"."):
                check_url(url, private=setting)


def resolving(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("no such name")
        return addresses

    return resolve


@pytest.mark.parametrize(
    ("addresses", "trouble"),
    [
        (["10.0.0.8"], Trouble.ADDRESS_FORBIDDEN),
        (["8.8.8.8", "127.0.0.1"], Trouble.ADDRESS_FORBIDDEN),
        (["::ffff:169.254.169.254"], Trouble.ADDRESS_FORBIDDEN),
        ([], Trouble.NAME_UNKNOWN),
    ],
)
def test_a_name_that_leads_inside_is_not_called(addresses: list[str], trouble: Trouble) -> None:
    with pytest.raises(NotAllowed) as refused:
        asyncio.run(aim("https://partner.example/", resolving(*addresses), private=False))
    assert refused.value.trouble is trouble


def test_the_connection_goes_to_the_address_that_was_judged_and_the_name_goes_along() -> None:
    target = asyncio.run(aim("https://partner.example:8443/a?b=c", resolving("8.8.8.8"), private=False))
    assert str(target.url) == "https://8.8.8.8:8443/a?b=c"
    assert (target.host, target.name) == ("partner.example:8443", "partner.example")
    six = asyncio.run(aim("https://partner.example/", resolving("2606:4700::1"), private=False))
    assert str(six.url) == "https://[2606:4700::1]/"


# The body


@pytest.mark.parametrize("size", [0, 10, 19_000, 20_000, 100_000])
def test_a_body_stays_below_its_limit_and_says_where_the_rest_is(size: int) -> None:
    event = {
        "pool": "140522",
        "seq": 7,
        "event_id": UUID(int=1),
        "type": "bill.paid",
        "subject": "x",
        "version": 2,
        "occurred_at": NOW,
        "data": {"note": "汉" * (size // 3)},
    }
    body = payload(event)
    told = orjson.loads(body)
    assert len(body) < BODY_LIMIT_BYTES == 20_000
    assert list(told) == ["type", "timestamp", "data"]
    assert told["data"]["seq"] == 7
    assert (told["data"]["data"] is None) is (size >= 20_000)
