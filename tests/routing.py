"""Whose rows a statement is about: which of its tables are held to one pool, and by what.

A table is held where its `pool` equals a parameter, by itself or over the `pool` of a table that it is joined with.
Then Citus sends the statement to the one node that has the pool. A query inside a query is held by what stands in
itself: what it takes over from the row around it is no constant to the planner, unless it is a condition of that row,
such as `and not exists (…)`, which becomes a join.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

POOL = "pool"
EACH_ROW = "each row its own"
"""What holds an insert of rows that were handed over."""


class Value:
    """What a column may hold; what is equal in every row is one, however many columns it stands in."""

    def __init__(self, *fixed: str, either: "Sequence[Value]" = ()) -> None:
        self._parent: Value | None = None
        self._fixed = set(fixed)
        self._either = [either] if either else []

    def is_(self, other: "Value") -> None:
        """Both are the same from here on."""
        mine, others = self._root(), other._root()
        if mine is not others:
            others._parent = mine
            mine._fixed |= others._fixed
            mine._either += others._either

    def fixed(self) -> set[str]:
        """The parameters and constants that it equals; of a union, those that all its parts equal."""
        root = self._root()
        return root._fixed.union(*(set.intersection(*(part.fixed() for part in parts)) for parts in root._either))

    def _root(self) -> "Value":
        return self._parent._root() if self._parent else self


Columns = list[tuple[str, Value | None]]
"""The columns of a row, in order: name, and the value where it may be a pool."""


@dataclass(frozen=True)
class Use:
    """A distributed table in a statement, and its pool."""

    table: str
    pool: Value


@dataclass
class _Scope:
    """One query: the tables it knows, what it reads by alias, and the query around it."""

    distributed: Collection[str]
    uses: list[Use]
    outer: "_Scope | None" = None
    joined: bool = False
    """Whether this query becomes a join of the one around."""
    named: dict[str, Columns] = field(default_factory=dict)
    sources: dict[str, Columns] = field(default_factory=dict)

    def inside(self, *, joined: bool) -> "_Scope":
        """The scope of a query within this one."""
        return _Scope(self.distributed, self.uses, self, joined, dict(self.named))

    def value(self, node: exp.Expr | None) -> Value | None:
        """What an expression stands for, if it may be a pool."""
        while isinstance(node, exp.Cast | exp.Paren | exp.Alias):
            node = node.this
        if isinstance(node, exp.Placeholder):
            return Value(f":{node.name}")
        if isinstance(node, exp.Literal):
            return Value(node.sql())
        return self.find(node) if isinstance(node, exp.Column) else None

    def find(self, column: exp.Column) -> Value | None:
        """What a column holds, here or in a query around."""
        if column.table and column.table not in self.sources:
            return self.outer.find(column) if self.outer and self.joined else None
        sources = [self.sources[column.table]] if column.table else list(self.sources.values())
        found = [value for columns in sources for name, value in columns if name == column.name]
        if not found and not column.table and self.outer and self.joined:
            return self.outer.find(column)
        return found[0] if len(found) == 1 else None


def uses(sql: str, distributed: Collection[str]) -> Sequence[Use]:
    """The distributed tables of a statement, each as often as it stands there. Raises sqlglot.errors.ParseError."""
    scope = _Scope(distributed, [])
    for statement in sqlglot.parse(sql, dialect="postgres"):
        if isinstance(statement, exp.Query | exp.DML):
            _visit(statement, scope)
    return scope.uses


def _visit(query: exp.Expr, around: _Scope, *, joined: bool = False) -> Columns:
    """Go through a query and those inside it; the columns of its rows."""
    if isinstance(query, exp.Subquery | exp.Paren | exp.Lateral):
        return _visit(query.this, around, joined=joined)
    scope = around.inside(joined=joined)
    for cte in _ctes(query):
        columns = _visit_named(cte.this, scope, cte.alias)
        # Read twice, it is made first, and what is read from it is no constant to the planner.
        once = sum(table.name == cte.alias for table in query.find_all(exp.Table)) < 2
        scope.named[cte.alias] = columns if once else _made_first(columns)
    if isinstance(query, exp.SetOperation):
        return _either(_visit(query.left, scope), _visit(query.right, scope))
    inner = []
    for node in _own(query):
        if isinstance(node, exp.Table) and not isinstance(node.parent, exp.Lock):
            _read_table(node, scope)
        elif isinstance(node, exp.Unnest) and node.alias:
            scope.sources[node.alias] = [(name, Value()) for name in node.alias_column_names]
        elif _is_query(node) and node is not query:
            inner.append(node)
    conditions = list(_conditions(query))
    visited = {
        id(node): _visit_inner(node, scope, joined=not joined and _is_condition(node, conditions)) for node in inner
    }
    for condition in conditions:
        _hold(condition, scope, visited)
    if isinstance(query, exp.Insert):
        _insert(query, scope, visited)
    return _columns(query, scope)


def _visit_named(query: exp.Expr, scope: _Scope, alias: str) -> Columns:
    """A query with a name. One that reads itself holds at first what its first part holds."""
    if isinstance(query, exp.SetOperation):
        throwaway = _Scope(scope.distributed, [], scope.outer, named=dict(scope.named))
        scope.named[alias] = _visit(query.left, throwaway)
    return _visit(query, scope)


def _visit_inner(query: exp.Expr, scope: _Scope, *, joined: bool) -> Columns:
    """A query inside a query; one that is read from is a source by its alias."""
    columns = _visit(query, scope, joined=joined)
    holder = query.parent
    while isinstance(holder, exp.Subquery | exp.Lateral):
        if holder.alias:
            apart = isinstance(query, exp.SetOperation) or query.args.get("limit") or query.args.get("distinct")
            read = _made_first(columns) if apart else columns
            names = holder.alias_column_names or [name for name, _ in read]
            scope.sources[holder.alias] = [(name, value) for name, (_, value) in zip(names, read, strict=False)]
        holder = holder.parent
    return columns


def _is_condition(query: exp.Expr, conditions: Sequence[exp.Expr]) -> bool:
    """Whether `exists (query)`, `not exists (query)` or `… in (query)` is one of the conditions."""
    above = query.parent
    while isinstance(above, exp.Subquery | exp.Paren):
        above = above.parent
    told = isinstance(above, exp.Exists | exp.In)
    return told and any(each is above or (isinstance(each, exp.Not) and each.this is above) for each in conditions)


def _made_first(columns: Columns) -> Columns:
    """The columns of rows that are made before they are read: no constants to the planner of what reads them."""
    return [(name, Value()) for name, _ in columns]


def _read_table(table: exp.Table, scope: _Scope) -> None:
    alias = table.alias_or_name
    if table.name in scope.named:
        scope.sources[alias] = scope.named[table.name]
    elif table.name in scope.distributed:
        pool = Value()
        scope.uses.append(Use(table.name, pool))
        scope.sources[alias] = [(POOL, pool)]


def _ctes(query: exp.Expr) -> list[exp.CTE]:
    named = query.args.get("with_")
    return list(named.expressions) if named else []


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query | exp.DML) and not isinstance(node, exp.Subquery | exp.Table)


def _own(query: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of a query without those of the queries inside it, these themselves included."""
    return query.walk(
        bfs=False, prune=lambda node: node is not query and (_is_query(node) or isinstance(node, exp.With))
    )


