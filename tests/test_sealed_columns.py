"""No sealed column is forgotten when keys are changed, and each is opened for what it was sealed."""

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from services.payments.usecases import SEALED
from shared.codes import Channel
from shared.rotation.columns import SealedColumn, shared_columns
from shared.rotation.walking import Rotation
from shared.sealing import Sealer
from tests.bank_town import open_town
from tests.payments_town import issue_bills
from tests.statements_town import Desk, book, paid, tax_list
from tests.suite import ORDER, SEALING_KEYS, InProcessSuite
from tests.test_treasury_refunds import ordered, posted_twice
from tests.test_unionpay_money import bill, channel_keys, surplus, town
from tests.treasury_town import open_treasury
from tests.unionpay_town import UnionPayTown
from tests.withholding_town import Desk as WithholdingDesk

__all__ = ["bill", "channel_keys", "town"]  # fixtures

NOT_SEALED = {
    *("chain_head.hash", "event.hash", "audit_line.hash", "idempotency_key.request_hash"),
    *("bank_journal.content_hash", "bank_check.content_hash", "statement_row.digest"),
    *("package_version.content", "package_version.source"),
    *("tax_event.content", "tax_conflict.content", "tax_nonce.content"),
}
"""Columns of bytes that are hashes, or hold no personal data."""


@pytest.mark.parametrize("service", ORDER)
def test_every_column_of_bytes_is_sealed_or_known_not_to_be(service: str) -> None:
    metadata = import_module(f"services.{service}.tables").metadata
    sealed = getattr(import_module(f"services.{service}.usecases"), "SEALED", shared_columns(metadata))
    walked = {column.subject for column in sealed}
    walked |= {f"{column.table.name}.{column.hashed.column}" for column in sealed if column.hashed}
    found = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert found - NOT_SEALED == walked, "seal it and name it in usecases/sealed.py, or say here that it needs none"


def test_what_needs_no_sealing_is_a_column_of_bytes() -> None:
    tables = [
        table for service in ORDER for table in import_module(f"services.{service}.tables").metadata.sorted_tables
    ]
    of_bytes = {
        f"{one.table.name}.{one.name}" for table in tables for one in table.c if isinstance(one.type, LargeBinary)
    }
    assert NOT_SEALED - of_bytes == set()


def keys_after() -> tuple[str, str]:
    """The keys of the suite with another beside it, and that one alone."""
    before = json.loads(SEALING_KEYS)
    new = {"new": base64.b64encode(b"n" * 32).decode()}
    both = before | {"current": "new", "keys": before["keys"] | new}
    return json.dumps(both), json.dumps(both | {"keys": new})


async def brought_over(suite: InProcessSuite) -> Mapping[str, int]:
    """Change the keys of payments, open everything with the new one alone; how many values each column has."""
    both, alone = (Sealer.from_setting(keys) for keys in keys_after())
    database = suite.apps["payments"].state.database
    rotation = Rotation("payments", database, suite.clock, both, SEALED, timedelta(days=7))
    await rotation.walk()
    counts = {column.subject: await opened(database, column, alone) for column in SEALED}
    # What follows in a test goes on with the keys that it began with.
    back = Sealer.from_setting(reversed_keys())
    await Rotation("payments", database, suite.clock, back, SEALED, timedelta(days=7)).walk()
    return {subject: count for subject, count in counts.items() if count}


def reversed_keys() -> str:
    """Back to the keys of the suite: the new one is the older one now."""
    before, both = json.loads(SEALING_KEYS), json.loads(keys_after()[0])
    return json.dumps(before | {"keys": {"new": both["keys"]["new"]} | before["keys"]})


async def opened(database: Any, column: SealedColumn, sealer: Sealer) -> int:
    """Open every value of a column; how many there were."""
    async with database.reading() as tx:
        rows = await tx.rows(f"select * from {column.table.name} where {column.only} and {column.column} is not null")
    for row in rows:
        if row[column.column][0]:  # parts of files lie under the file's own key
            sealer.open(row[column.column], column.context(row))
    return len(rows)


async def test_accounts_of_refunds_and_the_lines_that_were_sent(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as treasury:
        for one in await posted_twice(treasury, 2):
            assert (await ordered(treasury, one)).status_code == 201
        await treasury.work()
        found = await brought_over(treasury.suite)
        assert (found["refund_account.sealed"], found["refund_package_item.sealed"]) == (2, 2)


async def test_messages_with_card_numbers_lines_of_statements_and_files(town: UnionPayTown, bill: Any) -> None:
    await surplus(town, bill)
    desk = Desk(town.suite)
    told = paid(Channel.ETAX, await issue_bills(town.suite, [100, 200]))
    await book(town.suite, told)
    await desk.bring(Channel.ETAX, tax_list(told))
    found = await brought_over(town.suite)
    assert found["channel_message.body"] >= 1
    assert found["statement_row.raw"] == 2
    assert found["evidence.key_sealed"] == 1


async def test_accounts_of_agreements(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv) as bank:
        await WithholdingDesk(bank).sign(await issue_bills(bank.suite, [32000, 32000]))
        assert (await brought_over(bank.suite))["agreement.account"] == 2
