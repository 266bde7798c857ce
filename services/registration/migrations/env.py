"""Alembic's entry for registration."""

from services.registration.settings import Settings
from services.registration.tables import metadata
from shared import migrations

migrations.run(metadata, Settings().database_url)
