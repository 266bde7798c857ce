"""`make openapi`: writes each service's openapi.json, as its application describes itself, and the package language."""

import argparse
import importlib
import json
import sys
from pathlib import Path

from deploy.local import places
from services.registration.formats.schema import schema_text

PACKAGE_LANGUAGE = places.ROOT / "services" / "registration" / "packages" / "package.schema.json"
"""The committed JSON Schema of package files, to which their first line points."""


def path_of(service: str) -> Path:
    """Where the committed description of a service lies."""
    return places.ROOT / "services" / service / "openapi.json"


def document(service: str) -> str:
    """The description of a service's API, as its application gives it: JSON with its line end."""
    application = importlib.import_module(f"services.{service}.app").create_app()
    return json.dumps(application.openapi(), ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """Write all of them, or say which differ (`--check`)."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not up to date")
    check = parser.parse_args().check
    stale = 0
    described = [(path_of(service), document(service)) for service in places.SERVICES]
    for path, made in [*described, (PACKAGE_LANGUAGE, schema_text())]:
        if path.exists() and path.read_text(encoding="utf-8") == made:
            continue
        stale += 1
        print(f"{path.relative_to(places.ROOT)} {'is not up to date' if check else 'written'}")
        if not check:
            path.write_text(made, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
