"""The end of the season: what the services say came of it, and whether the books close.

Every figure is asked of the services; the driver adds nothing to them but the zeros of channels that carried nothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .wire import Wire

CHANNELS = ("wechat", "bank", "etax", "counter", "agent")
_BY = "auditor"
_SERVICES = ("eligibility", "registration", "payments", "refunds")
_RECONCILED = ("statements", "lines", "matched", "exceptions_opened", "exceptions_open")
_FOUR_WAYS = ("money", "heads", "roster", "receipts")


@dataclass(frozen=True)
class Books:
    """The contents of season.json but for its seconds, what broke of the invariants, and what was left undone."""

    figures: dict[str, Any]
    broken: list[str]
    undone: list[str]


async def read_books(wire: Wire, scheme: str, residents: int, seed: int, lag: int) -> Books:
    """Ask all services for their figures. `lag`: events that some service has not followed."""
    progress = (await wire.get("registration", _BY, "/v1/progress", pool=wire.pool, scheme=scheme)).body
    money = (await wire.get("payments", _BY, "/v1/summary", pool=wire.pool, scheme=scheme)).body
    four_way = (await wire.get("payments", _BY, "/v1/four-way", pool=wire.pool, scheme=scheme)).body
    reconciled = (await wire.get("payments", _BY, "/v1/reconciliation", pool=wire.pool)).body
    refunds = (await wire.get("refunds", _BY, "/v1/summary", pool=wire.pool, scheme=scheme)).body
    checked, broken = await _invariants(wire)
    by_channel = money["collected"]["by_channel"]
    figures = {
        "scheme": scheme,
        "residents": residents,
        "seed": seed,
        "enrolment": {name: progress[name] for name in ("expected", "enrolled", "refused", "newborns")},
        "assessed": {name: progress["assessed"][name] for name in ("count", "standard_fen", "by_payer_fen")},
        "collected": {
            "count": money["collected"]["count"],
            "amount_fen": money["collected"]["amount_fen"],
            "by_channel": {
                channel: {name: by_channel.get(channel, {}).get(name, 0) for name in ("count", "amount_fen")}
                for channel in CHANNELS
            },
        },
        "receipts": {name: money["receipts"][name] for name in ("issued", "voided", "gaps", "duplicates")},
        "refunds": {name: refunds[name] for name in ("requested", "paid", "refused", "amount_fen")},
        "reconciliation": {name: reconciled[name] for name in _RECONCILED},
        "funds": {
            **{
                name: money["funds"][name]
                for name in ("ledger_sum_fen", "special_account_fen", "claims_due_fen", "claims_received_fen")
            },
            "four_way": {name: four_way[name] for name in _FOUR_WAYS},
        },
        "events": {"lag": lag},
        "invariants": {"checked": checked, "broken": len(broken)},
    }
    return Books(figures, broken, _undone(money["funds"], refunds))


async def _invariants(wire: Wire) -> tuple[int, list[str]]:
    """How many invariants there are, and those that are broken, with a sample."""
    checked, broken = 0, []
    for service in _SERVICES:
        findings = (await wire.get(service, _BY, "/v1/invariants")).body["items"]
        checked += len(findings)
        broken += [
            f"{service}: {finding['name']} ({finding['found']}: {', '.join(finding['sample'])})"
            for finding in findings
            if finding["found"]
        ]
    return checked, broken


def _undone(funds: dict[str, int], refunds: dict[str, int]) -> list[str]:
    """Money that is not where it belongs yet, and refunds that have no end."""
    found = [f"{name} is {funds[name]}, not 0" for name in ("held_fen", "surplus_fen", "suspense_fen") if funds[name]]
    waiting = refunds["requested"] - refunds["paid"] - refunds["refused"]
    return [*found, f"{waiting} refunds have no end"] if waiting else found


def why_open(figures: dict[str, Any]) -> list[str]:
    """Why the books do not close; empty where they do."""
    funds, collected = figures["funds"], figures["collected"]
    zeros = {
        "exceptions_open": figures["reconciliation"]["exceptions_open"],
        "ledger_sum_fen": funds["ledger_sum_fen"],
        "gaps": figures["receipts"]["gaps"],
        "duplicates": figures["receipts"]["duplicates"],
        "lag": figures["events"]["lag"],
        "broken": figures["invariants"]["broken"],
    }
    found = [f"{name} is {value}, not 0" for name, value in zeros.items() if value != 0]
    found += [f"four_way.{name} is false" for name, agrees in funds["four_way"].items() if agrees is not True]
    due_fen = collected["amount_fen"] - figures["refunds"]["amount_fen"] + funds["claims_received_fen"]
    if funds["special_account_fen"] != due_fen:
        found.append(f"special_account_fen is {funds['special_account_fen']}, not {due_fen}")
    for name in ("count", "amount_fen"):
        if sum(channel[name] for channel in collected["by_channel"].values()) != collected[name]:
            found.append(f"collected.by_channel does not sum to collected.{name}")
    return found


def write_season(path: Path, figures: dict[str, Any], seconds: dict[str, float]) -> None:
    """Write season.json."""
    content = {**figures, "seconds": {name: round(value, 1) for name, value in seconds.items()}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
