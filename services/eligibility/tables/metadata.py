"""The metadata that all tables of eligibility are declared in."""

from sqlalchemy import MetaData

from shared.tables import add_shared_tables

metadata = MetaData()
add_shared_tables(metadata)
