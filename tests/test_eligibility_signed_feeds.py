"""Departments' own systems hand lists over by signed requests: keys, their rotation, replays, the example."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local import places
from tests.eligibility_desk import ALL, POOL, VETERANS, decide, eligibility_alone, number, rows, send, sheet
from tests.suite import InProcessSuite
from tests.tax_bureau import COVERED, Bureau

FILE = "application/octet-stream"
README = places.ROOT / "services" / "eligibility" / "README.md"


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def system() -> Bureau:
    """The system of the veterans' department."""
    return Bureau("veterans-1")


def veterans(*people: int) -> bytes:
    return sheet(VETERANS, *([f"人{who}", number(who), "在乡重点优抚", "2021-03-01", ""] for who in people))


async def add_key(
    suite: InProcessSuite, system: Bureau, *, supplier: str = "veterans", pool: str = POOL
) -> httpx.Response:
    client = suite.client("eligibility", "eligibility:approve")
    return await client.post(
        f"/v1/suppliers/{supplier}/keys",
        params={"pool": pool},
        json={"key_id": system.key_id, "public_key": system.public_pem},
        headers={"Idempotency-Key": f"key-{Random().random()}"},
    )


async def revoke(suite: InProcessSuite, key_id: str) -> httpx.Response:
    client = suite.client("eligibility", "eligibility:approve")
    return await client.post(
        f"/v1/suppliers/veterans/keys/{key_id}/revoke",
        params={"pool": POOL},
        headers={"Idempotency-Key": f"gone-{key_id}"},
    )


def signed(
    suite: InProcessSuite, system: Bureau, body: bytes, *, supplier: str = "veterans", pool: str = POOL, **signing: Any
) -> tuple[str, dict[str, str]]:
    """The address and the headers of a signed upload."""
    client = suite.client("eligibility", "")
    query = urlencode({"pool": pool, "supplier": supplier, "file_name": "优抚.csv"})
    address = f"{str(client.base_url).rstrip('/')}/v1/feeds/signed?{query}"
    return address, system.sign(body, address, content_type=FILE, **signing)


async def upload(suite: InProcessSuite, address: str, headers: dict[str, str], body: bytes) -> httpx.Response:
    client = suite.client("eligibility", "")
    client.headers.pop("Authorization", None)
    return await client.post(address, content=body, headers=headers)


async def hand_over(suite: InProcessSuite, system: Bureau, body: bytes, **signing: Any) -> httpx.Response:
    return await upload(suite, *signed(suite, system, body, **signing), body)


async def test_a_signed_list_is_taken_like_a_clerks(suite: InProcessSuite, system: Bureau) -> None:
    assert (await add_key(suite, system)).status_code == 201
    sent = await hand_over(suite, system, veterans(1, 2))
    assert sent.status_code == 201, sent.text
    await suite.settle_down()
    by_clerk = await send(suite.client("eligibility", ALL), "veterans", veterans(1, 2))
    assert (by_clerk.status_code, by_clerk.json()["feed_id"]) == (200, sent.json()["feed_id"])
    assert by_clerk.json()["state"] == "taken"
    [line] = await rows(suite, "select client_id, actor from audit_line where action = 'feed.received'")
    assert line == {"client_id": "supplier:veterans", "actor": "veterans/veterans-1"}


