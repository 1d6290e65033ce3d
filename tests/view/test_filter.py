from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.text import plain
from tui.view.filter import FilterError, named, parse
from tui.view.services import COLUMNS
from tui.view.table import Cell, Column


@dataclass(frozen=True)
class Item:
    name: str = "reviews"
    namespace: str = "prod"
    errors: float | None = 0.02
    p99: float | None = 0.6
    load: float | None = 12.0
    health: str = "degraded"


def _cell(_: Item) -> Cell:
    return Cell("")


TABLE: tuple[Column[Item], ...] = (
    Column("service", "SERVICE", 9, lambda i: i.name, _cell, "", align="left", flexible=True,
           words=("svc",)),
    Column("namespace", "NAMESPACE", 9, lambda i: i.namespace, _cell, "", align="left",
           flexible=True, words=("ns",)),
    Column("history", "REQUESTS", 9, lambda i: [i.load], _cell, "", live=True),
    Column("requests_per_second", "RPS", 9, lambda i: i.load, _cell, "", words=("rps", "requests")),
    Column("error_ratio", "ERR", 9, lambda i: i.errors, _cell, "", words=("err",), factor=0.01),
    Column("p99_seconds", "P99", 9, lambda i: i.p99, _cell, "", words=("p99",), factor=0.001),
    Column("bytes_per_second", "BYTES/S", 9, lambda i: 1500, _cell, "", live=True,
           words=("bytes",)),
    Column("health", "HEALTH", 9, lambda i: i.health, _cell, "", align="left", words=("health",)),
)  # fmt: skip
REVIEWS = Item()


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "rev", "view prod", "!canary", "err>1", "err>=2", "err<=2",
        "err=2", "err:2", "err!=3", "err<2.1", "ERR>1", "error_ratio>1", "err>1%", "p99>500",
        "p99>0.5s", "p99>500ms", "p99>500000us", "p99<1m", "rps>10", "requests>10", "bytes>1000",
        "bytes>1k", "bytes<2kB", "bytes<1M", "!err>3", "!p99<500", "ns:prod", "ns:pro", "ns=prod",
        "ns:p?od", "ns:*d", "ns:stage,prod", "ns=stage,prod", "ns!=stage", "ns!=stage,test",
        "!ns:stage", "!ns!=prod", "NS:prod", "NAMESPACE:prod", "health:degraded",
        "svc:rev ns:prod err>1 !canary", '"rev"', "'rev'", 're"vi"ews', 'ns:"prod"', "ns:prod,",
        "rps>1e1", "rps>.5", "rps<1e999", "rps>-1",
    ],
)  # fmt: skip
def test_accepts(text: str) -> None:
    assert parse(text, TABLE).accepts(REVIEWS)


@pytest.mark.parametrize(
    "text",
    [
        "ratings", "Rev", "rev ratings", "!rev", "degraded", "err>2", "err<2", "err=3", "err!=2",
        "p99>0.7s", "bytes>2k", "!err>1", "ns:stage", "ns=pro", "ns:p?d", "ns:ro*", "!ns:prod",
        "ns:Prod", "ns=PROD", "ns!=prod", "ns!=prod,stage", '"err>1"', "'!rev'", "health:failing",
        "rps>12", "ns:[p]rod",
    ],
)  # fmt: skip
def test_refuses(text: str) -> None:
    assert not parse(text, TABLE).accepts(REVIEWS)


@pytest.mark.parametrize("op", [">", ">=", "<", "<=", "=", ":", "!="])
@pytest.mark.parametrize("sign", ["", "!"])
@pytest.mark.parametrize("number", [None, math.nan])
def test_what_is_missing_fulfils_no_comparison(op: str, sign: str, number: float | None) -> None:
    assert not parse(f"{sign}err{op}0", TABLE).accepts(Item(errors=number))


