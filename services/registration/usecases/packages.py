"""Packages: drafted by one person, published by another, immutable from then on."""

from collections.abc import Mapping
from typing import Any

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.problem import FieldError
from shared.tokens import Caller

from ..formats.package import PackageFaulty, load_package, read_package
from ..rules import Package
from ..schemas.problems import FOUR_EYES, PACKAGE_FAULTY, PACKAGE_UNKNOWN, SCHEME_CONFLICT, SCHEME_UNKNOWN
from ..schemas.schemes import PackageOut
from ..store import packages as store
from .registration import Registration, window_body


async def draft_package(service: Registration, caller: Caller, once: Once, raw: bytes) -> Answer:
    """Check a package file and keep it as a draft; the same content again is the same version.

    Raises Problem PACKAGE_FAULTY with every fault, AREA_FORBIDDEN, SCHEME_CONFLICT.
    """
    try:
        read = read_package(raw)
    except PackageFaulty as error:
        faults = [FieldError(pointer=fault.pointer, code=fault.code, detail=fault.detail) for fault in error.faults]
        raise PACKAGE_FAULTY(errors=faults, count=len(faults)) from error
    package = read.package
    caller.require_pool(package.pool)
    now = service.clock.now()

    async def keep(tx: Writer) -> Answer:
        conflict = await store.find_conflict(tx, package.pool, package.scheme, package.benefit_year)
        if conflict:
            raise SCHEME_CONFLICT(pool=conflict["pool"], year=conflict["benefit_year"], other=conflict["scheme"])
        draft = {
            "pool": package.pool,
            "scheme": package.scheme,
            "version": package.version,
            "state": "draft",
            "benefit_year": package.benefit_year,
            "content": read.content,
            "source": raw,
            "drafted_by": caller.subject,
            "drafted_at": now,
        }
        await store.insert_draft(tx, draft)
        named = {"scheme": package.scheme, "version": package.version}
        tx.audit(package.pool, "package.drafted", caller.client_id, caller.subject, now, [], named)
        return Answer(201, await _version(tx, package.scheme, package.version))

    return await once.run(service.database, package.pool, keep)


async def publish_package(service: Registration, caller: Caller, scheme: str, version: str) -> dict[str, Any]:
    """Publish a draft; a version already published is answered as it stands.

    The version in the address is the hash of the content, so it takes no If-Match. Raises Problem PACKAGE_UNKNOWN,
    AREA_FORBIDDEN, FOUR_EYES where the person drafted it.
    """
    async with service.database.writing() as tx:
        found = await store.lock_version(tx, scheme, version)
        if found is None:
            raise PACKAGE_UNKNOWN(scheme=scheme, version=version)
        caller.require_pool(found["pool"])
        if found["state"] == "published":
            return _shown(found)
        if found["drafted_by"] == caller.subject:
            raise FOUR_EYES(person=caller.subject)
        # From here it must succeed.
        now = service.clock.now()
        await store.publish(tx, found["pool"], scheme, version, caller.subject, now)
        named = {"scheme": scheme, "version": version}
        tx.audit(found["pool"], "package.published", caller.client_id, caller.subject, now, [], named)
        return await _version(tx, scheme, version)


async def read_scheme(service: Registration, scheme: str) -> dict[str, Any]:
    """The version of a scheme in force. Raises Problem SCHEME_UNKNOWN."""
    async with service.database.reading() as tx:
        found = await store.find_in_force(tx, scheme)
    if found is None:
        raise SCHEME_UNKNOWN(scheme=scheme)
    return _scheme(found)


async def list_schemes(service: Registration, after: str, limit: int) -> dict[str, Any]:
    """Every published scheme, by code."""
    async with service.database.reading() as tx:
        rows = await store.list_in_force(tx, after=after, limit=limit)
    return page([_scheme(row) for row in rows], limit, lambda row: row["scheme"])


async def _version(tx: Writer, scheme: str, version: str) -> dict[str, Any]:
    found = await store.find_version(tx, scheme, version)
    assert found is not None
    return _shown(found)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return PackageOut.body_of({**row, "title": load_package(bytes(row["content"])).title})


def _scheme(row: Mapping[str, Any]) -> dict[str, Any]:
    package = load_package(bytes(row["content"]))
    return {
        "scheme": package.scheme,
        "pool": package.pool,
        "benefit_year": package.benefit_year,
        "version": package.version,
        "title": package.title,
        "window": window_body(package.window),
        "cover": {"from": package.cover.starts_on, "to": package.cover.ends_on},
        "refund": _refund(package),
        "published_at": row["published_at"],
    }


def _refund(package: Package) -> dict[str, Any] | None:
    refund = package.refund
    if refund is None:
        return None
    return {
        "window_from": refund.window.starts_on,
        "window_to": refund.window.ends_on,
        "grounds": list(refund.grounds),
        "rules": {"outside_window": refund.window_rules, **refund.grounds},
        "person_decides": sorted(refund.person_decides),
    }
