"""Alembic's entry for refunds."""

from services.refunds.settings import Settings
from services.refunds.tables import metadata
from shared import migrations

migrations.run(metadata, Settings().database_url)