def test_text_with_a_capital_minds_it() -> None:
    shop = Item(name="ShopFront")
    assert parse("shop", TABLE).accepts(shop)
    assert parse("Shop", TABLE).accepts(shop)
    assert not parse("shopF Shopf", TABLE).accepts(shop)
    assert parse("svc=shopfront svc=ShopFront svc:Sh*t svc:sh*T", TABLE).accepts(shop) is False
    assert parse("svc=shopfront svc=ShopFront svc:Sh*t", TABLE).accepts(shop)


def test_names_may_hold_anything() -> None:
    odd = Item(name="a b\"c'd>1\n*[x]")
    assert parse("'a b' \"'\" 'b\"c' 'd>1' [x]", TABLE).accepts(odd)
    assert parse("svc:*[x]", TABLE).accepts(odd)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color>1", ("color", "svc, ns, rps, err, p99, bytes, health")),
        ("history>1", ("history", "svc")),
        ("err>", ("err>", "compare")),
        ("ns:", ("ns:", "compare")),
        ("ns:,", ("ns:", "compare")),
        (">5", ("column", ">")),
        ("!=5", ("column", "=")),
        ("!", ("word",)),
        ('""', ("word",)),
        ("err>many", ("many", "err>10")),
        ("err>nan", ("nan",)),
        ("err>1ms", ("ms", "%")),
        ("p99>1kB", ("kB", "ms")),
        ("ns>5", ("NAMESPACE", "text")),
        ('say "hello', ("quotation", '"')),
        ("err>\x1b[31m", ("number",)),
        ("\x1b]0;x\x07>1", ("No column",)),
    ],
)
def test_says_what_is_wrong(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, TABLE)
    sentence = str(caught.value)
    assert all(word in sentence for word in words)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert len(sentence) < 200


tokens = st.sampled_from(
    [
        *"!<>=:,*?\"' \t\n",
        "err",
        "ns",
        "p99",
        "rps",
        "1",
        "5k",
        "%",
        "prod",
        "Rev",
        "\x1b",
        "ß",
        "[",
    ]
)
typed = st.one_of(st.text(max_size=30), st.lists(tokens, max_size=12).map("".join))


@given(typed, st.builds(Item, name=st.text(max_size=9), errors=st.floats() | st.none()))
def test_any_text_is_a_filter_or_a_sentence(text: str, item: Item) -> None:
    try:
        found = parse(text, TABLE)
    except FilterError as error:
        sentence = str(error)
        assert plain(sentence, 1000) == sentence
        return
    again = parse(found.text, TABLE)
    assert again.text == found.text
    assert again == found
    assert again.accepts(item) == found.accepts(item)


@given(st.text(min_size=1, max_size=20))
def test_a_quoted_name_finds_itself(name: str) -> None:
    quoted = '"\'"'.join(f"'{part}'" for part in name.split("'"))
    assert parse(quoted, TABLE).accepts(Item(name=name))
    assert not parse(f"!{quoted}", TABLE).accepts(Item(name=name))


@given(st.floats(0, 1), st.floats(0, 100))
def test_a_comparison_and_its_inverse_divide_what_is_known(errors: float, bound: float) -> None:
    item = Item(errors=errors)
    above = parse(f"err>{bound:f}", TABLE).accepts(item)
    assert above is not parse(f"err<={bound:f}", TABLE).accepts(item)
    assert above is not parse(f"!err>{bound:f}", TABLE).accepts(item)


def test_many_wildcards_do_not_hang() -> None:
    stars = parse("svc:" + "*a" * 40 + "b", TABLE)
    assert not stars.accepts(Item(name="a" * 200))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("err", "error_ratio"), ("p99", "p99_seconds"), ("rps", "requests_per_second"),
        ("4xx", "client_error_ratio"), ("mtls", "mtls_ratio"), ("bytes", "bytes_per_second"),
        ("ns", "namespace"), ("health", "health"), ("requests", "requests_per_second"),
        ("in/s", "request_bytes_per_second"), ("p50_seconds", "p50_seconds"),
    ],
)  # fmt: skip
def test_the_columns_of_services_go_by_short_names(name: str, key: str) -> None:
    assert named(name, COLUMNS).key == key
    assert named(name.upper(), COLUMNS).key == key
