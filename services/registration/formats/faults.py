"""The faults of a package file: where, what is wrong, and what would be right – in Chinese and in English.

    Unreadable (marks) ─┐
    pydantic's errors ──┴──► PackageFault, with line and column where the file is at hand

Pydantic names a place by the steps of the models: the kind of a union is such a step, and no field of the file. `_walk`
follows the models, so that every fault points at what the officer wrote, and names the fields that are known there.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .language import PackageFile
from .marks import Mark, MarkedFile, Steps, Unreadable
from .wording import FAULTS, fill


@dataclass(frozen=True)
class PackageFault:
    """One fault of a package file: the field as a JSON pointer, a stable code, what is wrong and what would be right.

    `detail` is Chinese, `english` the same in English; line and column count from 1, None where no file is at hand.
    """

    pointer: str
    code: str
    detail: str
    english: str
    line: int | None = None
    column: int | None = None

    def told(self) -> str:
        """The fault in a line of Chinese, with its place."""
        where = f"第{self.line}行第{self.column}列 " if self.line else ""
        return f"{where}{self.pointer or '/'} {self.detail}"


def unreadable_fault(found: Unreadable) -> PackageFault:
    """What could not be read as plain YAML."""
    line, column = found.mark or (None, None)
    return PackageFault(pointer_of(found.steps), found.code, found.zh, found.en, line, column)


def invalid_faults(found: list[ErrorDetails], file: MarkedFile | None = None) -> list[PackageFault]:
    """What pydantic found, in the officer's words; with places where the file is at hand.

    A list that is too short only because its items are faulty is no fault of its own.
    """
    inner = {error["loc"][:depth] for error in found for depth in range(len(error["loc"]))}
    return [_fault(error, file) for error in found if error["type"] != "too_short" or error["loc"] not in inner]


def _fault(found: ErrorDetails, file: MarkedFile | None) -> PackageFault:
    steps, model, examples = _walk(found["loc"])
    zh, en = _words(found, steps, model, examples)
    mark = _place(found, steps, file) if file else None
    line, column = mark or (None, None)
    return PackageFault(pointer_of(steps), found["type"], zh, en, line, column)


def pointer_of(steps: Steps) -> str:
    """The JSON pointer of a place."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def mark_of(steps: Steps, file: MarkedFile) -> Mark | None:
    """Where a field stands: its key, in a list its value; of something that is not there the nearest above it."""
    while steps and steps not in file.keys and steps not in file.values:
        steps = steps[:-1]
    return file.keys.get(steps) or file.values.get(steps)


def _place(found: ErrorDetails, steps: Steps, file: MarkedFile) -> Mark | None:
    if found["type"] == "extra_forbidden" or found["loc"][-1:] == ("[key]",):
        return mark_of(steps, file)
    if named := found.get("ctx", {}).get("last_name"):  # of two days in the wrong order, the later one
        inner = (*steps, *(int(step) if step.isdigit() else step for step in named.split(".")))
        return mark_of(inner, file)
    if found["type"] == "union_tag_invalid":
        return file.values.get((*steps, "kind")) or mark_of(steps, file)
    value = file.values.get(steps)
    return mark_of(steps, file) if value is None or isinstance(found["input"], dict) else value


def _words(found: ErrorDetails, steps: Steps, model: type[BaseModel] | None, examples: list[str]) -> tuple[str, str]:
    known = _fields_of(model) if model else []
    tag = found.get("ctx", {}).get("tag")
    given = tag or ("" if isinstance(found["input"], dict | list) else str(found["input"])[:60])
    expected = _expected(found)
    values: dict[str, Any] = {
        **found.get("ctx", {}),
        "field": steps[-1] if steps else "",
        "given": given,
        "known": known,
        "options": expected,
        "examples": examples,
        "likely": get_close_matches(str(steps[-1]) if steps else "", known, 1),
        "meant": get_close_matches(given, expected, 1),
    }
    told = FAULTS.get(found["type"])
    if told is None:
        return found["msg"], found["msg"]
    zh, en = fill(told, values)
    return (zh or found["msg"]), en


def _expected(found: ErrorDetails) -> list[str]:
    """The permitted values that pydantic names: 'a', 'b' or 'c'."""
    context = found.get("ctx", {})
    named = str(context.get("expected") or context.get("expected_tags") or "")
    return re.findall(r"'([^']*)'", named) or ([named] if named else [])


def _walk(loc: tuple[str | int, ...]) -> tuple[Steps, type[BaseModel] | None, list[str]]:
    """The way through the file to a place that pydantic names, the model that holds its last step, and its examples."""
    steps: list[str | int] = []
    holder: type[BaseModel] | None = None
    at: Any = PackageFile
    held: Any = None
    field: FieldInfo | None = None
    for step in loc:
        kinds = _kinds(_plain(at))
        if kinds:
            at = next((kind for kind in kinds if step in _tags(kind)), None)
            continue
        if step == "[key]":
            at = get_args(_plain(held))[0]
            continue
        steps.append(step)
        held, at = at, _plain(at)
        is_model = isinstance(at, type) and issubclass(at, BaseModel)
        holder = at if is_model else None
        field = _field(at, step) if is_model else None
        at = (field.annotation if field else None) if is_model else _item(at)
    stated = [one for one in (field, *getattr(at, "__metadata__", ())) if isinstance(one, FieldInfo)]
    return tuple(steps), holder, [str(one) for info in stated for one in info.examples or ()][:1]


def _plain(annotation: Any) -> Any:
    """An annotation without metadata, and without None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _plain(members[0]) if len(members) == 1 else annotation
    return annotation


def _kinds(annotation: Any) -> list[type[BaseModel]]:
    """The models of a union that are told apart by their `kind`."""
    if get_origin(annotation) not in (Union, UnionType):
        return []
    members = [_plain(member) for member in get_args(annotation) if member is not type(None)]
    return [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    annotation = model.model_fields["kind"].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _field(model: type[BaseModel], step: str | int) -> FieldInfo | None:
    for name, field in model.model_fields.items():
        if step == (field.alias or name):
            return field
    return None


def _item(annotation: Any) -> Any:
    arguments = get_args(annotation)
    return (arguments[1] if get_origin(annotation) is dict else arguments[0]) if arguments else None


def _fields_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
