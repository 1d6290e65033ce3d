"""The source against a real Prometheus that scrapes an Istio-like exporter every second."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.prometheus import free_port, needs_prometheus, running
from tests.sources.certificates import Certificates, made, needs_openssl
from tests.sources.exporter import HOSTILE, exporting
from tui.model.frame import Ask, Frame, Histogram, Kind, Match, Presence, Query
from tui.sources.base import Reason, SourceError
from tui.sources.prometheus import Endpoint, PrometheusSource

pytestmark = [pytest.mark.real, needs_prometheus]

WINDOW = 3.0
SERVER = Match("reporter", "=", "destination")

REQUESTS = Query(
    "requests", "istio_requests_total", ("destination_service_name", "response_code"), (SERVER,)
)
LATENCY = Query(
    "latency", "istio_request_duration_milliseconds", ("destination_service_name",), (SERVER,),
    Kind.HISTOGRAM, scale=0.001,
)  # fmt: skip
OPEN = Query("open", "envoy_active", ("destination_service_name",), kind=Kind.GAUGE)
BORN = Query("born", "istio_requests_total", ("destination_service_name",), kind=Kind.BORN)
MEAN = Query("mean", "istio_requests_total", ("reporter",), scale=0.001)
EITHER = Query(
    "either", "istio_requests_total", ("response_code",),
    either=((SERVER, Match("response_code", "=", "503")), (Match("reporter", "=", "source"),)),
)  # fmt: skip
NOTHING = Query("nothing", "istio_nothing_total", ("a",))


def config(port: int) -> str:
    return (
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs: [{job_name: istio-mesh, metrics_path: /stats/prometheus,\n"
        f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )


@pytest.fixture(scope="module")
def exporter() -> Iterator[int]:
    with exporting() as port:
        yield port


@pytest.fixture(scope="module")
def url(exporter: int) -> Iterator[str]:
    """A Prometheus that has scraped for longer than the window."""
    flags = ("--web.external-url=http://x.example/mesh/prom", "--web.route-prefix=/mesh/prom")
    with running(config(exporter), *flags, prefix="/mesh/prom") as address:
        give_up = time.monotonic() + 60
        while not oracle(address, f"count_over_time(up[{WINDOW + 7:.0f}s]) > {WINDOW + 4}"):
            assert time.monotonic() < give_up, "nothing was scraped"
            time.sleep(0.2)
        yield address


def oracle(url: str, query: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
    """What Prometheus itself answers: labels and value of each series."""
    form = {"query": query, **({} if at is None else {"time": f"{at:.3f}"})}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/api/v1/query?{urllib.parse.urlencode(form)}", timeout=20) as answer:
        found = json.load(answer)["data"]["result"]
    return [(series["metric"], float(series["value"][1])) for series in found]


async def poll(endpoint: Endpoint | str, ask: Ask) -> Frame:
    settings = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint)
    source = PrometheusSource(settings)
    try:
        return await source.poll(ask)
    finally:
        await source.close()


@pytest.mark.parametrize(
    ("query", "obvious"),
    [
        (
            REQUESTS,
            "sum by (destination_service_name, response_code) "
            '(rate(istio_requests_total{reporter="destination"}[3s]))',
        ),
        (OPEN, "sum by (destination_service_name) (envoy_active)"),
        (
            BORN,
            "sum by (destination_service_name) "
            "(istio_requests_total unless istio_requests_total offset 3s)",
        ),
        (MEAN, "sum by (reporter) (rate(istio_requests_total[3s])) * 0.001"),
        (
            EITHER,
            'sum by (response_code) (rate(istio_requests_total{reporter="destination", '
            'response_code="503"}[3s]) or rate(istio_requests_total{reporter="source"}[3s]))',
        ),
    ],
)
async def test_tables_hold_what_prometheus_answers(url: str, query: Query, obvious: str) -> None:
    frame = await poll(url, Ask((query,), WINDOW))
    table = frame.rates(query.table)
    expected = {
        tuple(labels.get(label, "") for label in query.by): value
        for labels, value in oracle(url, obvious, frame.at)
    }
    assert expected
    assert table.rows == expected
    if query is REQUESTS:
        assert {name for name, _ in expected} == {*HOSTILE, "reviews"}
        assert all(value > 0 for value in expected.values())


async def test_histograms_hold_the_rates_of_every_bucket(url: str) -> None:
    frame = await poll(url, Ask((LATENCY,), WINDOW))
    text = (
        "sum by (destination_service_name, le) (rate("
        'istio_request_duration_milliseconds_bucket{reporter="destination"}[3s]))'
    )
    buckets = {
        (labels["destination_service_name"], float(labels["le"])): value
        for labels, value in oracle(url, text, frame.at)
    }
    bounds = sorted({le for _, le in buckets})
    assert bounds == [0.5, 1.0, 5.0, 25.0, 100.0, math.inf]
    assert frame.histograms("latency").rows == {
        (name,): Histogram(
            tuple(le * 0.001 for le in bounds), tuple(buckets[name, le] for le in bounds)
        )
        for name in (*HOSTILE, "reviews")
    }


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_selects_itself_and_nothing_else(url: str, name: str) -> None:
    for match in (
        Match("destination_service_name", "=", name),
        Match.any_of("destination_service_name", (name, "nobody")),
    ):
        frame = await poll(url, Ask((REQUESTS.narrowed(match), OPEN.narrowed(match)), WINDOW))
        assert {key[0] for key in frame.rates("requests").rows} == {name}
        assert {key[0] for key in frame.rates("open").rows} == {name}


async def test_empty_tables_tell_absent_from_idle(url: str) -> None:
    source = PrometheusSource(Endpoint(url))
    ask = Ask((REQUESTS, LATENCY, OPEN, NOTHING), 0.5)
    first, second = await source.poll(ask), await source.poll(ask)
    await source.close()
    presence = {name: table.presence for name, table in second.tables.items()}
    assert presence == {
        "requests": Presence.NO_RATE, "latency": Presence.NO_RATE, "open": Presence.PRESENT,
        "nothing": Presence.ABSENT,
    }  # fmt: skip
    assert "did not ask which" in first.rates("nothing").reason
    # Two are found out in the first refresh; the third then, in the place of its query.
    assert (first.cost.queries, second.cost.queries) == (6, 4)
    assert second.warnings == ()


async def test_a_past_instant_and_a_past_range_agree(url: str) -> None:
    source = PrometheusSource(Endpoint(url))
    at = float(math.floor(time.time()) - 1)
    ask = Ask((REQUESTS, LATENCY, OPEN), WINDOW, at)
    then = await source.poll(ask)
    frames = await source.past(ask, at - 2.5, at + 0.5, 1.0)
    await source.close()
    assert then.at == at
    assert [frame.at for frame in frames] == [at - 2, at - 1, at]
    for name in ("requests", "latency", "open"):
        assert frames[-1].tables[name].rows == then.tables[name].rows
        assert len(then.tables[name]) > 0


async def test_the_scrape_interval_is_read(url: str) -> None:
    source = PrometheusSource(Endpoint(url))
    give_up = time.monotonic() + 20
    while (frame := await source.poll(Ask((OPEN,)))).scrape_interval is None:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)
    await source.close()
    assert frame.scrape_interval == 1.0


async def test_a_wrong_prefix_and_a_bad_query_are_told_apart(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        await poll(url.removesuffix("/prom"), Ask((OPEN,)))
    assert caught.value.reason is Reason.NOT_FOUND
    bad = OPEN.narrowed(Match("a", "=~", "("))
    with pytest.raises(SourceError, match="missing closing") as caught:
        await poll(url, Ask((bad,)))
    assert caught.value.reason is Reason.BAD_QUERY


async def test_a_server_that_goes_and_comes_back_is_read_again(exporter: int) -> None:
    port = free_port()
    with running(config(exporter), port=port) as address:
        source = PrometheusSource(Endpoint(address))
        await source.poll(Ask((OPEN,)))
    with pytest.raises(SourceError, match="refuses connections"):
        await source.poll(Ask((OPEN,)))
    with running(config(exporter), port=port):
        assert (await source.poll(Ask((OPEN,)))).at > 0
    await source.close()


WEB = """\
tls_server_config: {{cert_file: {cert}, key_file: {key}, {more}}}
basic_auth_users: {{sre: {bcrypt}}}
"""
BCRYPT = "$2b$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW"
"""Of `sesame`."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made(tmp_path_factory.mktemp("certificates"))


