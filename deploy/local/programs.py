"""What the suite consists of: the token issuer and four services, their commands and their settings."""

import base64
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from deploy.local import places
from deploy.local.issuer import ISSUER, Issuer
from deploy.local.runner import Program
from deploy.local.simulators import bank, tax, tax_assessments, tax_refunds, treasury_wire, unionpay_wire, wechat_wire

UPSTREAM = {
    "eligibility": (),
    "registration": ("eligibility", "payments"),
    "payments": ("registration",),
    "refunds": ("payments", "registration"),
}
"""Whom each service asks, or whose news it follows."""

_FOLLOW_SECONDS = "0.2"
_REFUND_ASK_SECONDS = "0.5"  # the simulated channels are done when one asks again
_DRAIN_SECONDS = "10"


def settings_of(service: str, database_url: str) -> dict[str, str]:
    """The environment variables of a service in the local run (`<SERVICE>_…`)."""
    values = {
        "DATABASE_URL": database_url,
        "ISSUER": ISSUER,
        "JWKS_URL": f"{ISSUER}/.well-known/jwks.json",
        "TOKEN_URL": f"{ISSUER}/token",
        "CLIENT_ID": service,
        "CLIENT_SECRET": Issuer().secret(service),
        "FOLLOW_SECONDS": _FOLLOW_SECONDS,
        "SEALING_KEYS": _sealing_keys(service),
        "WEBHOOK_PRIVATE_ADDRESSES": "true",
    }
    values |= {f"{asked.upper()}_URL": places.address(places.SERVICE_PORTS[asked]) for asked in UPSTREAM[service]}
    values |= _CHANNELS.get(service, dict)()
    return {f"{service.upper()}_{name}": value for name, value in values.items()}


def _channel_settings() -> dict[str, str]:
    """How payments finds and knows the simulated channels."""
    tax_address = places.address(places.SIMULATOR_PORTS["tax"])
    office = tax_refunds.office_settings(tax_address)
    return {
        "BANKS": bank.settings_of(),
        "TAX_KEYS": tax.settings_of(),
        "TAX_OFFICE": office,
        "TAX_ASSESSMENTS": tax_assessments.settings_of(),
        "TREASURY": treasury_wire.settings_of(tax_address, posting_days=None),  # whoever wants packages hands them in
        "UNIONPAY": unionpay_wire.settings_of(),
        "WECHAT": wechat_wire.settings_of(),
        "REFUND_ASK_SECONDS": _REFUND_ASK_SECONDS,
    }


_CHANNELS: dict[str, Callable[[], dict[str, str]]] = {"payments": _channel_settings}


def suite_programs(databases: Mapping[str, str]) -> list[Program]:
    """The issuer, the services, on the databases given (service → URL), and the simulated channels."""
    inherited = dict(os.environ)
    alone = {"issuer": places.ISSUER_PORT, **places.SIMULATOR_PORTS}
    others = [
        Program(name, _uvicorn(name, port, 1), inherited, _log(name), places.ROOT) for name, port in alone.items()
    ]
    return [*others, *(_service(name, databases[name], inherited) for name in places.SERVICES)]


def _service(name: str, database_url: str, inherited: Mapping[str, str]) -> Program:
    metrics = places.METRICS / name
    workers = int(inherited.get(f"{name.upper()}_WORKERS") or 1)
    return Program(
        name,
        _uvicorn(name, places.SERVICE_PORTS[name], workers),
        {**inherited, **settings_of(name, database_url), "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        _log(name),
        places.ROOT,
        prepare=partial(_empty, metrics),
    )


def _uvicorn(factory: str, port: int, workers: int) -> list[str]:
    """The command that serves a factory of `deploy/local/serve.py`."""
    return [
        *(sys.executable, "-m", "uvicorn", f"deploy.local.serve:{factory}", "--factory"),
        *("--host", places.HOST, "--port", str(port), "--workers", str(workers)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        *("--timeout-graceful-shutdown", _DRAIN_SECONDS),
    ]


def _log(name: str) -> Path:
    return places.LOGS / f"{name}.log"


def _empty(folder: Path) -> None:
    """Make `folder` new: the counters in it belong to processes that are gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _sealing_keys(service: str) -> str:
    """The keys with which a service seals identity numbers; kept, because sealed data outlives the process."""
    made = places.kept(places.KEYS / "sealing.json", _new_sealing_keys)
    return json.dumps(json.loads(made)[service])


def _new_sealing_keys() -> bytes:
    def key() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    made = {service: {"current": "k1", "keys": {"k1": key()}, "lookup": key()} for service in places.SERVICES}
    return json.dumps(made, indent=1).encode()
