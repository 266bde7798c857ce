"""Every SQL text that the stores can send, heard without a database: their functions are called with any arguments.

The transaction it is given writes down what it is asked, and answers once with rows of anything and once with none, so
that both ways go on. A call in the code of which nothing was heard is an error: it needs arguments in `GIVEN`.
"""

import ast
import inspect
import pkgutil
import sys
import typing
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.eligibility.usecases import SEALED
from shared import chain
from shared.database import Writer
from shared.sealing import Sealer

_STORE = "services.payments.store"
_LAYOUTS = ("tax_day_list", "bank_check_file", "pos_settlement", "shift_report", "receipt_list")
_SCOPE = dict.fromkeys(("pool", "statement_id", "channel", "day", "institution"), "1")
_RECORDS = dict.fromkeys(("payer_id", "person_id", "channel", "after"), "1")
GIVEN: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "shared.chain": {"chain": [chain.EVENTS, chain.AUDIT]},
    "shared.rotation.store": {
        "column": SEALED,
        "sealer": [Sealer("k", {"k": b"k" * 32}, b"l" * 32)],
        "position": [["1", "1"]],
    },
    f"{_STORE}.matching.unaccounted": {"scope": [_SCOPE | {"layout": name} for name in _LAYOUTS]},
    f"{_STORE}.records.list_records": {"asked": [_RECORDS | {"limit": 1}]},
    f"{_STORE}.remittances.check_slip": {"row": [{"status": "rejected", "pool": "1", "remittance_id": "1"}]},
    f"{_STORE}.tax.claim_events": {"rows": [[{"event_id": "1"}]]},
    f"{_STORE}.tax.claim_nonces": {"rows": [[{"key_id": "1", "nonce": "1"}]]},
}
"""What a module or one of its functions cannot do without: its name → parameter → what it is given, in turn."""

SHARED = (
    "shared.chain",
    "shared.events",
    "shared.evidence",
    "shared.idempotency",
    "shared.inspecting.store",
    "shared.rotation.store",
    "shared.webhooks.store",
)
"""Modules with SQL that every service has."""

_ASKS = ("rows", "row", "value", "execute", "insert", "copy", "store")


@dataclass(frozen=True)
class Text:
    """A statement of a function, with `:name` parameters; `place` is its file and line."""

    function: str
    place: str
    sql: str


@cache
def modules(service: str) -> Sequence[ModuleType]:
    """The modules of a service's store."""
    store = import_module(f"services.{service}.store")
    parts = pkgutil.iter_modules(getattr(store, "__path__", []))
    return [store, *(import_module(f"{store.__name__}.{part.name}") for part in parts)]


@cache
def shared_modules() -> Sequence[ModuleType]:
    """The modules of `shared` that hold SQL."""
    return [import_module(name) for name in SHARED]


@cache
def texts(module: ModuleType) -> Sequence[Text]:
    """The statements of a module. Raises LookupError where nothing is heard of a call that stands in its code."""
    heard: set[tuple[int, str]] = set()
    for name, function in vars(module).items():
        if inspect.iscoroutinefunction(function) and function.__module__ == module.__name__:
            heard |= _heard(module, name, function)
    found, missing = [], []
    for call in _calls(module):
        sqls = sorted({sql for line, sql in heard if call.first <= line <= call.last} | set(call.constant))
        place = f"{Path(str(module.__file__)).name}:{call.first}"
        found += [Text(f"{module.__name__}.{call.function}", place, sql) for sql in sqls]
        missing += [] if sqls else [f"{module.__name__}.{call.function} ({place})"]
    if missing:
        raise LookupError(f"no statement was heard of {', '.join(missing)}: give it arguments in GIVEN")
    return found


@dataclass(frozen=True)
class _Call:
    """A call in the code that sends a statement: its lines, its function, the statement where it is written out."""

    first: int
    last: int
    function: str
    constant: tuple[str, ...]


def _calls(module: ModuleType) -> list[_Call]:
    tree = ast.parse(inspect.getsource(module))
    calls = []
    for outer in ast.walk(tree):
        if isinstance(outer, ast.AsyncFunctionDef):
            for node in ast.walk(outer):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _asks(node.func):
                    first = node.args[0]
                    constant = (str(first.value),) if isinstance(first, ast.Constant) else ()
                    calls.append(_Call(node.lineno, node.end_lineno or node.lineno, outer.name, constant))
    return calls


def _asks(function: ast.Attribute) -> bool:
    asked = function.value
    return function.attr in _ASKS and isinstance(asked, ast.Name) and asked.id in ("tx", "connection")


