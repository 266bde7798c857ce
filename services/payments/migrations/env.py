"""Alembic's entry for payments."""

from services.payments.settings import Settings
from services.payments.tables import metadata
from shared import migrations

migrations.run(metadata, Settings().database_url)
