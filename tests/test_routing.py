"""Ready for more than one machine: tables are distributed by pool, keys hold it, statements are routed by it.

The statements are those that the stores can send (`tests/store_texts.py`), read by a parser (`tests/routing.py`); that
Citus sees it the same way is tried by `tests/test_citus.py` where there is a cluster.
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest
from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint

from deploy.citus.tables import ANCHOR, in_order, metadata_of, script
from tests import store_texts
from tests.citus import ON_ONE_POSTGRES
from tests.routing import uses
from tests.suite import ORDER, ROOT

SEVERAL_POOLS: Mapping[str, Sequence[str]] = {
    "a job looks in every pool for what waits, and goes on pool by pool": (
        "eligibility.store.feeds.working_feeds",
        "eligibility.store.merges.merges_to_settle",
        "eligibility.store.persons.unhashed_persons",
        "eligibility.store.persons.set_name_hashes",
        "eligibility.store.supplier_keys.forget_nonces",
        "payments.store.batches.waiting_batches",
        "payments.store.breaks.mark_overdue",
        "payments.store.channel_files.first_day_of_bank",
        "payments.store.channel_files.first_paid",
        "payments.store.matching.unaccounted_days",
        "payments.store.messages.waiting_messages",
        "payments.store.orders.live_orders_by_channel",
        "payments.store.orders.pools_with_live_orders",
        "payments.store.refunds.pool_with_due_refund",
        "payments.store.bills.pools_of_bills",
        "payments.store.statements.due_statements",
        "payments.store.statements.waiting_statements",
        "payments.store.stock.books_without_numbers",
        "payments.store.stock.day_to_prove",
        "payments.store.tax_assessments.lease_batch",
        "payments.store.treasury_refunds.answered_packages",
        "payments.store.treasury_refunds.lease_package",
        "payments.store.treasury_refunds.pools_with_waiting",
        "payments.store.withholding_returns.waiting_returns",
        "refunds.store.pool_with_open_payout",
        "shared.rotation.store.pools",
        "shared.rotation.store.walks",
        "shared.webhooks.store.due_webhooks",
        "shared.webhooks.store.forget",
    ),
    "the keys of a service are those of all its pools": (
        "shared.rotation.store.has_unknown_hash",
        "shared.rotation.store.keys_in_use",
    ),
    "where every feed stands, a row a pool": (
        "shared.chain.verify",
        "shared.events.read_heads",
        "shared.events.states",
    ),
    "a scheme is asked for by its name, and packages are few": (
        "registration.store.packages.find_conflict",
        "registration.store.packages.find_in_force",
        "registration.store.packages.find_source",
        "registration.store.packages.find_version",
        "registration.store.packages.list_in_force",
        "registration.store.packages.list_pools",
        "registration.store.packages.list_versions",
        "registration.store.packages.lock_versions",
    ),
    "fiscal numbers are unique over all pools": (
        "payments.store.receipts.find_by_fiscal_number",
        "payments.store.stock.claim_fiscal_numbers",
        "payments.store.stock.prove_day",
    ),
    "the tax terminal names a person and no pool": ("payments.store.bills.open_bills_of",),
    "channels name pools in one file, or money whose pool nobody can tell (000000)": (
        "payments.store.matching.collections_by_reference",
    ),
    "a treasury posts for several pools under one voucher, and money of pool 000000 may stand under it": (
        "payments.store.treasury.list_vouchers",
        "payments.store.treasury.pools_about",
        "payments.store.treasury.times_of",
        "payments.store.treasury.voucher_news",
        "payments.store.treasury_checks.list_collection_differences",
        "payments.store.treasury_refunds.lock_waiting",
    ),
    "the rows of a chain carry the pool of their head": ("shared.chain._store",),
}
"""Functions with a statement about more than one pool, by the reason. A new one needs a reason that is as good."""

TABLES = [table for service in ORDER for table in metadata_of(service).tables.values()]
KNOWN = {name for names in SEVERAL_POOLS.values() for name in names}


def _texts() -> Iterator[tuple[store_texts.Text, Sequence[str]]]:
    everywhere = in_order(ORDER[0])
    for module in store_texts.shared_modules():
        yield from ((text, everywhere) for text in store_texts.texts(module))
    for service in ORDER:
        for module in store_texts.modules(service):
            yield from ((text, in_order(service)) for text in store_texts.texts(module))


def _holders(sql: str, tables: Sequence[str]) -> dict[str, list[str]]:
    """The tables of a statement, each with what holds its pools."""
    held: dict[str, list[str]] = {}
    for use in uses(sql, tables):
        held.setdefault(use.table, []).append(" = ".join(sorted(use.pool.fixed())) or "nothing")
    return held


def _is_of_one_pool(held: Mapping[str, Sequence[str]]) -> bool:
    holders = {holder for each in held.values() for holder in each}
    return not holders or (len(holders) == 1 and "nothing" not in holders)


def test_every_statement_is_routed_by_pool_or_has_a_reason() -> None:
    wrong = []
    for text, tables in _texts():
        name = text.function.removeprefix("services.")
        held = _holders(text.sql, tables)
        if name not in KNOWN and not _is_of_one_pool(held):
            loose = ", ".join(f"{table} by {' and '.join(by)}" for table, by in held.items())
            wrong.append(f"{name} ({text.place}): {loose}\n    {text.sql.strip()}")
    assert not wrong, (
        "These statements do not name one pool for each of their tables. A query inside a query has to say "
        "`pool = :pool` itself, unless it is a condition such as `and not exists (…)`; what is joined is joined by "
        "`pool` too. Where several pools are meant, name the function and the reason in SEVERAL_POOLS.\n"
        + "\n".join(wrong)
    )


def test_no_statement_locks_rows_of_several_pools() -> None:
    """Citus cannot, and two of them would wait for one another in a ring."""
    locking = re.compile(r"\bfor (no key )?(update|share)\b")
    wrong = [
        f"{text.function} ({text.place})"
        for text, tables in _texts()
        if locking.search(text.sql) and not _is_of_one_pool(_holders(text.sql, tables))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_reason_is_given_for_what_is_routed() -> None:
    several = {
        text.function.removeprefix("services.")
        for text, tables in _texts()
        if not _is_of_one_pool(_holders(text.sql, tables))
    }
    assert KNOWN - several == set()


def test_what_the_stores_are_given_is_something_they_take() -> None:
    takes: dict[str, set[str]] = {}
    for module in (*store_texts.shared_modules(), *(one for each in ORDER for one in store_texts.modules(each))):
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            parameters = set(inspect.signature(function).parameters)
            takes[f"{module.__name__}.{name}"] = parameters
            takes[module.__name__] = takes.get(module.__name__, set()) | parameters
    assert {name for name, given in store_texts.GIVEN.items() if given.keys() - takes.get(name, set())} == set()


def test_what_is_skipped_on_a_cluster_is_a_test() -> None:
    named = re.compile(r"def (test_\w+)")
    tests = {name for path in (ROOT / "tests").glob("test_*.py") for name in named.findall(path.read_text("utf-8"))}
    assert ON_ONE_POSTGRES.keys() - tests == set()


@pytest.mark.parametrize(
    ("sql", "held"),
    [
        ("select 1 from bill where pool = :pool and x = 1", {"bill": [":pool"]}),
        ("select 1 from bill where x = 1 or pool = :pool", {"bill": ["nothing"]}),
        ("select 1 from bill where pool = any(cast(:pools as text[]))", {"bill": ["nothing"]}),
        (
            "select 1 from bill as b left join receipt as r on r.pool = b.pool and r.x = b.x where b.pool = :pool",
            {"bill": [":pool"], "receipt": [":pool"]},
        ),
        (
            "select 1 from bill as b left join receipt as r on r.x = b.x where b.pool = :pool",
            {"bill": [":pool"], "receipt": ["nothing"]},
        ),
        (
            "select 1 from bill as b join receipt as r on r.pool = :other where b.pool = :pool",
            {"bill": [":pool"], "receipt": [":other"]},
        ),
        (
            "select 1 from bill b where b.pool = :pool and not exists (select 1 from receipt r where r.pool = b.pool)",
            {"bill": [":pool"], "receipt": [":pool"]},
        ),
        (
            "select (select count(*) from receipt as r where r.pool = b.pool) from bill as b where b.pool = :pool",
            {"bill": [":pool"], "receipt": ["nothing"]},
        ),
        (
            "select (select count(*) from receipt as r where r.pool = :pool) from bill as b where b.pool = :pool",
            {"bill": [":pool"], "receipt": [":pool"]},
        ),
        (
            "with b as (select pool from bill) select 1 from b join receipt r on r.pool = b.pool where b.pool = :pool",
            {"bill": [":pool"], "receipt": [":pool"]},
        ),
        (
            "update bill set x = 1 where (pool, n) in (select r.pool, r.n from receipt as r where r.pool = :pool)",
            {"bill": [":pool"], "receipt": [":pool"]},
        ),
        ("insert into bill (pool, x) select :pool, x from unnest(cast(:xs as text[])) as g (x)", {"bill": [":pool"]}),
        (
            "insert into bill (pool, x) select r.pool, r.x from receipt as r where r.pool = :pool",
            {"bill": [":pool"], "receipt": [":pool"]},
        ),
        ("insert into bill (x) values (:x)", {"bill": ["nothing"]}),
        (
            "select 1 from (select pool from bill union all select pool from receipt) as u where u.pool = :pool",
            {"bill": ["nothing"], "receipt": ["nothing"]},
        ),
    ],
)
def test_the_reader_of_statements_sees_what_holds_a_pool(sql: str, held: dict[str, list[str]]) -> None:
    assert _holders(sql, ["bill", "receipt"]) == held


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_begins_with_its_pool_and_every_key_holds_it(table: Table) -> None:
    assert next(iter(table.c)).name == "pool"
    assert not table.c.pool.nullable
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            assert "pool" in constraint.columns, constraint.name
        if isinstance(constraint, ForeignKeyConstraint):
            pairs = {element.parent.name: element.column.name for element in constraint.elements}
            assert pairs.get("pool") == "pool", constraint.name
    for index in table.indexes:
        if index.unique:
            assert "pool" in [column.name for column in index.columns], index.name


@pytest.mark.parametrize("service", ORDER)
def test_every_table_is_distributed_after_those_it_refers_to(service: str) -> None:
    text = (ROOT / "deploy" / "citus" / f"{service}.sql").read_text(encoding="utf-8")
    assert text == script(service), "make citus"
    order = in_order(service)
    assert order[0] == ANCHOR
    assert sorted(order) == sorted(metadata_of(service).tables)
    for table in metadata_of(service).tables.values():
        for key in table.foreign_key_constraints:
            assert order.index(key.referred_table.name) <= order.index(table.name)