def _heard(module: ModuleType, name: str, function: Callable[..., Any]) -> set[tuple[int, str]]:
    """What a function sends: the line of the module from which it does so, and the text."""
    kinds = typing.get_type_hints(function)
    given = {**GIVEN.get(module.__name__, {}), **GIVEN.get(f"{module.__name__}.{name}", {})}
    parameters = inspect.signature(function).parameters.values()
    rest = {each.name for each in parameters if each.kind is each.VAR_KEYWORD}
    samples = {
        each.name: given.get(each.name) or ([{"version": 1}] if each.name in rest else _samples(kinds[each.name]))
        for each in parameters
    }
    heard: set[tuple[int, str]] = set()
    for turn in range(max((len(values) for values in samples.values()), default=1)):
        for rows in ([_Anything()], []):
            values = {each: of[min(turn, len(of) - 1)] for each, of in samples.items()}
            for each in values.keys() & {"tx", "connection"}:
                values[each] = _listener(kinds[each], module, rows, heard)
            for each in rest:
                values |= values.pop(each)
            with suppress(Exception):  # what is not heard of in any turn is told in the end
                _finish(function(**values))
    return heard


def _finish(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run what awaits nothing but the listener."""
    with suppress(StopIteration):
        coroutine.send(None)
    coroutine.close()


def _listener(kind: Any, module: ModuleType, rows: list[Any], heard: set[tuple[int, str]]) -> Any:
    connection = _Connection(str(module.__file__), rows, heard)
    return connection if kind is AsyncConnection else _Writer(typing.cast("AsyncConnection", connection))


class _Connection:
    """Stands where a connection to a database would: writes down the text and who sent it."""

    def __init__(self, path: str, rows: list[Any], heard: set[tuple[int, str]]) -> None:
        self._path, self._rows, self._heard, self._left = path, rows, heard, 20

    async def execute(self, clause: Any, _values: object = None) -> "_Answer":
        """Hear a statement."""
        frame = sys._getframe()
        while frame.f_back and frame.f_code.co_filename != self._path:
            frame = frame.f_back
        self._heard.add((frame.f_lineno, str(clause.text)))
        self._left -= 1
        if not self._left:
            raise RuntimeError  # a loop that ends when the rows do
        return _Answer(self._rows)


class _Writer(Writer):
    async def insert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, tail: str = "", **values: Any
    ) -> Sequence[Any]:
        """Hear an insert of whole rows, whatever these hold of them; and the one of a long list, which is written in
        another way."""
        del rows
        row = dict.fromkeys(table.c.keys(), 1)
        await super().insert(table, [row] * chain.LONG, tail=tail, **values)
        return await super().insert(table, [row], tail=tail, **values)

    async def copy(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hear a copy as what it is to everybody else: an insert."""
        await self.insert(table, rows)


class _Answer:
    """What a database would have answered: its rows, by whichever name they are asked for."""

    rowcount = 1
    returns_rows = True

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def mappings(self) -> "_Answer":
        """The rows by name."""
        return self

    def all(self) -> list[Any]:
        """All of them."""
        return self._rows

    def one_or_none(self) -> Any:
        """The only one."""
        return self._rows[0] if self._rows else None

    scalars = mappings
    one = scalar_one_or_none = one_or_none


class _Anything(str):
    """A value of any kind: a text, a number, a row, an object; of any two the first comes first."""

    __slots__ = ()

    def __new__(cls) -> typing.Self:
        return super().__new__(cls, "1")

    def _same(self, *_: object, **__: object) -> Any:
        return self

    def _holds(self, _other: object) -> bool:
        return True

    def __int__(self) -> int:
        return 1

    def keys(self) -> list[str]:
        """As a row, it has a version."""
        return ["version"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    __getattr__ = __getitem__ = __call__ = __add__ = __radd__ = __sub__ = __rsub__ = __or__ = _same
    __lt__ = __le__ = __gt__ = __ge__ = _holds
    __index__ = __int__


_PLAIN: Mapping[Any, Any] = {
    str: "1",
    int: 1,
    float: 1.0,
    bytes: b"1",
    UUID: UUID(int=1),
    date: date(2026, 1, 1),
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
}


def _samples(kind: Any) -> list[Any]:
    """Some values of a type, each that makes a difference among them."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is bool:
        return [True, False]
    if kind in _PLAIN:
        return [_PLAIN[kind]]
    if origin in (Union, UnionType):
        return [value for part in parts if part is not NoneType for value in _samples(part)] + [None]
    if origin is Literal:
        return list(parts)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)
    if origin is tuple:
        return [tuple(_samples(part)[0] for part in parts)]
    if origin in (dict, Mapping, typing.Mapping) and parts[1] is not Any:
        return [{_samples(parts[0])[0]: _samples(parts[1])[0]}]
    if isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping):
        return [[_samples(parts[0])[0]]]
    if isinstance(kind, type) and is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return [kind(**{field.name: _samples(hints[field.name])[0] for field in fields(kind)})]
    return [_Anything()]
