"""Scheme packages: YAML as an officer writes it → the value that the rules work with.

    YAML bytes ──read_package──► PackageContent (canonical bytes, version, package)
    canonical bytes (stored) ──load_package──► Package

The version is the hash of the content, not of the file: comments, order and blanks do not count. Every fault of a
file is named with its field and what would be right.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..rules.package import Package
from .compiling import compile_package
from .language import PackageFile


@dataclass(frozen=True)
class PackageFault:
    """One fault of a package file: the field as a JSON pointer, a stable code, what is wrong."""

    pointer: str
    code: str
    detail: str


class PackageFaulty(Exception):
    """A file that is no package, with every fault found."""

    def __init__(self, faults: list[PackageFault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class PackageContent:
    """A package read from a file: its canonical bytes, their hash, and the value."""

    content: bytes
    package: Package


def read_package(raw: bytes) -> PackageContent:
    """Read a package file. Raises PackageFaulty with every fault."""
    try:
        content = orjson.dumps(_load_yaml(raw), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError as error:  # binary values, sets, numbers beyond 64 bits
        raise PackageFaulty(
            [PackageFault("", "not_plain", f"只能使用文本、整数、日期、列表和键值：{error}")]
        ) from error
    return PackageContent(content, load_package(content))


@lru_cache(maxsize=64)
def load_package(content: bytes) -> Package:
    """The package of canonical content, as stored; read once, since it never changes. Raises PackageFaulty."""
    try:
        file = PackageFile.model_validate_json(content)
    except ValidationError as error:
        raise PackageFaulty([_fault(found) for found in error.errors(include_url=False)]) from error
    return compile_package(file, "sha256:" + hashlib.sha256(content).hexdigest())


class _PlainLoader(yaml.SafeLoader):
    """YAML without its traps.

    No key twice: of two amounts under one name nobody could say which one holds. No aliases: what is written is what
    is meant, and a few lines cannot unfold into gigabytes.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen:
                text = f"键 {key_node.value} 出现两次"
                raise yaml.constructor.ConstructorError(None, None, text, key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = parent.start_mark if parent else None
            raise yaml.composer.ComposerError(None, None, "不支持别名（*），请写出内容", mark)
        return super().compose_node(parent, index)


def _load_yaml(raw: bytes) -> dict[str, Any]:
    try:
        value = yaml.load(raw.decode("utf-8-sig"), _PlainLoader)  # noqa: S506 -- a SafeLoader that is stricter still
    except UnicodeDecodeError as error:
        raise PackageFaulty([PackageFault("", "not_utf8", "文件应为 UTF-8 编码")]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"第{mark.line + 1}行第{mark.column + 1}列：" if mark else ""
        raise PackageFaulty([PackageFault("", "not_yaml", f"{where}{error.problem}")]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PackageFaulty([PackageFault("", "not_yaml", str(error))]) from error
    if not isinstance(value, dict):
        raise PackageFaulty([PackageFault("", "not_a_mapping", "文件应为键值结构")])
    return value


def _fault(found: ErrorDetails) -> PackageFault:
    # A kind of help is a step in pydantic's path (help → percent → percent), but not in the file.
    steps = [step for at, step in enumerate(found["loc"]) if at == 0 or found["loc"][at - 1] != "help"]
    pointer = "".join(f"/{step}" for step in steps)
    shown = not isinstance(found["input"], dict)
    given = f"（现为 {str(found['input'])[:60]}）" if shown else ""
    return PackageFault(pointer, found["type"], f"{_EXPLAINED.get(found['type'], found['msg'])}{given}")


_EXPLAINED = {
    "missing": "缺少必填项",
    "extra_forbidden": "未知字段",
    "int_type": "应为整数",
    "string_type": "应为文本（数字代码请加引号）",
    "date_from_datetime_parsing": "应为日期 YYYY-MM-DD",
    "date_parsing": "应为日期 YYYY-MM-DD",
    "date_type": "应为日期 YYYY-MM-DD",
}