def _conditions(query: exp.Expr) -> Iterator[exp.Expr]:
    """What holds of every row that a query is about or is joined to one."""
    for node in _own(query):
        if isinstance(node, exp.Where) and not isinstance(node.parent, exp.OnConflict | exp.Filter):
            yield from node.this.flatten() if isinstance(node.this, exp.And) else [node.this]
        elif isinstance(node, exp.Join) and node.args.get("on"):
            on = node.args["on"]
            yield from on.flatten() if isinstance(on, exp.And) else [on]


def _hold(condition: exp.Expr, scope: _Scope, visited: dict[int, Columns]) -> None:
    """Make one what a condition says is equal."""
    if isinstance(condition, exp.Paren) and isinstance(condition.this, exp.And):
        for each in condition.this.flatten():
            _hold(each, scope, visited)
    elif isinstance(condition, exp.EQ):
        for left, right in zip(_parts(condition.left), _parts(condition.right), strict=False):
            _same(scope.value(left), scope.value(right))
    elif isinstance(condition, exp.In) and condition.args.get("query"):
        columns = visited.get(id(condition.args["query"].this), [])
        for left, (_, value) in zip(_parts(condition.this), columns, strict=False):
            _same(scope.value(left), value)


def _parts(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def _same(left: Value | None, right: Value | None) -> None:
    if left is not None and right is not None:
        left.is_(right)


def _insert(query: exp.Insert, scope: _Scope, visited: dict[int, Columns]) -> None:
    """The rows that are inserted hold their table to their pool."""
    names = [name.name for name in query.this.expressions]
    target = scope.sources.get(query.this.this.alias_or_name, [])
    rows = query.expression
    at = names.index(POOL) if POOL in names else -1
    if not target or at < 0:
        return
    if isinstance(rows, exp.Values):
        value = scope.value(rows.expressions[0].expressions[at])
    else:
        columns = visited.get(id(rows), [])
        value = columns[at][1] if at < len(columns) else Value(EACH_ROW)
    _same(target[0][1], value)


def _columns(query: exp.Expr, scope: _Scope) -> Columns:
    """What a query answers with."""
    returning = query.args.get("returning")
    columns: Columns = []
    for each in returning.expressions if returning else query.expressions if isinstance(query, exp.Select) else ():
        if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
            read = [scope.sources.get(each.table, [])] if isinstance(each, exp.Column) else scope.sources.values()
            columns += [column for source in read for column in source]
        else:
            columns.append((each.alias_or_name, scope.value(each)))
    return columns


def _either(left: Columns, right: Columns) -> Columns:
    """The columns of a union."""
    return [
        (name, Value(either=(one, other)) if one and other else None)
        for (name, one), (_, other) in zip(left, right, strict=False)
    ]
