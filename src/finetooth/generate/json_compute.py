"""A declared relation as a function: what its left side is, in decimal arithmetic, so that sums are exact.

compute("sum(lines[].total) * (1 + tax / 100)")({"lines": [{"total": Decimal("9.99")}], "tax": 20}, ..., Decimal("0.01"))
-> Decimal("11.99")

It takes the part of the relation language (``checks.json_relations``) that the generator's schemas use. The text is
parsed into a tree and the tree into functions; nothing is evaluated as Python. What a relation says and what is computed
are one text and cannot drift apart; the checks then judge the result with CEL, which is another reader of that text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

# (fields of the object, the whole record, the unit that is rounded to) -> number
Compute = Callable[[dict[str, Any], dict[str, Any], Decimal], Any]
_Node = Callable[[dict[str, Any]], Any]
_EACH = re.compile(r"\b([A-Za-z_]\w*(?:\.\w+)*)\[\]((?:\.\w+)+)")
_DAY = Decimal(86400)


def compute(rule: str) -> Compute:
    """The right side of a relation as a function. Raises ValueError for what is not in the language."""
    tree = ast.parse(_EACH.sub(r"\1.map(each, each\2)", rule), mode="eval")
    node = _node(tree.body)

    def run(here: dict[str, Any], root: dict[str, Any], step: Decimal) -> Any:
        value = node({**here, "self": here, "root": root})
        exact = value if type(value) is Decimal else Decimal(value)
        rounded = exact.quantize(step, ROUND_HALF_UP)
        return int(rounded) if step == 1 else rounded

    return run


def _node(tree: ast.expr) -> _Node:
    if isinstance(tree, ast.Constant):
        value = tree.value
        constant = Decimal(str(value)) if isinstance(value, float) else value
        return lambda env: constant
    if isinstance(tree, ast.Name):
        name = tree.id
        return lambda env: env[name]
    if isinstance(tree, ast.Attribute):
        inner, key = _node(tree.value), tree.attr
        return lambda env: inner(env)[key]
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        below = _node(tree.operand)
        return lambda env: -below(env)
    if isinstance(tree, ast.BinOp):
        return _binary(tree)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq):
        one, other = _node(tree.left), _node(tree.comparators[0])
        return lambda env: one(env) == other(env)
    if isinstance(tree, ast.Call):
        return _call(tree)
    raise ValueError(f"{ast.unparse(tree)!r} is not in the language that the generator computes with")


def _binary(tree: ast.BinOp) -> _Node:
    a, b = _node(tree.left), _node(tree.right)
    match tree.op:
        case ast.Add():
            return lambda env: a(env) + b(env)
        case ast.Sub():
            return lambda env: a(env) - b(env)
        case ast.Mult():
            return lambda env: a(env) * b(env)
        case ast.Div():
            return lambda env: Decimal(a(env)) / b(env)
    raise ValueError(f"{ast.unparse(tree)!r}: only + - * /")


def _call(tree: ast.Call) -> _Node:
    if isinstance(tree.func, ast.Attribute) and tree.func.attr in ("map", "filter"):
        items, (var, body) = _node(tree.func.value), tree.args
        if not isinstance(var, ast.Name):
            raise ValueError(f"{ast.unparse(tree)!r}: the first argument is a name")
        name, each = var.id, _node(body)
        if tree.func.attr == "map":
            return lambda env: [each({**env, name: x}) for x in items(env)]
        return lambda env: [x for x in items(env) if each({**env, name: x})]
    if not isinstance(tree.func, ast.Name):
        raise ValueError(f"{ast.unparse(tree)!r}: no such function")
    if tree.func.id == "opt":
        return _optional(tree.args[0])
    if tree.func.id not in _FUNCTIONS:
        raise ValueError(f"{tree.func.id!r}: there are {', '.join(_FUNCTIONS)}, opt")
    function, arguments = _FUNCTIONS[tree.func.id], [_node(a) for a in tree.args]
    if len(arguments) == 1:
        (argument,) = arguments
        return lambda env: function(argument(env))
    return lambda env: function(*(a(env) for a in arguments))


def _optional(tree: ast.expr) -> _Node:
    value = _node(tree)

    def read(env: dict[str, Any]) -> Any:
        try:
            return value(env)
        except KeyError:
            return 0

    return read


def _days(when: Any) -> Any:
    if isinstance(when, datetime):
        return Decimal(int((when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())) / _DAY
    return (when - date(1970, 1, 1)).days


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda xs: sum(xs, Decimal(0)),
    "mean": lambda xs: sum(xs, Decimal(0)) / len(xs),
    "count": len,
    "least": min,
    "greatest": max,
    "abs": abs,
    "days": _days,
}
