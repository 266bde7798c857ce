"""Over HTTP: signed messages of the tax bureau, what was altered on the way, and nonces that come again."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.payments.usecases import Payments
from services.payments.usecases import tax as tax_usecases
from tests.payments_town import issue_bills
from tests.suite import close_app
from tests.tax_bureau import BATCH, SINGLE, Bureau, Channel, event
from tests.tax_town import Town, keys_of, open_town


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with open_town(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


async def test_verified_before_anything_is_read(town: Town) -> None:
    """A body that would be malformed is still, first of all, not signed."""
    for path in (SINGLE, BATCH):
        for body in (b"{", b"", b'{"event_id":1}'):
            answer = await town.channel.client.post(path, content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
            assert answer.headers["www-authenticate"] == "Signature"
    assert await town.count("tax_nonce") == 0


async def test_a_token_does_not_stand_in_for_a_signature(town: Town) -> None:
    client = town.suite.client("payments", "payments:write payments:read")
    assert (await client.post(SINGLE, json=event("B1"))).status_code == 401


async def test_an_altered_message_is_refused_over_http(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    body = json.dumps(event(bill.bill_no)).encode()
    address = f"http://payments{SINGLE}"
    good = town.bureau.sign(body, address)
    altered = body.replace(b"32000", b"31000")
    redigested = town.bureau.sign(altered, address)
    cases: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("body", SINGLE, altered, good),
        ("body and digest", SINGLE, altered, {**good, "Content-Digest": redigested["Content-Digest"]}),
        ("signature of another", SINGLE, altered, {**redigested, "Signature": good["Signature"]}),
        ("content type", SINGLE, body, {**good, "Content-Type": "application/json; charset=utf-8"}),
        ("other route", BATCH, body, good),
        ("query", f"{SINGLE}?a=1", body, good),
        ("spelling", SINGLE.replace("tax", "t%61x"), body, good),
        ("host", SINGLE, body, {**good, "Host": "elsewhere"}),
        ("no host", SINGLE, body, {**good, "Host": ""}),
    ]
    for what, path, content, headers in cases:
        answer = await town.channel.client.post(path, content=content, headers=headers)
        assert answer.status_code == 401, what
    assert (await town.channel.client.post(SINGLE, content=body, headers=good)).json()["outcome"] == "settled"


async def test_behind_a_proxy_the_public_address_is_what_was_signed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_PUBLIC_URL", "https://pay.example.gov.cn/payments/")
    app = town.suite.make_app("payments")
    client = town.suite.client("payments", app=app)
    body = json.dumps(event("B1")).encode()
    for address, status in ((f"https://pay.example.gov.cn/payments{SINGLE}", 200), (f"http://payments{SINGLE}", 401)):
        answer = await client.post(SINGLE, content=body, headers=town.bureau.sign(body, address))
        assert answer.status_code == status, address
    await close_app(app)


async def test_a_nonce_belongs_to_its_bytes(town: Town) -> None:
    """The same bytes are a retry and get the first answer, freshly signed or not; others are refused."""
    one, two = await issue_bills(town.suite, [32000] * 2)
    nonce: dict[str, Any] = {"parameters": {"nonce": "n-1"}}
    first = await town.channel.confirm(event(one.bill_no, 1), **nonce)
    again = await town.channel.confirm(event(one.bill_no, 1), **nonce)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    other = await town.channel.confirm(event(two.bill_no, 2), **nonce)
    assert (other.status_code, other.json()["code"]) == (401, "nonce_reused")
    assert (await town.channel.confirm_batch([event(one.bill_no, 1)], **nonce)).status_code == 401
    assert (await town.channel.confirm(event(two.bill_no, 2))).json()["outcome"] == "settled"
    assert await town.count("collection") == 2


@pytest.mark.parametrize("path", [SINGLE, BATCH])
async def test_a_refused_message_uses_up_its_nonce_too(town: Town, path: str) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    nonce: dict[str, Any] = {"parameters": {"nonce": "n-1"}}
    for _ in range(2):
        assert (await town.channel.send(path, b"{}", **nonce)).status_code == 422
    assert (await town.channel.send(path, b"{", **nonce)).status_code == 401
    good = await town.channel.confirm(event(bill.bill_no), **nonce)
    assert (good.status_code, good.json()["code"]) == (401, "nonce_reused")
    assert await town.count("collection") == 0


async def test_two_keys_have_their_own_nonces_and_the_same_events(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a key is changed, an event may come again under the new one."""
    [bill] = await issue_bills(town.suite, [32000])
    new = Bureau("tax-bureau-2022")
    monkeypatch.setenv("PAYMENTS_TAX_KEYS", keys_of(town.bureau, new))
    app = town.suite.make_app("payments")
    old_line, new_line = (Channel(town.suite.client("payments", app=app), bureau) for bureau in (town.bureau, new))
    nonce: dict[str, Any] = {"parameters": {"nonce": "n-1"}}
    first = await old_line.confirm(event(bill.bill_no), **nonce)
    again = await new_line.confirm(event(bill.bill_no), **nonce)
    assert again.json() == first.json()
    assert (await new_line.confirm(event("B1", 2), **nonce)).status_code == 401
    unknown = await Channel(town.channel.client, new).confirm(event("B1", 2))
    assert (unknown.status_code, unknown.json()["code"]) == (401, "signature_invalid")
    await close_app(app)


async def test_nonces_are_forgotten_when_their_messages_are_too_old(town: Town) -> None:
    await town.channel.confirm(event("B1"), parameters={"nonce": "n-1"})
    assert await tax_usecases.forget_tax_nonces(town.app.state.service) is False
    service: Payments = town.app.state.service
    async with service.database.writing() as tx:
        await tx.execute("update tax_nonce set expires_at = now() - interval '1 second'")
    assert await tax_usecases.forget_tax_nonces(service) is True
    assert await town.count("tax_nonce") == 0
