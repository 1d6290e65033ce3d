"""The text format, against prometheus_client and against what servers really send."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tui.sources.exposition import ExpositionError, Sample, sample, series
from tui.sources.page import Page

REVIEWS = Path(__file__).parents[1] / "data" / "envoy" / "reviews.txt"
Series = tuple[str, frozenset[tuple[str, str]]]
Values = dict[Series, float]


def reference(text: str) -> Values:
    """What prometheus_client reads; of a series that is there twice, the first."""
    found: Values = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = frozenset((k, v) for k, v in one.labels.items() if v)
            found.setdefault((one.name, labels), one.value)
    return found


def once(body: bytes) -> Values:
    found: Values = {}
    for one in series(body):
        found.setdefault((one.name, frozenset(one.labels.items())), one.value)
    return found


def again(page: Page, body: bytes) -> Values:
    """What a page has, by series."""
    found: Values = {}
    for slot, value in enumerate(page.read(body)):
        if slot not in page.absent:
            found[named(page, slot)] = value
    return found


def named(page: Page, slot: int) -> Series:
    stem, bound = page.stems[slot], page.bounds[slot]
    return stem.name, frozenset([*stem.labels.items(), *([("le", bound)] if bound else [])])


def same(one: Values, other: Values) -> bool:
    return one.keys() == other.keys() and all(
        value == other[key] or (math.isnan(value) and math.isnan(other[key]))
        for key, value in one.items()
    )


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Three families with whatever labels and numbers, in any order, some lines twice."""
    names = st.sampled_from(["a", "le_", "role", "zone", "reporter"])
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
        [',le="1', "} 5", "# TYPE b counter", " ", "\\", "{", '"', ",le="]
    )
    labels = st.dictionaries(names, texts, max_size=3)
    numbers = st.sampled_from(["0", "1", "42", "-7", "1.5e+06", "NaN", "+Inf", "-Inf", "1e-9"])
    lines: list[str] = []
    for name, kind in draw(st.permutations([("b_total", "counter"), ("g", "gauge")])):
        lines.append(f"# TYPE {name} {kind}")
        for block in draw(st.lists(labels, max_size=4)):
            lines.append(f"{name}{{{joined(block)}}} {draw(numbers)}")
    lines.append("# TYPE h histogram")
    for block in draw(st.lists(labels, max_size=3)):
        for bound in draw(st.lists(st.sampled_from(["0.5", "1", "25", "+Inf"]), unique=True)):
            both = [f'le="{bound}"', joined(block)] if draw(st.booleans()) else []
            inside = ",".join(x for x in both or [joined(block), f'le="{bound}"'] if x)
            lines.append(f"h_bucket{{{inside}}} {draw(numbers)}")
        lines.append(f"h_sum{{{joined(block)}}} {draw(numbers)}")
    return "\n".join(lines) + draw(st.sampled_from(["\n", "", "\n\n", "\n# EOF\n"]))


def joined(block: dict[str, str]) -> str:
    return ",".join(f'{key}="{escaped(value)}"' for key, value in block.items())


NAMES = frozenset({"b_total", "g", "h_bucket", "h_sum"})


@given(pages())
def test_every_value_is_what_prometheus_client_reads(text: str) -> None:
    expected = reference(text)
    assert same(once(text.encode()), expected)
    page = Page(NAMES)
    assert same(again(page, text.encode()), expected)
    assert same(again(page, text.encode()), expected)


@given(st.lists(pages(), min_size=2, max_size=5), st.data())
def test_slots_stay_through_every_change_of_layout(texts: list[str], data: st.DataObject) -> None:
    page, known = Page(NAMES), list[Series]()
    for text in [*texts, *data.draw(st.permutations(texts))]:
        assert same(again(page, text.encode()), reference(text))
        slots = [named(page, slot) for slot in range(len(page.stems))]
        assert slots[: len(known)] == known
        assert len(set(slots)) == len(slots)
        known = slots


def test_a_real_envoy_page_is_read_value_by_value() -> None:
    body = REVIEWS.read_bytes()
    assert b"\nistio_requests_total{" in body
    # prometheus_client renames counters that do not end in _total
    expected = {
        (name.removesuffix("_total"), labels): value
        for (name, labels), value in reference(body.decode()).items()
    }
    cold = {
        (name.removesuffix("_total"), labels): value for (name, labels), value in once(body).items()
    }
    assert same(cold, expected)
    page = Page(frozenset(name for name, _ in once(body)))
    assert same(again(page, body), once(body))
    moved = body.replace(b"} 20\n", b"} 1234567\n")
    assert moved != body
    assert same(again(page, moved), once(moved))
    assert page.dropped == 0


def test_only_the_wanted_samples_are_kept() -> None:
    body = REVIEWS.read_bytes()
    page = Page(frozenset({"istio_request_bytes_sum", "istio_requests_total"}))
    expected = {key: value for key, value in once(body).items() if key[0] in page.names}
    assert len(expected) == 4
    assert same(again(page, body), expected)


