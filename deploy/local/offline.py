"""An example of a telephone in the field: it keeps a key, signs ledger lines without network, and makes the file that
is brought to `POST /v1/ledgers/{ledger_id}/batches`. What is signed stands in services/payments/formats/ledgers.py, the
file in formats/ledger_batches.py.

    python -m deploy.local.offline key phone.key            make the key once; prints what is registered of it
    python -m deploy.local.offline sign phone.key --pool 140522 --ledger-id … --agent agent-zhang --batch-no 1 \\
        lines.jsonl batch.jsonl

`lines.jsonl` holds a line as JSON in each row, without signatures: what the agent has written down. `signed_at` is when
agent and payer signed, `payer` who signed as payer of a contrary line, `payer_image` where the image of the payer's
signature lies; a payer without one has signed on the telephone.
"""

import argparse
import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .season.signing import Device

_ABOUT = ("signed_at", "payer", "payer_image")


def main(arguments: list[str] | None = None) -> int:
    """Make a key, or a signed batch."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.offline", description="Sign ledger lines offline.")
    commands = parser.add_subparsers(dest="command", required=True)
    key = commands.add_parser("key", help="make a key, or show the public half of one")
    key.add_argument("key", type=Path)
    sign = commands.add_parser("sign", help="sign lines and make a batch of them")
    sign.add_argument("key", type=Path)
    for name in ("--pool", "--ledger-id", "--agent", "--batch-no"):
        sign.add_argument(name, required=True)
    sign.add_argument("lines", type=Path)
    sign.add_argument("batch", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "key":
        print(_device(given.key).public_key)
        return 0
    device = _device(given.key)
    lines = [
        _signed(device, given, json.loads(row)) for row in given.lines.read_text(encoding="utf-8").splitlines() if row
    ]
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    given.batch.write_bytes(
        device.signed_batch(
            given.pool, given.ledger_id, lines, agent=given.agent, batch_no=given.batch_no, made_at=made_at
        )
    )
    print(f"{len(lines)} lines signed in {given.batch}")
    return 0


def _device(path: Path) -> Device:
    """The device whose secret lies in a file; a new one where there is none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    return Device(path.read_text(encoding="ascii").strip())


def _signed(device: Device, given: argparse.Namespace, row: dict[str, Any]) -> dict[str, Any]:
    line = {name: value for name, value in row.items() if name not in _ABOUT}
    return device.signed_line(
        given.pool,
        given.ledger_id,
        line,
        agent=given.agent,
        payer=row.get("payer") or line.get("payer_name"),
        signed_at=row["signed_at"],
        payer_image=row.get("payer_image"),
    )


if __name__ == "__main__":
    sys.exit(main())
