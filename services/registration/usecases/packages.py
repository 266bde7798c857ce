"""Packages: drafted and validated by one person, published by another, immutable from then on.

A correction is a new version of the same scheme. It says why and from when it counts, takes the place of the one in
force, and sets going that everybody who is enrolled is assessed anew by it (`correcting.py`). An assessment keeps the
version by which it was made.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.problem import FieldError
from shared.tokens import Caller

from ..formats.faults import PackageFault
from ..formats.findings import findings
from ..formats.package import PackageContent, PackageFaulty, load_package, read_package
from ..rules import Package
from ..rules.states import PACKAGE_TRANSITIONS, PackageAct, PackageState
from ..schemas import problems
from ..schemas.schemes import PackageOut, PackageStanding, PackageValidation, PackageWithdrawal
from ..store import package_runs as run_store
from ..store import packages as store
from .registration import Registration, window_body
from .running import CORRECTION, start_run


async def draft_package(service: Registration, caller: Caller, once: Once, raw: bytes) -> Answer:
    """Check a package file and keep it as a draft; the same content again is the same version.

    Raises Problem PACKAGE_FAULTY with every fault, AREA_FORBIDDEN, SCHEME_CONFLICT.
    """
    read = await asyncio.to_thread(_read, raw)  # reading YAML with its places takes a tenth of a second
    package = read.package
    caller.require_pool(package.pool)
    now = service.clock.now()

    async def keep(tx: Writer) -> Answer:
        conflict = await store.find_conflict(tx, package.pool, package.scheme, package.benefit_year)
        if conflict:
            raise problems.SCHEME_CONFLICT(
                pool=conflict["pool"], year=conflict["benefit_year"], other=conflict["scheme"]
            )
        draft = {
            "pool": package.pool,
            "scheme": package.scheme,
            "version": package.version,
            "state": PACKAGE_TRANSITIONS[None, PackageAct.WRITE],
            "benefit_year": package.benefit_year,
            "content": read.content,
            "source": raw,
            "drafted_by": caller.subject,
            "drafted_at": now,
        }
        await store.insert_draft(tx, draft)
        _audit(tx, caller, "package.drafted", draft, now)
        return Answer(201, await _version(tx, package.scheme, package.version))

    return await once.run(service.database, package.pool, keep)


async def validate_package(
    service: Registration, caller: Caller, scheme: str, version: str, told: PackageValidation
) -> dict[str, Any]:
    """Give one's word that a draft is whole; who and when is kept, and may be given anew until it is published.

    The version in the address is the hash of the content, so it takes no If-Match. Raises Problem PACKAGE_UNKNOWN,
    AREA_FORBIDDEN, PACKAGE_STATE, PACKAGE_FAULTY, WARNINGS_UNANSWERED; CORRECTION_UNEXPLAINED, NOTHING_TO_CORRECT.
    """
    async with service.database.writing() as tx:
        versions = await store.lock_versions(tx, scheme)
        found = _named(versions, caller, scheme, version)
        _require_edge(found, PackageAct.VALIDATE)
        source = await store.find_source(tx, scheme, version)
        assert source is not None
        _require_answers(_read(bytes(source["source"])), told)
        corrected = _in_force(versions)
        if corrected and told.correction is None:
            raise problems.CORRECTION_UNEXPLAINED(scheme=scheme)
        if told.correction and corrected is None:
            raise problems.NOTHING_TO_CORRECT(scheme=scheme)
        # From here it must succeed.
        now = service.clock.now()
        correction = told.correction
        kept = {
            "validated_by": caller.subject,
            "validated_at": now,
            "answers": [answer.model_dump() for answer in told.answers],
            "corrects": corrected["version"] if corrected else None,
            "correction_reason": correction.reason if correction else None,
            "counts_from": correction.counts_from if correction else None,
        }
        await store.set_validated(tx, found["pool"], scheme, version, kept)
        _audit(tx, caller, "package.validated", found, now)
        return await _version(tx, scheme, version)


async def publish_package(service: Registration, caller: Caller, scheme: str, version: str) -> dict[str, Any]:
    """Publish a validated version, in place of the one in force; one already published is answered as it stands.

    Everybody who is enrolled is then assessed anew by a correction. Raises Problem PACKAGE_UNKNOWN, AREA_FORBIDDEN,
    PACKAGE_STATE, PACKAGE_NOT_VALIDATED, FOUR_EYES where the person drafted or validated it; PACKAGE_OVERTAKEN,
    CORRECTION_NOT_YET.
    """
    async with service.database.writing() as tx:
        versions = await store.lock_versions(tx, scheme)
        found = _named(versions, caller, scheme, version)
        state = PackageState(found["state"])
        if state in (PackageState.PUBLISHED, PackageState.REPLACED):
            return _shown(found)
        if state is PackageState.DRAFT:
            raise problems.PACKAGE_NOT_VALIDATED()
        _require_edge(found, PackageAct.PUBLISH)
        if caller.subject in (found["drafted_by"], found["validated_by"]):
            raise problems.FOUR_EYES(person=caller.subject)
        corrected = _in_force(versions)
        if found["corrects"] != (corrected["version"] if corrected else None):
            raise problems.PACKAGE_OVERTAKEN(scheme=scheme)
        now = service.clock.now()
        if found["counts_from"] and found["counts_from"] > business_day(now):
            raise problems.CORRECTION_NOT_YET(day=found["counts_from"])
        # From here it must succeed.
        await store.publish(tx, found["pool"], scheme, version, caller.subject, now)
        if corrected:
            # What an earlier correction has left undone the new one does as well.
            await run_store.cancel_corrections(tx, found["pool"], scheme, now)
            run = {"scheme": scheme, "package_scheme": scheme, "package": version, "started_by": caller.subject}
            await start_run(tx, found["pool"], CORRECTION, run, now)
        _audit(tx, caller, "package.published", found, now)
        return await _version(tx, scheme, version)


async def withdraw_package(
    service: Registration, caller: Caller, scheme: str, version: str, told: PackageWithdrawal
) -> dict[str, Any]:
    """Give up a version that was never published; one already withdrawn is answered as it stands.

    Raises Problem PACKAGE_UNKNOWN, AREA_FORBIDDEN, PACKAGE_STATE.
    """
    async with service.database.writing() as tx:
        found = _named(await store.lock_versions(tx, scheme), caller, scheme, version)
        if found["state"] == PackageState.WITHDRAWN:
            return _shown(found)
        _require_edge(found, PackageAct.WITHDRAW)
        # From here it must succeed.
        now = service.clock.now()
        await run_store.cancel_runs_of(tx, found["pool"], scheme, version, now)
        await store.withdraw(tx, found["pool"], scheme, version, by=caller.subject, at=now, reason=told.reason)
        _audit(tx, caller, "package.withdrawn", found, now)
        return await _version(tx, scheme, version)


async def read_package_version(service: Registration, caller: Caller, scheme: str, version: str) -> dict[str, Any]:
    """One version, and how far its correction has come. Raises Problem PACKAGE_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        found = await store.find_version(tx, scheme, version)
        if found is None:
            raise problems.PACKAGE_UNKNOWN(scheme=scheme, version=version)
        caller.require_touch(found["pool"])
        run = await run_store.find_correction(tx, found["pool"], scheme, version)
    title = load_package(bytes(found["content"])).title
    return PackageStanding.body_of({**found, "title": title, "reassessment": run})