def web(folder: Path, certificates: Certificates, more: str = "") -> str:
    """The flag for a web configuration with TLS and a password."""
    pair, file = certificates.server, folder / "web.yml"
    file.write_text(WEB.format(cert=pair.cert, key=pair.key, more=more, bcrypt=BCRYPT))
    return f"--web.config.file={file}"


@needs_openssl
async def test_tls_and_a_password_open_it(tmp_path: Path, certificates: Certificates) -> None:
    password = tmp_path / "password"
    password.write_text("sesame\n")
    opened = {"Authorization": f"Basic {base64.b64encode(b'sre:sesame').decode()}"}
    flag = web(tmp_path, certificates)
    with running("", flag, tls=True, headers=opened) as address:
        right = Endpoint(
            address, ca=certificates.ca, basic_user="sre", basic_password_file=password
        )
        assert (await poll(right, Ask((OPEN,)))).rates("open").presence is Presence.ABSENT
        for endpoint, reason, words in [
            (replace(right, ca=None), Reason.TLS, "--ca"),
            (replace(right, basic_user=None, basic_password_file=None), Reason.UNAUTHORIZED,
             "wants a credential"),
            (replace(right, basic_user="eve"), Reason.UNAUTHORIZED, "refuses the credential"),
            (replace(right, url=address.replace("https", "http")), Reason.TLS, "write https"),
        ]:  # fmt: skip
            with pytest.raises(SourceError, match=words) as caught:
                await poll(endpoint, Ask((OPEN,)))
            assert caught.value.reason is reason


@needs_openssl
async def test_a_client_certificate_opens_it(tmp_path: Path, certificates: Certificates) -> None:
    client = certificates.client
    more = f"client_auth_type: RequireAndVerifyClientCert, client_ca_file: {certificates.ca}"
    opened = {"Authorization": f"Basic {base64.b64encode(b'sre:sesame').decode()}"}
    flag = web(tmp_path, certificates, more)
    with running("", flag, tls=True, headers=opened, client=(client.cert, client.key)) as address:
        named = address.replace("//", "//sre:sesame@")
        known = Endpoint(named, ca=certificates.ca, cert=client.cert, key=client.key)
        assert (await poll(known, Ask((OPEN,)))).rates("open").presence is Presence.ABSENT
        with pytest.raises(SourceError, match="--cert") as caught:
            await poll(Endpoint(named, ca=certificates.ca), Ask((OPEN,)))
        assert "sesame" not in str(caught.value)
