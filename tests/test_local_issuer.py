"""The token issuer of the local run, and `make token`."""

import stat
import subprocess
import sys
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.local.issuer import ALLOWED, Issuer, NotGranted, create_app
from deploy.local.places import ROOT, kept
from shared.problem import Problem
from shared.tokens import TOKEN_INVALID, Verifier


@pytest.fixture
def issuer(tmp_path):
    return Issuer(tmp_path)


@pytest.fixture
async def client(tmp_path):
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(tmp_path)), base_url="http://issuer"
    ) as client:
        yield client


def form(issuer, service, **more):
    return {"grant_type": "client_credentials", "client_id": service, "client_secret": issuer.secret(service), **more}


def claims(issuer, token):
    return jwt.decode(token, KeySet.import_key_set(issuer.jwks()), algorithms=["Ed25519"]).claims


@pytest.mark.parametrize("service", sorted(ALLOWED))
async def test_a_service_gets_what_it_needs_and_no_more(issuer, client, service):
    answer = (await client.post("/token", data=form(issuer, service))).json()
    told = claims(issuer, answer["access_token"])
    assert set(told["scope"].split()) == ALLOWED[service]
    assert (told["client_id"], told["sub"], told["area"], told["aud"]) == (service, service, "", "canbao")
    assert answer["token_type"] == "Bearer"
    assert told["exp"] - time.time() == pytest.approx(answer["expires_in"], abs=5)


async def test_a_service_may_ask_for_less_and_act_for_a_person(issuer, client):
    wish = form(issuer, "refunds", scope="payments:pay", area="140522108", user="zhang")
    told = claims(issuer, (await client.post("/token", data=wish)).json()["access_token"])
    assert (told["scope"], told["area"], told["sub"], told["client_id"]) == (
        "payments:pay",
        "140522108",
        "zhang",
        "refunds",
    )


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, 422, None),
        ({"scope": "registration:approve"}, 400, "invalid_scope"),
        ({"area": "14a"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_refuses(issuer, client, change, status, error):
    answer = await client.post("/token", data=form(issuer, "payments") | change)
    assert answer.status_code == status
    assert answer.json().get("error") == error


def test_mints_no_scope_that_does_not_exist(issuer):
    with pytest.raises(NotGranted, match="payments:everything"):
        issuer.mint("partner", scopes=frozenset({"payments:everything", "persons:full"}))


async def test_services_accept_its_tokens_and_no_others(tmp_path, client):
    async def fetch_keys():
        return (await client.get("/.well-known/jwks.json")).json()

    ours = Issuer(tmp_path)
    verifier = Verifier("http://127.0.0.1:8005", fetch_keys)
    token = ours.mint("partner", scopes=frozenset({"payments:read", "persons:full"}), area="140522", user="li")
    caller = await verifier.caller(token)
    assert (caller.client_id, caller.subject, caller.area) == ("partner", "li", "140522")
    assert caller.scopes == {"payments:read", "persons:full"}
    stranger = Issuer(tmp_path / "stranger").mint("partner", scopes=frozenset())
    with pytest.raises(Problem, match=TOKEN_INVALID.code):
        await verifier.caller(stranger)


def test_keys_are_secret_and_stay_the_same(tmp_path):
    first, second = Issuer(tmp_path), Issuer(tmp_path)
    assert first.jwks() == second.jwks()
    assert "d" not in first.jwks()["keys"][0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clients.json", "issuer.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_who_comes_second_gets_the_first_ones_secret(tmp_path):
    path = tmp_path / "keys" / "secret"

    def slow():
        kept(path, lambda: b"first")  # another process is quicker
        return b"second"

    assert kept(path, slow) == b"first"


def test_make_token_prints_the_token_alone():
    command = [
        sys.executable,
        "-m",
        "deploy.local.token",
        "--client",
        "partner",
        "--scopes",
        "registration:read persons:full",
    ]
    done = subprocess.run(
        [*command, "--area", "140522", "--user", "wang"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = claims(Issuer(), done.stdout.removesuffix("\n"))
    assert (told["sub"], told["scope"], told["area"]) == ("wang", "persons:full registration:read", "140522")
    assert subprocess.run([*command, "--area", "1x"], cwd=ROOT, capture_output=True, check=False).returncode == 2
