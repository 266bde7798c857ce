"""YAML as an officer writes it → plain values, and where in the file each of them stands.

YAML has traps, and a package decides about money, so a file is read without them:

- no key twice: of two amounts under one name nobody could say which one holds;
- no aliases and no merge keys: what is written is what is meant, and a few lines cannot unfold into gigabytes;
- no number that YAML reads in another way than it is written (`0123` is octal, `12:30` is 750);
- a limit of size and of depth.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

LIMIT_BYTES = 300_000
"""The largest package file that is read."""

DEEPEST = 40
"""How deep values may lie inside one another."""

Steps = tuple[str | int, ...]
"""The way to a value: keys and positions from the top of the file."""

_MOST_BRACKETS = 5 * DEEPEST  # brackets in texts are counted too
_BRACKET = re.compile(r"[\[\]{}]")
_BEYOND = 2**63
_PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_MERGE, _INT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:int"
_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


class Mark(NamedTuple):
    """A place in a file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What cannot be read as plain YAML: where, a stable code, and what is wrong in Chinese and in English."""

    steps: Steps
    code: str
    zh: str
    en: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """The values of a file, the place of each value and of the key before it, and what could not be read."""

    value: Any
    values: Mapping[Steps, Mark]
    keys: Mapping[Steps, Mark]
    unreadable: tuple[Unreadable, ...]


def read_marked(raw: bytes) -> MarkedFile:
    """Read a file; of what breaks the whole file only the first fault is known, of single values every one."""
    if len(raw) > LIMIT_BYTES:
        return _nothing("too_large", f"文件不应超过 {LIMIT_BYTES} 字节", f"The file exceeds {LIMIT_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        return _nothing("not_utf8", "文件应为 UTF-8 编码", "The file is not UTF-8", Mark(line, column))
    if _bracket_depth(text) > _MOST_BRACKETS:  # PyYAML would take minutes to find that out
        return _nothing("too_deep", f"不应超过 {DEEPEST} 层", f"Deeper than {DEEPEST} levels")
    try:
        loader = _Composer(text)
        node = loader.get_single_node()
        if node is None:
            return _nothing("not_a_mapping", "文件为空", "The file is empty", Mark(1, 1))
        return _Walk(loader).file(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem)
        zh = _TOLD.get(problem, f"不是有效的 YAML：{problem}")
        return _nothing("not_yaml", zh, f"Not valid YAML: {problem}", _mark(mark) if mark else None)
    except (yaml.YAMLError, RecursionError) as error:
        text = str(error) if isinstance(error, yaml.YAMLError) else f"deeper than {DEEPEST} levels"
        return _nothing("not_yaml", f"不是有效的 YAML：{text}", f"Not valid YAML: {text}")


class _Composer(yaml.SafeLoader):
    """Refuses aliases before they unfold."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = parent.start_mark if parent else None
            raise yaml.composer.ComposerError(None, None, _NO_ALIASES, mark)
        return super().compose_node(parent, index)


class _Walk:
    """Turns nodes into values and remembers where they stood."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._values: dict[Steps, Mark] = {}
        self._keys: dict[Steps, Mark] = {}
        self._unreadable: list[Unreadable] = []

    def file(self, node: yaml.Node) -> MarkedFile:
        value = self._value(node, ())
        if not isinstance(value, dict):
            self._refuse((), "not_a_mapping", "文件应为键值结构", "The file must be a mapping of fields", node)
        return MarkedFile(value, self._values, self._keys, tuple(self._unreadable))

    def _value(self, node: yaml.Node, steps: Steps) -> Any:
        self._values[steps] = _mark(node.start_mark)
        if len(steps) > DEEPEST:
            self._refuse(steps, "too_deep", f"不应超过 {DEEPEST} 层", f"Deeper than {DEEPEST} levels", node)
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self._mapping(node, steps)
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
            return [self._value(inner, (*steps, number)) for number, inner in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, steps)
        zh, en = "只能使用文本、整数、日期、列表和键值", "Only texts, integers, days, lists and fields are allowed"
        self._refuse(steps, "not_plain", zh, en, node)
        return None

    def _mapping(self, node: yaml.MappingNode, steps: Steps) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _MERGE or _is_unstorable(key_node.value):
                self._refuse(
                    steps, "not_plain", "键应为文本，不支持合并键 <<", "A key must be a text, not <<", key_node
                )
                continue
            key, where = key_node.value, (*steps, key_node.value)
            if key in found:
                first = self._keys[where].line
                zh, en = f"键 {key} 重复，第 {first} 行已有", f"{key} is stated twice, first in line {first}"
                self._refuse(where, "duplicate_key", zh, en, key_node)
                continue
            self._keys[where] = _mark(key_node.start_mark)
            found[key] = self._value(value_node, where)
        return found

    def _scalar(self, node: yaml.ScalarNode, steps: Steps) -> Any:
        if node.tag == _INT and not _PLAIN_INT.fullmatch(node.value):
            zh = f"{node.value} 会被读成别的数：整数不要以 0 开头，时刻和代码请加引号"
            en = f"{node.value} would be read as another number: no leading 0, and quotes around times and codes"
            self._refuse(steps, "ambiguous_number", zh, en, node)
            return None
        try:
            value = self._loader.construct_object(node)
        except ValueError:
            value = math.nan
        except yaml.YAMLError:
            value = b""
        if isinstance(value, bytes):
            zh, en = f"不支持标记 {node.tag}", f"The tag {node.tag} is not supported"
            self._refuse(steps, "not_plain", zh, en, node)
            return None
        if isinstance(value, str) and _is_unstorable(value):
            zh, en = "文本含有不可用的字符", "The text has an unusable character"
            self._refuse(steps, "not_a_value", zh, en, node)
            return None
        if isinstance(value, float | int) and not abs(value) < _BEYOND:
            zh, en = f"{node.value} 不是存在的日期或数", f"{node.value} is no day or number that exists"
            self._refuse(steps, "not_a_value", zh, en, node)
            return None
        return value

    def _refuse(self, steps: Steps, code: str, zh: str, en: str, node: yaml.Node) -> None:
        self._unreadable.append(Unreadable(steps, code, zh, en, _mark(node.start_mark)))


def _bracket_depth(text: str) -> int:
    """How deep brackets stand inside one another at most."""
    deepest = depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _is_unstorable(text: str) -> bool:
    """A NUL, or half of a character that was written as an escape."""
    return any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _nothing(code: str, zh: str, en: str, mark: Mark | None = None) -> MarkedFile:
    return MarkedFile(None, {}, {}, (Unreadable((), code, zh, en, mark),))


_NO_ALIASES = "aliases (*) are not supported, write the content out"
_TOLD = {
    _NO_ALIASES: "不支持别名（*），请写出内容",
    "mapping values are not allowed here": "此处不应有冒号：检查缩进，或给文本加引号",
    "could not find expected ':'": "缺少冒号",
    "expected <block end>, but found '<block mapping start>'": "缩进不一致",
    "expected <block end>, but found '-'": "列表缩进不一致",
    "found character '\\t' that cannot start any token": "缩进请用空格，不用制表符",
}
