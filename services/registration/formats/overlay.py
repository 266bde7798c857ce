"""Overlays: what a deployment fills in where a notice leaves something open; the package itself stays the notice.

An overlay names its scheme, says by a label what it is, and sets fields that the package does not state. It can set
nothing that the notice states. The outcome is a package file like any other, marked with the overlay's label and the
fields it set, and so with a version of its own; it is handed in, validated and published like any other.
"""

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .language import SCHEME_PATTERN


class OverlayRefused(ValueError):
    """An overlay that does not go with its package; the message says why, in Chinese."""


class OverlaySet(BaseModel):
    """One field and its value; `at` is a JSON pointer into the package."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: str = Field(pattern=r"^(/[^/]+)+$")
    value: Any


class OverlayFile(BaseModel):
    """An overlay as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    overlay: int = Field(ge=1, le=1)
    scheme: str = Field(pattern=SCHEME_PATTERN)
    label: str = Field(min_length=1, max_length=400)
    sets: list[OverlaySet] = Field(min_length=1)


def apply_overlay(package: bytes, overlay: bytes) -> bytes:
    """The package file with the overlay's fields set and its mark. Raises OverlayRefused."""
    try:
        filling = OverlayFile.model_validate(yaml.safe_load(overlay))
        whole = yaml.safe_load(package)
    except (yaml.YAMLError, ValidationError) as error:
        raise OverlayRefused(f"不是有效的补充文件或政策包：{error}") from error
    if not isinstance(whole, dict) or whole.get("scheme") != filling.scheme:
        raise OverlayRefused(f"补充文件属于 {filling.scheme}，与政策包不符")
    for one in filling.sets:
        _set(whole, one.at, one.value)
    marked = {"label": filling.label, "sets": [one.at for one in filling.sets]}
    whole["overlays"] = [*whole.get("overlays", []), marked]
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False).encode()


def _set(whole: dict[str, Any], at: str, value: Any) -> None:
    *way, last = at.removeprefix("/").split("/")
    place: Any = whole
    for step in way:
        try:
            place = place[int(step)] if isinstance(place, list) else place[step]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise OverlayRefused(f"{at}：政策包中没有 {step}") from error
    if not isinstance(place, dict):
        raise OverlayRefused(f"{at}：只能填写字段，不能改动列表")
    if place.get(last) is not None:
        raise OverlayRefused(f"{at}：通知已有规定，不能改写")
    place[last] = value
