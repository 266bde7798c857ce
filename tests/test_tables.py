"""The tables that `tables` describes are those that the migrations make: columns, keys, checks and indexes alike."""

import re
from importlib import import_module

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.suite import ORDER

_PARTS = """
select format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attnotnull then 'not null' end, pg_get_expr(d.adbin, d.adrelid)) as part
from pg_attribute a join pg_class c on c.oid = a.attrelid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relnamespace = '{0}'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
union all
select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
where connamespace = '{0}'::regnamespace and contype <> 'n'
union all
select indexdef from pg_indexes where schemaname = '{0}'
"""


async def parts(connection: AsyncConnection, schema: str) -> set[str]:
    """What stands in a schema, each thing as one line that does not name the schema."""
    await connection.execute(text(f"set local search_path to {schema}"))
    found = (await connection.execute(text(_PARTS.format(schema)))).scalars().all()
    plain = {re.sub(rf"\b{schema}\.", "", part).strip() for part in found}
    return {part for part in plain if "alembic_version" not in part}


@pytest.mark.parametrize("service", ORDER)
async def test_the_migrations_make_what_the_tables_say(databases: dict[str, str], service: str) -> None:
    engine = create_async_engine(databases[service])
    async with engine.connect() as connection:
        migrated = await parts(connection, "public")
        await connection.execute(text("create schema described"))
        await connection.execute(text("set local search_path to described"))
        await connection.run_sync(import_module(f"services.{service}.tables").metadata.create_all, checkfirst=False)
        described = await parts(connection, "described")
        await connection.rollback()
    await engine.dispose()
    assert len(migrated) > 100
    assert sorted(migrated - described) == sorted(described - migrated) == []
