"""What the use cases work with, and the look-ups that most of them begin with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.clock import Clock
from shared.database import Database, Reader
from shared.sealing import Sealer
from shared.tokens import Caller

from ..clients import EligibilityClient
from ..formats.package import load_package
from ..rules import Package, Window, merged
from ..schemas.problems import SCHEME_UNKNOWN, UNIT_UNKNOWN
from ..settings import Settings
from ..store import packages as package_store
from ..store import units as unit_store


@dataclass(frozen=True)
class Registration:
    """The service's parts, joined by `app.py`."""

    settings: Settings
    database: Database
    clock: Clock
    eligibility: EligibilityClient
    keys: Sealer | None

    @property
    def sealer(self) -> Sealer:
        """What seals the rosters. Raises RuntimeError without keys: such an application can only describe itself."""
        if self.keys is None:
            raise RuntimeError("REGISTRATION_SEALING_KEYS is not set")
        return self.keys


async def package_in_force(tx: Reader, scheme: str) -> Package | None:
    """The published package of a scheme, whatever its pool."""
    found = await package_store.find_in_force(tx, scheme)
    return load_package(bytes(found["content"])) if found else None


async def package_of_pool(tx: Reader, pool: str, scheme: str) -> Package:
    """The published package of a pool's scheme. Raises Problem SCHEME_UNKNOWN."""
    package = await package_in_force(tx, scheme)
    if package is None or package.pool != pool:
        raise SCHEME_UNKNOWN(scheme=scheme)
    return package


async def package_of_version(tx: Reader, scheme: str, version: str) -> Package:
    """The very package that an assessment was made by, whatever was published since."""
    found = await package_store.find_version(tx, scheme, version)
    assert found is not None
    return load_package(bytes(found["content"]))


async def versions_of(tx: Reader, pool: str, scheme: str) -> list[tuple[Package, date | None]]:
    """Every version that was ever in force of a scheme, the newest first, with the day from which it counts."""
    rows = await package_store.list_published(tx, pool, scheme)
    return [(load_package(bytes(row["content"])), row["counts_from"]) for row in rows]


def governing(versions: Sequence[tuple[Package, date | None]], paid_on: date | None) -> Package:
    """The version by which somebody is judged: the one in force, but for who paid before it counted an earlier one."""
    return next(
        package for package, counts_from in versions if paid_on is None or counts_from is None or paid_on >= counts_from
    )


async def unit_for(tx: Reader, caller: Caller, pool: str, unit_code: str) -> Mapping[str, Any]:
    """A unit inside the caller's area. Raises Problem UNIT_UNKNOWN, AREA_FORBIDDEN."""
    unit = await unit_store.find_unit(tx, pool, unit_code)
    if unit is None:
        raise UNIT_UNKNOWN(unit_code=unit_code)
    caller.require_region(unit["region"])
    return unit


def window_body(window: Window) -> dict[str, Any]:
    """When payment is taken, as others are told."""
    return {
        "from": window.opens_on,
        "to": window.closes_on,
        "first_day": window.first_day,
        "last_day": window.last_day,
        "rules": merged(window.opens_rules, window.closes_rules),
        "day_rules": window.mask_rules,
    }