async def test_a_nonce_is_good_for_one_request(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    body = veterans(1)
    address, headers = signed(suite, system, body)
    first = await upload(suite, address, headers, body)
    again = await upload(suite, address, headers, body)
    assert (first.status_code, again.status_code, again.json()["code"]) == (201, 401, "nonce_used")
    [nonce] = await rows(suite, "select expires_at from supplier_nonce")
    (created,) = re.findall(r"created=(\d+)", headers["Signature-Input"])
    assert nonce["expires_at"].timestamp() > int(created) + 300, "kept for as long as the request could be taken"
    anew = await hand_over(suite, system, body)
    assert (anew.status_code, anew.json()["feed_id"]) == (200, first.json()["feed_id"]), (
        "whoever lost the answer signs anew"
    )


async def test_a_captured_request_does_not_bring_a_withdrawn_list_back(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    body = veterans(1)
    address, headers = signed(suite, system, body)
    feed = (await upload(suite, address, headers, body)).json()
    await suite.settle_down()
    feed = (await suite.client("eligibility", ALL).get(f"/v1/feeds/{feed['feed_id']}", params={"pool": POOL})).json()
    assert (await decide(suite, feed, "withdraw", reason="错报")).status_code == 200
    assert (await upload(suite, address, headers, body)).status_code == 401
    assert len(await rows(suite, "select 1 from feed")) == 1


async def test_the_same_request_twice_at_once_is_taken_once(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    body = veterans(1)
    address, headers = signed(suite, system, body)
    answers = await asyncio.gather(*(upload(suite, address, headers, body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401]


@pytest.mark.parametrize(
    "signing",
    [
        {"parameters": {"created": int(time.time()) - 400}},
        {"parameters": {"created": int(time.time()) + 3600}},
        {"parameters": {"created": None}},
        {"parameters": {"nonce": None}},
        {"parameters": {"keyid": "unknown"}},
        *({"covered": [name for name in COVERED if name != missing]} for missing in COVERED),
        {"digest": "sha-512=:AAAA:"},
        {"method": "GET"},
    ],
)
async def test_what_is_not_signed_as_agreed_is_refused(
    suite: InProcessSuite, system: Bureau, signing: dict[str, Any]
) -> None:
    await add_key(suite, system)
    answer = await hand_over(suite, system, veterans(1), **signing)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid"), answer.text
    assert await rows(suite, "select 1 from feed union all select 1 from supplier_nonce") == []


async def test_another_body_than_the_signed_one_is_refused(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    address, headers = signed(suite, system, veterans(1))
    answer = await upload(suite, address, headers, veterans(2))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert await rows(suite, "select 1 from feed") == []


async def test_another_address_than_the_signed_one_is_refused(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    address, headers = signed(suite, system, veterans(1))
    answer = await upload(suite, f"{address}&kind=full", headers, veterans(1))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")


async def test_a_key_signs_for_its_supplier_and_its_pool_alone(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    other = await hand_over(suite, system, veterans(1), supplier="civil_affairs")
    elsewhere = await hand_over(suite, system, veterans(1), pool="990101")
    assert [answer.json()["code"] for answer in (other, elsewhere)] == ["signature_invalid"] * 2


async def test_keys_are_changed_without_a_gap(suite: InProcessSuite, system: Bureau) -> None:
    old, new, third = system, Bureau("veterans-2"), Bureau("veterans-3")
    assert [(await add_key(suite, key)).status_code for key in (old, new)] == [201, 201]
    refused = await add_key(suite, third)
    assert (refused.status_code, refused.json()["code"]) == (409, "keys_enough")
    assert (await hand_over(suite, old, veterans(1))).status_code == 201
    assert (await hand_over(suite, new, veterans(2))).status_code == 201
    assert (await revoke(suite, "veterans-1")).json()["revoked_by"]
    assert (await hand_over(suite, old, veterans(3))).status_code == 401
    assert (await hand_over(suite, new, veterans(3))).status_code == 201
    assert (await add_key(suite, third)).status_code == 201, "the place of the old one is free"
    shown = await suite.client("eligibility", ALL).get("/v1/suppliers/veterans/keys", params={"pool": POOL})
    assert [(key["key_id"], key["revoked_at"] is None) for key in shown.json()["items"]] == [
        ("veterans-1", False),
        ("veterans-2", True),
        ("veterans-3", True),
    ]


async def test_bad_keys_are_refused(suite: InProcessSuite, system: Bureau) -> None:
    await add_key(suite, system)
    taken = await add_key(suite, Bureau("veterans-1"), supplier="civil_affairs")
    assert (taken.status_code, taken.json()["code"]) == (409, "key_id_taken")
    client = suite.client("eligibility", "eligibility:approve")
    answer = await client.post(
        "/v1/suppliers/veterans/keys",
        params={"pool": POOL},
        json={"key_id": "k", "public_key": "no key"},
        headers={"Idempotency-Key": "k"},
    )
    assert answer.status_code == 422
    unknown = await revoke(suite, "nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "key_unknown")
    clerk = suite.client("eligibility", ALL)
    assert (await clerk.post("/v1/suppliers/veterans/keys", params={"pool": POOL}, json={})).status_code == 403


async def test_the_example_of_the_readme_hands_a_list_over(suite: InProcessSuite, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    key = Ed25519PrivateKey.generate()
    system = Bureau("veterans-1", key)
    await add_key(suite, system)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "优抚.csv").write_bytes(veterans(1))
    (tmp_path / "hand_over.py").write_text(example, encoding="utf-8")
    port = places.free_port()
    server = uvicorn.Server(
        uvicorn.Config(suite.apps["eligibility"], host=places.HOST, port=port, lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- uvicorn tells it by no event
        await asyncio.sleep(0.01)
    query = urlencode({"pool": POOL, "supplier": "veterans", "file_name": "优抚.csv"})
    address = f"http://{places.HOST}:{port}/v1/feeds/signed?{query}"
    command = [sys.executable, "hand_over.py", address, "veterans-1", "key.pem", "优抚.csv"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=False)
    server.should_exit = True
    await serving
    assert done.stdout.startswith("201 "), done.stdout + done.stderr