def test_wanting_more_keeps_the_slots() -> None:
    body = REVIEWS.read_bytes()
    page = Page(frozenset({"istio_requests_total"}))
    page.read(body)
    before = [named(page, slot) for slot in range(len(page.stems))]
    page.names = frozenset({"istio_requests_total", "istio_response_bytes_bucket"})
    page.read(body)
    assert [named(page, slot) for slot in range(len(before))] == before
    assert {stem.name for stem in page.stems} == page.names


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"up 1", Sample("up", {}, 1)),
        (b"up{} 1", Sample("up", {}, 1)),
        (b"up  \t 1 1700000000000", Sample("up", {}, 1)),
        (b"up\t1", Sample("up", {}, 1)),
        (b'up { a = "b" , } 1.5\r', Sample("up", {"a": "b"}, 1.5)),
        (b'up{a=""} 1', Sample("up", {}, 1)),
        (b'up{a="} 2 \\"# {"} 1', Sample("up", {"a": '} 2 "# {'}, 1)),
        (b'up{a="\\\\n\\n\\x"} 1', Sample("up", {"a": "\\n\n\\x"}, 1)),
        (b'up{a="caf\xe9"} 1', Sample("up", {"a": "caf�"}, 1)),
        (b'h_bucket{le="1"} 3 # {trace_id="x"} 0.5', Sample("h_bucket", {"le": "1"}, 3)),
        (b'h_bucket{le="1"} 3 1.5 # {t="x"} 0.5 1.6', Sample("h_bucket", {"le": "1"}, 3)),
        (b"up +Inf", Sample("up", {}, math.inf)),
    ],
)
def test_a_line_is_read(line: bytes, expected: Sample) -> None:
    assert sample(line) == expected


BAD = [
    b"up",
    b"up{",
    b"up one",
    b"up 1_000",
    b"5up 1",
    b"up{a=b} 1",
    b'up{a="b} 1',
    b'up{a="b" c="d"} 1',
    b'up{a="b",a="c"} 1',
    b'up{,a="b"} 1',
    b'{"quoted.name"} 1',
    b"up 1 2 3",
    b"\x1b[2J\x00\xff",
    b"up{a=" + b'"' * 999 + b"} 1",
    b"<html>",
]


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_costs_only_itself(line: bytes) -> None:
    assert sample(line) is None
    body = b'# TYPE up counter\nup{a="1"} 5\n' + line + b'\nup{a="2"} 7\n'
    page = Page(frozenset({"up"}))
    for _ in range(2):
        assert list(page.read(body)) == [5, 7]
        assert page.dropped == 1
    assert [x.value for x in series(body)] == [5, 7]


def test_bad_lines_that_change_leave_nothing_behind() -> None:
    page = Page(frozenset({"up"}))
    for i in range(50):
        page.read(b'# TYPE up counter\nup{bad="%d} 1\nup{a="1"} 5\n' % i)
        if i == 0:
            first = len(page._texts), len(page._known)
    assert (len(page._texts), len(page._known)) == first


def test_the_first_of_two_equal_series_is_taken() -> None:
    page = Page(frozenset({"up"}))
    body = b'# TYPE up counter\nup{a="1",b="2"} 5\nup{b="2",a="1"} 7\n# TYPE up counter\nup 1\n'
    for _ in range(2):
        assert list(page.read(body)) == [5, 1]
        assert page.dropped == 1


def test_a_series_is_the_same_in_whatever_form_it_is_written() -> None:
    page = Page(frozenset({"up", "h_bucket"}))
    forms = [b'up{a="1",le="5"} 1', b'up{le="5",a="1"} 2', b'up {a="1",le="5"} 3 1700000000', b""]
    seen = []
    for form in forms:
        seen.append(list(page.read(b"# TYPE up gauge\n" + form + b"\n")))
    assert [x[0] for x in seen[:3]] == [1, 2, 3]
    assert math.isnan(seen[3][0])
    assert page.absent == {0}
    for form in (b"up 4\n", b"up{} 4\n", b"up 4"):
        assert list(page.read(b"# TYPE up gauge\n" + form))[1:] == [4]


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html>\n<html><body>404</body></html>\n",
        b'{"status": "error"}',
        b"\x1f\x8b\x08\x00binary\x00\x00",
        b"no healthy upstream",
        b"# TYPE up counter\nup one\nup two\n",
        b"\xff" * 100_000,
    ],
)
def test_what_is_no_page_is_one_harmless_sentence(body: bytes) -> None:
    with pytest.raises(ExpositionError) as caught:
        Page(frozenset({"up"})).read(body)
    sentence = str(caught.value)
    assert sentence.startswith("no page of Prometheus metrics (it begins with")
    assert sentence.isprintable()
    assert len(sentence) < 120


@pytest.mark.parametrize("body", [b"", b"\n \n", b"# EOF\n", b"# TYPE other gauge\nother 1\n"])
def test_a_page_may_have_nothing_that_is_wanted(body: bytes) -> None:
    assert list(Page(frozenset({"up"})).read(body)) == []


def test_rubbish_after_a_good_page_changes_nothing() -> None:
    page = Page(frozenset({"up"}))
    page.read(b"# TYPE up counter\nup 1\n")
    with pytest.raises(ExpositionError):
        page.read(b"<html>")
    assert list(page.read(b"# TYPE up counter\nup 2\n")) == [2]
    assert page.absent == frozenset()


def test_a_cold_reading_refuses_what_is_no_page() -> None:
    with pytest.raises(ExpositionError):
        list(series(b"<html>\n</html>"))


def test_the_merged_page_of_pilot_agent() -> None:
    """Envoy's families, then an application that speaks OpenMetrics, then the agent."""
    envoy = b'# TYPE istio_requests_total counter\nistio_requests_total{a="b"} %d\n\n'
    rest = (
        b"# HELP app_total Istio_requests_total of an app.\n# TYPE app counter\n"
        b'app_total{le="x"} 5 %d.5 # {trace_id="# TYPE istio_requests_total counter"} 1\n# EOF\n'
        b"# HELP istio_agent_up agent\n# TYPE istio_agent_up gauge\nistio_agent_up 1\n"
    )
    page = Page(frozenset({"istio_requests_total"}))
    for i in range(3):
        assert list(page.read(envoy % i + rest % (1700000000 + i))) == [i]
    assert page.dropped == 0
