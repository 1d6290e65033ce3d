"""Conditions that a pipeline sets: `B.error_ratio - A.error_ratio < 0.005`, read and decided.

The language is a small part of Python's expressions: numbers, names, `+ - * /`, comparisons, `and`,
`or`, `not` and parentheses. It is parsed, checked and walked here, and never run. What depends on
missing data is undecided, neither true nor false, as in Kleene's logic.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from tui.model.text import plain

LONGEST: Final = 400
"""Characters of a check."""
DEEPEST: Final = 40
"""Operations inside of each other."""
_SHOWN: Final = 60

Number = float
Words = tuple[str, ...]
"""The texts that a name may stand for."""
Kind = type[Number] | Words
Value = float | str | None
"""What a name stands for; `None` is missing."""

_BINARY: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARED: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class CheckError(ValueError):
    """A text is no check. `str()` of it is one sentence."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition; `text` is how it was written."""

    text: str
    _tree: ast.expr

    def holds(self, value: Callable[[str], Value]) -> bool | None:
        """Whether it is true of what the names stand for; `None` if that cannot be decided."""
        return _truth(self._tree, value)


def parse(text: str, kind: Callable[[str], Kind | None], names: Iterable[str] = ()) -> Check:
    """The check that a text is. `CheckError` if it is none.

    `kind` says what a name (`verdict`, `A.error_ratio`) stands for, a number or one of some texts,
    and `None` of a name that there is not. `names` are for suggestions.
    """
    try:
        if len(text) > LONGEST:
            raise CheckError(f"a check has at most {LONGEST} characters.")
        tree = _tree(text)
        if _checked(tree, kind, tuple(names)) is not bool:
            raise CheckError("a check compares: write it as B.error_ratio < 0.01.")
    except CheckError as error:
        raise CheckError(f"{plain(text, _SHOWN)}: {error}") from None
    return Check(text, tree)


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise CheckError(f"that is no expression{where}.") from None
    except (ValueError, RecursionError, MemoryError):
        raise CheckError("that is no expression.") from None
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise CheckError("that is too deeply nested.")
    return tree


def _checked(
    node: ast.expr, kind: Callable[[str], Kind | None], names: tuple[str, ...]
) -> type[bool] | Kind:
    """What an expression is: a truth, a number, or a text of some; `CheckError` if it is nothing.

    A text literal is the one text that it is.
    """

    def number(part: ast.expr) -> type[Number]:
        if _checked(part, kind, names) is not Number:
            raise CheckError(f"{_shown(part)} is no number.")
        return Number

    def truth(part: ast.expr) -> type[bool]:
        if _checked(part, kind, names) is not bool:
            raise CheckError(f"{_shown(part)} is no condition.")
        return bool

    match node:
        case ast.BoolOp(values=values):
            for part in values:
                truth(part)
            return bool
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return truth(part)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=part):
            return number(part)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return number(left) and number(right)
        case ast.Compare(left=left, ops=ops, comparators=rest) if {*map(type, ops)} <= {*_COMPARED}:
            sides = [_checked(part, kind, names) for part in (left, *rest)]
            for a, how, b in zip(sides, ops, sides[1:], strict=False):
                _comparable(a, b, equality=isinstance(how, ast.Eq | ast.NotEq))
            return bool
        case ast.Constant(value=str(literal)):
            return (literal,)
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return _literal(node)
        case ast.Name() | ast.Attribute():
            return _known(_name(node), kind, names)
    raise CheckError(f"{_shown(node)} is not allowed: there are + - * / < <= == and or not ( ).")


def _literal(node: ast.Constant) -> type[Number]:
    try:
        if math.isfinite(float(node.value)):  # type: ignore[arg-type]
            return Number
    except OverflowError:
        pass
    raise CheckError(f"{_shown(node)} is too large a number.")


def _comparable(a: type[bool] | Kind, b: type[bool] | Kind, equality: bool) -> None:
    if a is Number and b is Number:
        return
    if isinstance(a, tuple) and isinstance(b, tuple) and equality:
        known, other = (a, b) if len(a) > len(b) else (b, a)
        if not set(other) <= set(known):
            raise CheckError(
                f"“{plain(other[0], _SHOWN)}” is never it: there is {', '.join(known)}."
            )
        return
    raise CheckError("two numbers are compared, or two texts with == and !=.")


def _known(name: str, kind: Callable[[str], Kind | None], names: tuple[str, ...]) -> Kind:
    found = kind(name)
    if found is None:
        near = next(iter(get_close_matches(name, names, 1, 0.6)), "")
        hint = f": did you mean {near}?" if near else ": names are those of -o json, as A.requests."
        raise CheckError(f"{plain(name, _SHOWN)} is unknown{hint}")
    return found


def _name(node: ast.expr) -> str:
    """`A.error_ratio` of such a node, and `verdict` of a plain name."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else _shown(node)


def _shown(node: ast.expr) -> str:
    return plain(ast.unparse(node), _SHOWN)


def _truth(node: ast.expr, value: Callable[[str], Value]) -> bool | None:
    """Whether a checked condition holds."""
    match node:
        case ast.BoolOp(op=op, values=values):
            decides = isinstance(op, ast.Or)
            found = [_truth(part, value) for part in values]
            return decides if decides in found else None if None in found else not decides
        case ast.UnaryOp(operand=part):
            held = _truth(part, value)
            return None if held is None else not held
        case ast.Compare(left=left, ops=ops, comparators=rest):
            sides = [_value(part, value) for part in (left, *rest)]
            each = [
                None if a is None or b is None else _COMPARED[type(op)](a, b)
                for a, op, b in zip(sides, ops, sides[1:], strict=False)
            ]
            return False if False in each else None if None in each else True
    raise AssertionError(f"unchecked: {ast.dump(node)}")


def _value(node: ast.expr, value: Callable[[str], Value]) -> Value:
    """What a checked number or text is; `None` where it is missing or no finite number."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=literal):
            return float(literal)  # type: ignore[arg-type]
        case ast.UnaryOp(op=op, operand=part):
            return _finite(lambda x, _: -x if isinstance(op, ast.USub) else x, part, part, value)
        case ast.BinOp(left=left, op=op, right=right):
            return _finite(_BINARY[type(op)], left, right, value)
    found = value(_name(node))
    return None if isinstance(found, float) and not math.isfinite(found) else found


def _finite(
    operate: Callable[[float, float], float],
    left: ast.expr,
    right: ast.expr,
    value: Callable[[str], Value],
) -> float | None:
    a, b = _value(left, value), _value(right, value)
    if not isinstance(a, float | int) or not isinstance(b, float | int):
        return None
    try:
        found = operate(a, b)
    except (ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None
