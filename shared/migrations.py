"""What every service's `migrations/env.py` does: run its migrations over asyncpg, one transaction for all of them."""

import asyncio

from alembic import context
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


def run(metadata: MetaData, database_url: str) -> None:
    """Migrate the database, or print the SQL with `--sql`."""
    if context.is_offline_mode():
        context.configure(
            url=database_url, target_metadata=metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    asyncio.run(_migrate(metadata, database_url))


async def _migrate(metadata: MetaData, database_url: str) -> None:
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_on_connection, metadata)
        await connection.commit()
    await engine.dispose()


def _on_connection(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
