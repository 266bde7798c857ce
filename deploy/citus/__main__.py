"""`make citus`: writes `deploy/citus/<service>.sql`, which distributes the service's tables over a Citus cluster."""

import argparse
import sys
from pathlib import Path

from deploy.local import places

from .tables import script

FOLDER = Path(__file__).parent


def main() -> int:
    """Write all of them."""
    argparse.ArgumentParser(prog="python -m deploy.citus", description=__doc__).parse_args()
    for service in places.SERVICES:
        path = FOLDER / f"{service}.sql"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before != script(service):
            path.write_text(script(service), encoding="utf-8")
            print(f"{path.relative_to(places.ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
