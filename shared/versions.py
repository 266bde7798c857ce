"""Records that can change: `ETag` shows their version, `If-Match` must name it to change them."""

from typing import Annotated

from fastapi import Depends, Header

from .problem import ProblemType

VERSION_MISSING = ProblemType(
    "if_match_missing",
    428,
    ("缺少 If-Match", "If-Match is missing"),
    ("请在 If-Match 中给出所读记录的 ETag", "Send the ETag of the record you read as If-Match"),
)
VERSION_DIFFERS = ProblemType(
    "version_differs",
    412,
    ("记录已变", "The record has changed"),
    ("记录已不是版本 {version}，请重读后再提交", "The record is no longer at version {version}; read it again"),
)
DECLARED = (VERSION_MISSING, VERSION_DIFFERS)


def version_from(
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="ETag of the record as read", examples=['"1"'])
    ] = None,
) -> int:
    """The version a change is meant for. Raises Problem VERSION_MISSING, VERSION_DIFFERS."""
    if not if_match:
        raise VERSION_MISSING()
    bare = if_match.strip().removeprefix("W/").strip('"')
    if not bare.isdigit():
        raise VERSION_DIFFERS(version=bare)
    return int(bare)


def require_version(current: int, wanted: int) -> None:
    """Raises Problem VERSION_DIFFERS where the record has moved on."""
    if current != wanted:
        raise VERSION_DIFFERS(version=wanted)


def version_if_named(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description="ETag of the record as read; needed once there is one", examples=['"1"']),
    ] = None,
) -> int | None:
    """The version a change is meant for; None where none is named. Raises Problem VERSION_DIFFERS."""
    return version_from(if_match) if if_match else None


def require_version_of(current: int | None, wanted: int | None) -> None:
    """As `require_version` for a record that the same request may make: `current` is None where there is none yet.

    Raises Problem VERSION_MISSING, VERSION_DIFFERS.
    """
    if current is not None and wanted is None:
        raise VERSION_MISSING()
    if current != wanted:
        raise VERSION_DIFFERS(version=wanted)


IfMatch = Annotated[int, Depends(version_from)]
IfMatchOnChange = Annotated[int | None, Depends(version_if_named)]
