"""What may be changed in a module: one small change at a time. Pure."""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

Node = TypeVar("Node", bound=ast.AST)

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""Each comparison, its boundary first, then its opposite."""
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
SQL = re.compile(r"\b(SELECT|UPDATE|DELETE|INSERT|PRAGMA)\b")
QUERIED = (
    ("<=", "<"),
    (r"<(?!=)", "<="),
    (" AND ", " OR "),
    (r"\bNOT ", ""),
    (r"IS NULL", "IS NOT NULL"),
    (r" \+ ", " - "),
    (r"= 0\b", "= 1"),
    (r"min\(", "max("),
    (r" DESC\b", ""),
    (r"ORDER BY [\w., ]+", ""),
)
"""Patterns in queries, and what takes their place."""
UNHEARD = ("log", "warnings")
"""What is said to people is held by the tests that read it, and not by each of the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Mutant:
    """A module with one change."""

    tree: ast.Module
    line: int
    change: str
    """In words: what was there, and what is there now."""


def mutants_of(source: str) -> Iterator[Mutant]:
    """
    Yield every mutant of a module, from top to bottom.

    Annotations, decorators, docstrings and log messages stay as they are.
    """
    tree = ast.parse(source)
    for number, node in enumerate(list(_places(tree))):
        for replaced in _changes(node):
            changed = copy.deepcopy(tree)
            place = list(_places(changed))[number]
            new = ast.fix_missing_locations(ast.copy_location(copy.deepcopy(replaced), place))
            mutated = cast("ast.Module", _Replace(place, new).visit(changed))
            change = f"{_words(node)}  ->  {_words(replaced)}"
            yield Mutant(mutated, node.lineno, change)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _places(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield what may be changed, in the order of the text."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_left_alone(child):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            yield from _places(child)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in UNHEARD
        case ast.Assign(value=ast.Subscript() | ast.Name()) if _names_a_type(node):
            return True
        case ast.keyword(arg="strict"):
            return True
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
    return False


def _names_a_type(node: ast.Assign) -> bool:
    return all(isinstance(one, ast.Name) and one.id[0].isupper() for one in node.targets)


def _changes(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    if isinstance(node, ast.stmt):
        yield from _statement(node)
    else:
        yield from _logic(node)
        yield from _arithmetic(node)


def _statement(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.Return(value=ast.expr() as value) if not _is_nothing(value):
            yield ast.Return(value=None)
        case ast.Expr() | ast.AugAssign() | ast.Raise():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.If(test=test) | ast.While(test=test) if not isinstance(test, ast.Compare):
            yield _with(node, test=ast.UnaryOp(op=ast.Not(), operand=test))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _logic(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in COMPARED[type(operator)]:
                yield _with(node, ops=[other()])
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            for place in range(len(values)):
                kept = values[:place] + values[place + 1 :]
                yield kept[0] if len(kept) == 1 else _with(node, values=kept)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=otherwise):
            yield _with(node, body=otherwise, orelse=body)


def _arithmetic(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in COMPUTED:
            yield _with(node, op=COMPUTED[type(operator)]())
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield _with(node, func=ast.Name(id=CALLED[name], ctx=ast.Load()))
        case ast.Constant():
            yield from map(ast.Constant, _constants(node.value))


def _constants(value: object) -> Iterator[bool | int | float | str]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str() if SQL.search(value):
            for pattern, instead in QUERIED:
                for found in re.finditer(pattern, value):
                    yield value[: found.start()] + instead + value[found.end() :]


def _is_nothing(value: ast.expr) -> bool:
    """Tell whether callers could not tell a value from None."""
    return isinstance(value, ast.Constant) and (value.value is None or value.value is False)


def _with(node: Node, **fields: object) -> Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _words(node: ast.AST) -> str:
    words = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return words if len(words) <= 160 else f"{words[:80]} ... {words[-75:]}"
