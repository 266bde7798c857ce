"""Scheme packages: YAML as an officer writes it → the value that the rules work with.

    YAML bytes ──read_package──► PackageContent (canonical bytes, package, what stands where)
    canonical bytes (stored) ──load_package──► Package

The version is the hash of the content, not of the file: comments, order and blanks do not count. Every fault of a
file is named with its line, its field and what would be right (`faults`); what only shows in the whole of a package,
as a birthday without a rate, is found by `findings`.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import orjson
from pydantic import ValidationError

from ..rules.package import Package
from .compiling import compile_package
from .faults import PackageFault, invalid_faults, unreadable_fault
from .language import PackageFile
from .marks import MarkedFile, read_marked

_MOST_FAULTS = 1000  # nobody reads more of them at once


class PackageFaulty(Exception):
    """A file that is no package, with every fault found."""

    def __init__(self, faults: list[PackageFault]) -> None:
        super().__init__("; ".join(fault.told() for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class PackageContent:
    """A package read from a file: its canonical bytes, the value, what the file says field by field, and where."""

    content: bytes
    package: Package
    file: PackageFile
    marked: MarkedFile


def read_package(raw: bytes) -> PackageContent:
    """Read a package file. Raises PackageFaulty with every fault, each with line and column."""
    marked = read_marked(raw)
    faults = [unreadable_fault(found) for found in marked.unreadable]
    if not isinstance(marked.value, dict):
        raise PackageFaulty(faults)
    content = orjson.dumps(marked.value, option=orjson.OPT_SORT_KEYS)
    file = None
    try:
        file = PackageFile.model_validate_json(content)
    except ValidationError as error:
        named = {fault.pointer for fault in faults}
        found = invalid_faults(error.errors(include_url=False), marked)
        faults += [fault for fault in found if fault.pointer not in named]
    if file is None or faults:
        raise PackageFaulty(sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))[:_MOST_FAULTS])
    return PackageContent(content, compile_package(file, version_of(content)), file, marked)


@lru_cache(maxsize=64)
def load_package(content: bytes) -> Package:
    """The package of canonical content, as stored; read once, since it never changes. Raises PackageFaulty."""
    try:
        file = PackageFile.model_validate_json(content)
    except ValidationError as error:
        raise PackageFaulty(invalid_faults(error.errors(include_url=False))) from error
    return compile_package(file, version_of(content))


def version_of(content: bytes) -> str:
    """The version of canonical content: its hash."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
