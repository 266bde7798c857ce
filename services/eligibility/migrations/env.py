"""Alembic's entry for eligibility."""

from services.eligibility.settings import Settings
from services.eligibility.tables import metadata
from shared import migrations

migrations.run(metadata, Settings().database_url)
