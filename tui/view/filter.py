"""What a person types to see fewer rows: `reviews !canary err>1 p99>500 ns:prod,stage`.

Terms are joined by "and", and `!` before a term turns it round. A bare word is looked for in the
names. `FIELD:TEXT` looks in one text column (`*` and `?` are wildcards, and then must cover all of
it), `FIELD=TEXT` wants all of it, and a comma means "any of". Numbers are compared by `>`, `>=`,
`<`, `<=`, `=` and `!=`, in the unit that the column shows: percent, milliseconds, bytes. Text with
no capital ignores case. Quotes keep a blank or an operator in a word.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final, Generic, NamedTuple, TypeVar

from tui.model.text import plain
from tui.view.table import Column

T = TypeVar("T")
Test = Callable[[T], bool]

_FIELD = re.compile(r"([^\s><=!:]*)(>=|<=|!=|>|<|=|:)")
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-zµ%]*)", re.IGNORECASE)
_QUOTES: Final = "\"'"
_SHOWN: Final = 40
"""Characters of what was typed that an error repeats."""

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": lambda a, b: math.isclose(a, b, rel_tol=1e-9),
    ":": lambda a, b: math.isclose(a, b, rel_tol=1e-9),
    "!=": lambda a, b: not math.isclose(a, b, rel_tol=1e-9),
}
_UNITS: Final[dict[str, dict[str, float]]] = {
    "_seconds": {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0},
    "_ratio": {"%": 0.01},
    "": {"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "b": 1.0},
}
"""Units that a number may carry, by how the key of its column ends."""


class FilterError(ValueError):
    """A filter that cannot be read. `str()` of it is one sentence, safe to show."""


@dataclass(frozen=True, slots=True)
class Filter(Generic[T]):
    """Which rows to show. `text` gives the same filter when it is parsed again."""

    text: str
    _tests: tuple[Test[T], ...] = field(default=(), repr=False, compare=False)

    def accepts(self, item: T) -> bool:
        """Whether a row fulfils every term. What is missing fulfils no comparison, nor its `!`."""
        return all(test(item) for test in self._tests)


class _Token(NamedTuple):
    """One term as typed: `bare` is how many of its first characters stood outside quotes."""

    text: str
    bare: int


def parse(text: str, columns: Sequence[Column[T]]) -> Filter[T]:
    """The filter that `text` means for a table of these columns.

    Raises `FilterError`, and nothing else. Empty text accepts every row.
    """
    terms = [_term(token, columns) for token in _tokens(text)]
    return Filter(" ".join(shown for shown, _ in terms), tuple(test for _, test in terms))


def named(name: str, columns: Sequence[Column[T]]) -> Column[T]:
    """The column that goes by this name; `FilterError` if there is none."""
    fields = _fields(columns)
    found = fields.get(name.lower())
    if found is None:
        known = dict.fromkeys((c.words or (c.key,))[0] for c in fields.values())
        raise FilterError(f"No column is called {_short(name)}: there are {', '.join(known)}.")
    return found


def _fields(columns: Sequence[Column[T]]) -> dict[str, Column[T]]:
    """Columns by every name they go by; a short name beats a key, and a key a title."""
    named = [column for column in columns if column.words or not column.live]
    fields: dict[str, Column[T]] = {}
    for column in named:
        fields.update((word.lower(), column) for word in column.words)
    for column in named:
        fields.setdefault(column.key.lower(), column)
    for column in named:
        fields.setdefault(column.title.lower(), column)
    return fields


def _tokens(text: str) -> Iterator[_Token]:
    found, bare, quote = "", -1, ""
    pending = False
    for character in text:
        if quote:
            if character == quote:
                quote = ""
            else:
                found += character
        elif character in _QUOTES:
            quote, pending = character, True
            bare = len(found) if bare < 0 else bare
        elif character.isspace():
            if pending:
                yield _Token(found, len(found) if bare < 0 else bare)
            found, bare, pending = "", -1, False
        else:
            found += character
            pending = True
    if quote:
        raise FilterError(f"The filter ends inside a quotation: close it with {quote}.")
    if pending:
        yield _Token(found, len(found) if bare < 0 else bare)


def _quoted(text: str, always: bool = False) -> str:
    """`text` such that `_tokens` reads it as it is."""
    if text and not always and not any(c.isspace() or c in _QUOTES for c in text):
        return text
    parts = re.split('("+)', text) if '"' in text else [text]
    marked = (f"'{part}'" if part.startswith('"') else f'"{part}"' for part in parts if part)
    return "".join(marked) or '""'


def _term(token: _Token, columns: Sequence[Column[T]]) -> tuple[str, Test[T]]:
    """One term, as text and as a test."""
    inverse = token.bare > 0 and token.text[0] == "!"
    body = token.text[1:] if inverse else token.text
    bare = token.bare - inverse
    match = _FIELD.match(body)
    sign = "!" if inverse else ""
    if match is None or match.end() > bare:
        if not body:
            raise FilterError("A word is missing after ! or between quotes: write as in !canary.")
        literal = body[:1] == "!" or match is not None
        return sign + _quoted(body, literal), _found(body, columns, inverse)
    name, op = match.groups()
    value = body[match.end() :]
    if not name:
        raise FilterError(f"A column is missing before {op}: write as in err>1 or ns:prod.")
    column = named(name, columns)
    if not value.strip(","):
        raise FilterError(f"{_short(name)}{op} wants something to compare with.")
    if column.align == "left":
        test = _textual(column, op, value, inverse)
    else:
        test = _numeric(column, name, op, value, inverse)
    return f"{sign}{name}{op}{_quoted(value)}", test


def _short(text: str) -> str:
    return plain(text, _SHOWN)


def _found(word: str, columns: Sequence[Column[T]], inverse: bool) -> Test[T]:
    """A bare word, looked for in the names: the text columns that share what width is left over."""
    texts = [column for column in columns if column.align == "left"]
    values = [column.value for column in texts if column.flexible] or [c.value for c in texts]
    within = _within(word)

    def test(item: T) -> bool:
        return any(within(str(value(item))) for value in values) is not inverse

    return test


def _folded(pattern: str) -> bool:
    return not any(map(str.isupper, pattern))


def _within(pattern: str) -> Callable[[str], bool]:
    if _folded(pattern):
        wanted = pattern.casefold()
        return lambda text: wanted in text.casefold()
    return lambda text: pattern in text


def _like(pattern: str) -> Callable[[str], bool]:
    if not any(wildcard in pattern for wildcard in "*?"):
        return _within(pattern)
    flags = re.IGNORECASE if _folded(pattern) else 0
    matches = re.compile(translate(pattern.replace("[", "[[]")), flags).match
    return lambda text: matches(text) is not None


def _same(pattern: str) -> Callable[[str], bool]:
    if _folded(pattern):
        wanted = pattern.casefold()
        return lambda text: text.casefold() == wanted
    return lambda text: text == pattern


def _textual(column: Column[T], op: str, value: str, inverse: bool) -> Test[T]:
    if op not in (":", "=", "!="):
        raise FilterError(f"{column.title} is text: compare it with : or =, not with {op}.")
    kind = _like if op == ":" else _same
    any_of = [kind(part) for part in value.split(",") if part]
    wanted = (op == "!=") is inverse
    read = column.value

    def test(item: T) -> bool:
        text = read(item)
        if text is None:
            return False
        return any(fits(str(text)) for fits in any_of) is wanted

    return test


def _numeric(column: Column[T], name: str, op: str, value: str, inverse: bool) -> Test[T]:
    bound = _number(column, name, op, value)
    compare = _COMPARE[op]
    read = column.value

    def test(item: T) -> bool:
        number = read(item)
        if not isinstance(number, int | float) or math.isnan(number):
            return False
        return compare(number, bound) is not inverse

    return test


def _number(column: Column[T], name: str, op: str, value: str) -> float:
    """What was typed, in the unit of the column's values."""
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise FilterError(f"{_short(value)} is not a number: write as in {_short(name)}{op}10.")
    digits, unit = match.groups()
    if not unit:
        return float(digits) * column.factor
    units = next(units for end, units in _UNITS.items() if column.key.endswith(end))
    if unit.lower() not in units:
        known = ", ".join(units)
        raise FilterError(f"{_short(unit)} is no unit of {_short(name)}: it knows {known}.")
    return float(digits) * units[unit.lower()]