async def read_package_source(service: Registration, caller: Caller, scheme: str, version: str) -> bytes:
    """The bytes of a version as they came. Raises Problem PACKAGE_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        found = await store.find_source(tx, scheme, version)
    if found is None:
        raise problems.PACKAGE_UNKNOWN(scheme=scheme, version=version)
    caller.require_touch(found["pool"])
    return bytes(found["source"])


async def list_package_versions(
    service: Registration, caller: Caller, scheme: str, after: str, limit: int
) -> dict[str, Any]:
    """Every version of a scheme with its state, who and when, as drafted one after the other.

    Raises Problem SCHEME_UNKNOWN, AREA_FORBIDDEN.
    """
    async with service.database.reading() as tx:
        rows = await store.list_versions(tx, scheme, after=after, limit=limit)
    if not rows and not after:
        raise problems.SCHEME_UNKNOWN(scheme=scheme)
    for row in rows:
        caller.require_touch(row["pool"])
    return page([_shown(row) for row in rows], limit, lambda row: row["version"])


async def read_scheme(service: Registration, scheme: str) -> dict[str, Any]:
    """The version of a scheme in force. Raises Problem SCHEME_UNKNOWN."""
    async with service.database.reading() as tx:
        found = await store.find_in_force(tx, scheme)
    if found is None:
        raise problems.SCHEME_UNKNOWN(scheme=scheme)
    return _scheme(found)


async def list_schemes(service: Registration, after: str, limit: int) -> dict[str, Any]:
    """Every published scheme, by code."""
    async with service.database.reading() as tx:
        rows = await store.list_in_force(tx, after=after, limit=limit)
    return page([_scheme(row) for row in rows], limit, lambda row: row["scheme"])


def _read(raw: bytes) -> PackageContent:
    try:
        return read_package(raw)
    except PackageFaulty as error:
        raise problems.PACKAGE_FAULTY(errors=_placed(error.faults), count=len(error.faults)) from error


def _require_answers(read: PackageContent, told: PackageValidation) -> None:
    """Everything that does not fit together has its answer. Raises Problem WARNINGS_UNANSWERED."""
    answered = {(answer.pointer, answer.code) for answer in told.answers}
    found = findings(read.file, read.package, read.marked)
    left = [one for one in found if (one.pointer, one.code) not in answered]
    if left:
        raise problems.WARNINGS_UNANSWERED(errors=_placed(left), count=len(left))


def _placed(found: Sequence[PackageFault]) -> list[FieldError]:
    return [FieldError.in_file(one.pointer, one.code, (one.detail, one.english), one.line, one.column) for one in found]


def _named(versions: Sequence[Row], caller: Caller, scheme: str, version: str) -> Row:
    """The version that is meant, which the caller may move. Raises Problem PACKAGE_UNKNOWN, AREA_FORBIDDEN."""
    found = next((row for row in versions if row["version"] == version), None)
    if found is None:
        raise problems.PACKAGE_UNKNOWN(scheme=scheme, version=version)
    caller.require_pool(found["pool"])
    return found


def _in_force(versions: Sequence[Row]) -> Row | None:
    return next((row for row in versions if row["state"] == PackageState.PUBLISHED), None)


def _require_edge(found: Row, act: PackageAct) -> None:
    if (PackageState(found["state"]), act) not in PACKAGE_TRANSITIONS:
        raise problems.PACKAGE_STATE(state=found["state"])


def _audit(tx: Writer, caller: Caller, action: str, row: Mapping[str, Any], now: datetime) -> None:
    named = {"scheme": row["scheme"], "version": row["version"]}
    tx.audit(row["pool"], action, caller.client_id, caller.subject, now, [], named)


async def _version(tx: Reader, scheme: str, version: str) -> dict[str, Any]:
    found = await store.find_version(tx, scheme, version)
    assert found is not None
    return _shown(found)


def _shown(row: Row) -> dict[str, Any]:
    return PackageOut.body_of({**row, "title": load_package(bytes(row["content"])).title})


def _scheme(row: Row) -> dict[str, Any]:
    package = load_package(bytes(row["content"]))
    return {
        "scheme": package.scheme,
        "pool": package.pool,
        "benefit_year": package.benefit_year,
        "version": package.version,
        "title": package.title,
        "window": window_body(package.window),
        "cover": {"from": package.cover.starts_on, "to": package.cover.ends_on} if package.cover else None,
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
