"""`make migrate`: brings the databases of the suite to the newest migration, all in one process to save seconds."""

import argparse
import os
import sys
from collections.abc import Mapping

from alembic import command
from alembic.config import Config

from deploy.local import places
from deploy.local.databases import suite_databases


def migrate(databases: Mapping[str, str]) -> None:
    """Upgrade each service's database (service → URL). Raises what Alembic raises."""
    for service, url in databases.items():
        os.environ[f"{service.upper()}_DATABASE_URL"] = url
        # Like `alembic -n <service> upgrade head`.
        command.upgrade(Config(places.ROOT / "alembic.ini", ini_section=service), "head")


def main() -> int:
    """Migrate the databases named in the environment, or else those of the suite, running or not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.migrate", description=__doc__)
    parser.parse_args()
    given = {name: os.environ.get(f"{name.upper()}_DATABASE_URL", "") for name in places.SERVICES}
    if all(given.values()):
        migrate(given)
    else:
        with suite_databases() as databases:
            migrate(databases)
    return 0


if __name__ == "__main__":
    sys.exit(main())
