"""Which statements distribute a service's tables over a Citus cluster: all by `pool`, side by side, none left out.

Rows of one pool lie on one node, so a transaction of a pool is a transaction of one node, and joins, foreign keys and
unique constraints work there as they do on one Postgres.
"""

from collections.abc import Iterator
from importlib import import_module

from sqlalchemy import MetaData

ANCHOR = "chain_head"
"""The table that every other one is laid beside: every service has it, and it refers to nothing."""


def metadata_of(service: str) -> MetaData:
    """A service's tables."""
    metadata: MetaData = import_module(f"services.{service}.tables").metadata
    return metadata


def in_order(service: str) -> list[str]:
    """A service's tables, the anchor first, each behind those that it refers to."""
    names = [table.name for table in metadata_of(service).sorted_tables if table.name != ANCHOR]
    return [ANCHOR, *names]


def statements(service: str) -> Iterator[str]:
    """A statement for each table; one that is distributed already is left as it is."""
    for name in in_order(service):
        beside = "none" if name == ANCHOR else ANCHOR
        yield (
            f"select create_distributed_table('{name}', 'pool', colocate_with => '{beside}')\n"
            f"    where not exists (select from pg_dist_partition where logicalrelid = '{name}'::regclass)"
        )


def script(service: str) -> str:
    """The file `deploy/citus/<service>.sql`."""
    head = (
        f"-- Distributes the tables of {service} over a Citus cluster, by pool and side by side. Harmless to repeat:\n"
        "-- after a migration it takes in what is new. Written by `make citus`, held to the tables by the tests.\n"
    )
    return head + "".join(f"\n{statement};\n" for statement in statements(service))
