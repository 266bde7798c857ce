"""Webhooks as partners meet them: subscribed over the API, pushed to a real server, and never into our own network."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local import places
from shared.clock import wall_now
from shared.sealing import Sealer
from shared.webhooks.parts import Webhooks
from shared.webhooks.pushing import Pusher
from tests.suite import ORDER, SEALING_KEYS, InProcessSuite
from tests.webhook_town import OTHER_POOL, POOL, Partner, edit, happen, hasten, push, receiver


@pytest.fixture
async def payments(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[InProcessSuite]:
    for service in ORDER:
        monkeypatch.setenv(f"{service.upper()}_WEBHOOK_PRIVATE_ADDRESSES", "true")
    running = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield running
    await running.close()


@pytest.fixture
def partner(payments: InProcessSuite) -> Partner:
    return Partner(payments)


# What is pushed


async def test_an_event_comes_signed_and_as_the_feed_shows_it(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver() as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments, 3, amount_fen=32000, payer_name="王*明")
        await push(payments)
        feed = (await partner.client.get("/v1/events", params={"pool": POOL})).json()["items"]
    assert len(there.messages) == len(feed) == 3
    by_seq = {message.data["seq"]: message for message in there.messages}
    for event in feed:
        message = by_seq[event["seq"]]
        told = standardwebhooks.Webhook(webhook["secret"]).verify(message.body, message.headers)
        assert told["type"] == event["type"]
        assert told["timestamp"] == event["occurred_at"]
        assert told["data"] == {name: value for name, value in event.items() if name != "hash"}
        assert message.event_id == event["event_id"]
        assert len(message.body) < 20_000
    assert {item["state"] for item in await partner.deliveries(webhook)} == {"delivered"}


@pytest.mark.parametrize("service", ORDER)
async def test_every_service_pushes_its_feed(
    service: str, databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{service.upper()}_WEBHOOK_PRIVATE_ADDRESSES", "true")
    suite = InProcessSuite(databases, tmp_path / "keys", only=(service,))
    async with receiver() as there:
        await Partner(suite, service).subscribe(there.url)
        await happen(suite, service=service)
        await push(suite, service)
    await suite.close()
    assert [message.data["subject"] for message in there.messages] == ["bill.paid-0"]


async def test_only_the_kinds_and_only_from_where_it_was_asked(payments: InProcessSuite, partner: Partner) -> None:
    await happen(payments, 2, "bill.paid")
    await happen(payments, 2, "bill.reversed")
    async with receiver() as some, receiver() as later, receiver() as whole:
        await partner.subscribe(some.url, kinds=["bill.reversed"], after=0)
        await partner.subscribe(later.url)
        await partner.subscribe(whole.url, after=1)
        await happen(payments, 1, "refund.settled")
        await push(payments)
    assert sorted(some.seqs) == [3, 4]
    assert later.seqs == [5]
    assert sorted(whole.seqs) == [2, 3, 4, 5]


async def test_a_webhook_is_its_applications_own_and_bound_to_its_area(payments: InProcessSuite) -> None:
    webhook = await Partner(payments).subscribe("https://127.0.0.1:1/")
    stranger = Partner(payments)
    token = payments.token("payments:read", user="tester", client="another")
    stranger.client.headers["Authorization"] = f"Bearer {token}"
    assert (await stranger.client.get("/v1/webhooks", params={"pool": POOL})).json()["items"] == []
    one = f"/v1/webhooks/{webhook['webhook_id']}"
    for answer in [
        await stranger.client.get(one, params={"pool": POOL}),
        await stranger.client.get(f"{one}/deliveries", params={"pool": POOL}),
        await stranger.command(webhook, "end"),
        await stranger.command(webhook, "replay", after=0),
        await stranger.post(f"{one}/secret", version=1),
        await Partner(payments).client.get(one, params={"pool": OTHER_POOL}),
    ]:
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_unknown")
    villager = Partner(payments, area=f"{POOL}108")
    refused = await villager.post("/v1/webhooks", pool=POOL, url="https://partner.example/")
    assert (refused.status_code, refused.json()["code"]) == (403, "area_forbidden")


async def test_an_application_has_so_many_webhooks_and_ended_ones_do_not_count(partner: Partner) -> None:
    made = [await partner.subscribe("https://127.0.0.1:1/") for _ in range(20)]
    body: dict[str, Any] = {"pool": POOL, "url": "https://127.0.0.1:1/"}
    assert (await partner.post("/v1/webhooks", **body)).json()["code"] == "webhook_limit"
    assert (await partner.command(made[0], "end")).json()["state"] == "ended"
    assert (await partner.post("/v1/webhooks", **body)).status_code == 201


# Secrets


async def test_a_secret_is_shown_once_and_lies_nowhere_in_plain(payments: InProcessSuite, partner: Partner) -> None:
    body = {"pool": POOL, "url": "https://127.0.0.1:1/"}
    twice = [await partner.client.post("/v1/webhooks", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    first, again = (answer.json() for answer in twice)
    assert [answer.status_code for answer in twice] == [201, 201]
    assert first["webhook_id"] == again["webhook_id"]
    assert first["secret"].startswith("whsec_")
    assert (again["secret"], (await partner.read(first))["secret"]) == (None, None)
    async with payments.apps["payments"].state.database.reading() as tx:
        for table in ("webhook", "idempotency_key", "audit_line"):
            text = str(await tx.rows(f"select cast(whole as text) from {table} as whole"))
            assert first["secret"].removeprefix("whsec_") not in text


async def test_two_secrets_are_good_while_one_is_changed(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver() as there:
        webhook = await partner.subscribe(there.url)
        path = f"/v1/webhooks/{webhook['webhook_id']}/secret"
        changed = await partner.post(path, version=1)
        assert (await partner.post(path, version=1)).json()["code"] == "version_differs", "a repeat drops no secret"
        old, new = webhook["secret"], changed.json()["secret"]
        await happen(payments)
        await push(payments)
        await edit(payments, "update webhook set old_secret_until = now() - interval '1 s'")
        await happen(payments)
        await push(payments)
    during, after = there.messages
    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(during.body, during.headers)
    standardwebhooks.Webhook(new).verify(after.body, after.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(old).verify(after.body, after.headers)


async def test_the_services_own_key_signs_besides_where_one_is_set(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    monkeypatch.setenv("PAYMENTS_WEBHOOK_SIGNING_KEY", f"file:{tmp_path / 'key.pem'}")
    monkeypatch.setenv("PAYMENTS_WEBHOOK_PRIVATE_ADDRESSES", "true")
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    async with receiver() as there:
        webhook = await Partner(suite).subscribe(there.url)
        await happen(suite)
        await push(suite)
    await suite.close()
    kinds = [one.partition(",")[0] for one in there.messages[0].headers["webhook-signature"].split()]
    assert kinds == ["v1", "v1a"]
    assert webhook["public_key"].startswith("whpk_")


# What receivers answer


async def test_ten_attempts_then_failing_and_alarmed_and_a_success_brings_it_back(
    payments: InProcessSuite, partner: Partner
) -> None:
    async with receiver(answer=(500, {})) as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments)
        for _ in range(10):
            await push(payments)
            await hasten(payments)
        await push(payments)
        [delivery] = await partner.deliveries(webhook)
        assert (len(there.messages), delivery["attempts"], delivery["state"]) == (10, 10, "failed")
        assert [answer["status"] for answer in delivery["answers"]] == [500] * 10
        assert (await partner.read(webhook))["state"] == "failing"
        alarms = (await partner.client.get("/v1/alarms")).json()["items"]
        assert next(item["found"] for item in alarms if item["name"] == "webhook_answers") == 1

        await happen(payments)
        there.answer = (200, {})
        await push(payments)
        assert len(there.messages) == 10, "nothing new goes to one that fails"
        again = await partner.command(webhook, f"deliveries/{delivery['seq']}/replay")
        assert again.json()["state"] == "waiting"
        await push(payments)
    assert (await partner.read(webhook))["state"] == "active"
    assert there.seqs[10:] == [1, 2], "what was missed meanwhile follows"
    assert len(set(there.ids[:11])) == 1


async def test_a_redirection_is_a_failure_and_nobody_is_followed(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver() as inside, receiver() as there:
        for status in (301, 302, 303, 307, 308):
            there.answer = (status, {"Location": inside.url})
            webhook = await partner.subscribe(there.url)
            await happen(payments)
            await push(payments)
            [delivery] = await partner.deliveries(webhook)
            assert delivery["state"] == "waiting"
            assert delivery["answers"][0]["trouble"] == "redirected"
            await partner.command(webhook, "end")
    assert inside.messages == []


async def test_gone_disables_and_starting_again_delivers(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver(answer=(410, {})) as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments)
        await push(payments)
        assert (await partner.read(webhook))["state"] == "disabled"
        await happen(payments)
        await hasten(payments)
        await push(payments)
        assert len(there.messages) == 1
        there.answer = (200, {})
        assert (await partner.command(webhook, "start")).json()["state"] == "active"
        assert (await partner.command(webhook, "start")).json()["code"] == "webhook_in_state"
        await push(payments)
    assert (there.seqs[0], sorted(there.seqs[1:])) == (1, [1, 2])  # what is under way at once arrives in any order


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_who_asks_for_rest_gets_it(status: int, payments: InProcessSuite, partner: Partner) -> None:
    async with receiver(answer=(status, {"Retry-After": "1800"})) as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments)
        await push(payments)
        before = len(there.messages)
        await happen(payments, 5)
        await push(payments)
        assert len(there.messages) == before, "no delivery goes out while it rests"
        stands = await partner.read(webhook)
        rest = datetime.fromisoformat(stands["rest_until"]) - wall_now()
        assert timedelta(minutes=29) < rest <= timedelta(minutes=30)
        there.answer = (200, {})
        await hasten(payments)
        await push(payments)
    assert sorted(set(there.seqs)) == [1, 2, 3, 4, 5, 6]


async def test_no_answer_in_time_and_nobody_there(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_WEBHOOK_PRIVATE_ADDRESSES", "true")
    monkeypatch.setenv("PAYMENTS_WEBHOOK_TIMEOUT_SECONDS", "0.2")
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    partner = Partner(suite)
    async with receiver() as closed:
        away = closed.url
    async with receiver(hangs=True) as there:
        silent = await partner.subscribe(there.url)
        nobody = await partner.subscribe(away)
        await happen(suite)
        await push(suite)
        troubles = [(await partner.deliveries(one))[0]["answers"][0]["trouble"] for one in (silent, nobody)]
    await suite.close()
    assert troubles == ["timed_out", "unreachable"]


# Into our own network


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/", "https://127.0.0.1:8003/", "https://10.1.2.3/", "https://169.254.169.254/latest",
        "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://localhost/", "https://127.1/", "https://0x7f000001/",
        "https://user@8.8.8.8/", "gopher://8.8.8.8/",
    ],
)  # fmt: skip
async def test_an_address_inside_is_refused_when_it_is_given(
    url: str, databases: dict[str, str], tmp_path: Path
) -> None:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    answer = await Partner(suite).post("/v1/webhooks", pool=POOL, url=url)
    await suite.close()
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook_url_refused"), answer.text


async def test_a_name_that_leads_inside_later_is_not_called(payments: InProcessSuite, partner: Partner) -> None:
    """It was public when it was given; its owner then points it at us."""
    async with receiver() as inside:
        webhook = await partner.subscribe(inside.url.replace("http://127.0.0.1", "https://localhost"))
        await happen(payments)

        async def rebound(_host: str, _port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        database, keys = payments.apps["payments"].state.database, Sealer.from_setting(SEALING_KEYS)
        day = timedelta(days=1)
        given = Webhooks("payments", database, payments.clock, keys, None, False, 5, day, day, rebound)
        pusher = Pusher(given)
        while await pusher.work():
            pass
        await pusher.close()
        [delivery] = await partner.deliveries(webhook)
    assert inside.messages == []
    assert delivery["answers"][0]["trouble"] == "address_forbidden"


# For partners


async def test_the_receiver_in_the_readme_runs_and_takes_each_event_once(
    payments: InProcessSuite, partner: Partner, tmp_path: Path
) -> None:
    readme = (places.ROOT / "shared" / "webhooks" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    (tmp_path / "receiver.py").write_text(found[1], encoding="utf-8")
    async with receiver() as free:
        port = free.url.split(":")[2].partition("/")[0]
    webhook = await partner.subscribe(f"http://127.0.0.1:{port}/")
    process = subprocess.Popen(  # noqa: ASYNC220 -- it starts at once
        [sys.executable, tmp_path / "receiver.py"],
        env=os.environ | {"WEBHOOK_SECRET": webhook["secret"], "PORT": port},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        await happen(payments, 2)
        async with asyncio.timeout(20):
            while (await partner.read(webhook))["seq"] < 2 or await partner.deliveries(webhook, state="waiting"):
                await push(payments)
                await hasten(payments)
        await partner.command(webhook, "replay", after=0)
        await push(payments)
        assert {item["state"] for item in await partner.deliveries(webhook)} == {"delivered"}
        async with httpx.AsyncClient() as forger:
            headers = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
            forged = await forger.post(f"http://127.0.0.1:{port}/", content=orjson.dumps({"data": 1}), headers=headers)
        assert forged.status_code == 401
    finally:
        process.kill()
        told, _ = process.communicate()
    assert len(told.splitlines()) == 2
