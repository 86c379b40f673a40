"""The fingerprint of a task's metrics: it changes when what they compute may change, and only then.

Hashed is the code that the metrics can reach inside finetooth, as Python sees it: comments, layout,
docstrings, annotations and the size of caches are no part of it, nor is code that no metric calls.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from finetooth.io import fingerprint
from finetooth.registry import Metric, Task

# Shapes and plumbing: a field more in a dataclass changes no score.
_OUTSIDE = ("finetooth.types", "finetooth.errors", "finetooth.registry", "finetooth.io")

Read = Callable[[str], str]


def metric_fingerprint(task: Task) -> str:
    """16 hex digits of the names of the task's metrics and parts, and the code they reach."""
    return _of(task.metrics, task.parts)


@cache
def _of(metrics: tuple[Metric, ...], parts: Callable | None) -> str:
    starts = [] if parts is None else [(parts.__module__, parts.__qualname__)]
    loose = []
    for metric in metrics:
        home = _home(metric)
        if home:
            starts.append(home)
        else:  # Made by hand somewhere else: its files count whole.
            loose += [inspect.getsourcefile(f) or "" for f in (metric.counts, metric.value)]
    texts = [Path(path).read_text("utf-8") for path in sorted(set(loose)) if path]
    return fingerprint([*(m.name for m in metrics), *reachable(starts), *texts])


def _home(metric: Metric) -> tuple[str, str] | None:
    """The module and the name that the metric is bound to."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith("finetooth.metrics."):
            for key, value in vars(module).items():
                if value is metric:
                    return name, key
    return None


def reachable(starts: Iterable[tuple[str, str]], read: Read | None = None) -> list[str]:
    """The cleaned source of every top-level name that these (module, name) need, in a fixed order."""
    read = read or _source
    modules: dict[str, dict[str, ast.stmt]] = {}
    found: dict[tuple[str, str], str] = {}
    todo = list(starts)
    while todo:
        module, name = todo.pop()
        if (module, name) in found or module.startswith(_OUTSIDE):
            continue
        if module not in modules:
            modules[module] = _bindings(ast.parse(read(module)))
        node = modules[module].get(name)
        if node is None:
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found[module, name] = ""
            todo += _imported(node, name)
            continue
        node = ast.fix_missing_locations(_Clean().visit(node))
        found[module, name] = ast.unparse(node)
        todo += [(module, n.id) for n in ast.walk(node) if isinstance(n, ast.Name)]
        for inner in ast.walk(node):  # imports inside a function
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                todo += [t for a in inner.names for t in _imported(inner, a.asname or a.name)]
    return [f"{module}.{name}: {text}" for (module, name), text in sorted(found.items()) if text]


def _bindings(tree: ast.Module) -> dict[str, ast.stmt]:
    bound: dict[str, ast.stmt] = {}
    for node in tree.body:
        for name in _names(node):
            bound[name] = node
    return bound


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (a.asname or a.name.split(".")[0] for a in node.names)


def _imported(node: ast.Import | ast.ImportFrom, name: str) -> list[tuple[str, str]]:
    """What an import of finetooth's own brings in under ``name``."""
    if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("finetooth"):
        return []
    module = str(node.module)
    original = next((a.name for a in node.names if (a.asname or a.name) == name), name)
    if importlib.util.find_spec(module) and _is_module(f"{module}.{original}"):
        whole = f"{module}.{original}"
        return [(whole, n) for n in _bindings(ast.parse(_source(whole)))]
    return [(module, original)]


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return Path(str(spec.origin)).read_text("utf-8") if spec and spec.origin else ""


class _Clean(ast.NodeTransformer):
    """Drops what changes no result: docstrings, annotations, caches."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        node.decorator_list = [d for d in node.decorator_list if "cache" not in ast.unparse(d)]
        node.body = _without_docstring(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.body = _without_docstring(node.body)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return ast.Assign(targets=[node.target], value=node.value)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return body[1:] or [ast.Pass()]
    return body
