"""What the table of services has to say, from PromQL that a person would write by hand.

Nothing here is rendered by the program: each number of a row is one query, and Prometheus answers
it. Shares and health follow from those numbers as the columns' help says.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from string import Template
from typing import Any, Final

import httpx

Json = dict[str, Any]
LIMIT: Final = 30.0
"""Seconds that one answer may take: a bound on a hang."""
SERVERS: Final = 'reporter=~"destination|waypoint"'
CLIENTS: Final = 'reporter="source"'
MUTUAL: Final = 'connection_security_policy="mutual_tls"'
JUDGED: Final = 'connection_security_policy!~"unknown|"'
_LEFT_NO_PROXY: Final = "UO|UF|UH|NR|NC|FI|RL|RLSE|DF|UAEX|DPE|NFCF|OM|UDO"

_REQUESTS: Final = "sum(rate(istio_requests_total{$own}[$w]))"
_FAILED: Final = """(sum(
    rate(istio_requests_total{$own,response_code=~"5..|0"}[$w])
 or rate(istio_requests_total{$own,grpc_response_status!~"0|"}[$w])) or vector(0))"""
_REFUSED: Final = """(sum(
    rate(istio_requests_total{$own,response_code=~"4..",grpc_response_status=~"0|"}[$w])
) or vector(0))"""
_LOST: Final = """(sum(
    rate(istio_requests_total{$callers,response_flags=~"(.*,)?(LEFT)(,.*)?"}[$w])
 or rate(istio_requests_total{$callers,destination_workload=~"unknown|",response_code="0"}[$w])
 or rate(istio_requests_total{
      $callers,destination_workload=~"unknown|",response_flags=~"(.*,)?URX(,.*)?"}[$w])
) or vector(0))""".replace("LEFT", _LEFT_NO_PROXY)
_QUANTILE: Final = """histogram_quantile(SHARE,
    sum by (le) (rate(istio_request_duration_milliseconds_bucket{$own}[$w]))) / 1000"""
_BORN: Final = """sum((
    istio_requests_total{$own,response_code=~"5..|0"}
 or istio_requests_total{$own,grpc_response_status!~"0|"}
) unless istio_requests_total{$own} offset $w)"""


def _both(http: str, tcp: str) -> str:
    one, other = (f"sum(rate({name}{{$own}}[$w]))" for name in (http, tcp))
    return f"{one} + {other} or {one} or {other}"


BY_HAND: Final = {
    "requests_per_second": _REQUESTS,
    "error_ratio": f"({_FAILED} + {_LOST}) / ({_REQUESTS} + {_LOST})",
    "client_error_ratio": f"{_REFUSED} / ({_REQUESTS} + {_LOST})",
    "unreached_per_second": _LOST,
    "no_response_per_second":
        'sum(rate(istio_requests_total{$own,response_code="0"}[$w])) or vector(0)',
    "p50_seconds": _QUANTILE.replace("SHARE", "0.5"),
    "p95_seconds": _QUANTILE.replace("SHARE", "0.95"),
    "p99_seconds": _QUANTILE.replace("SHARE", "0.99"),
    "request_bytes_per_second": _both("istio_request_bytes_sum", "istio_tcp_received_bytes_total"),
    "response_bytes_per_second": _both("istio_response_bytes_sum", "istio_tcp_sent_bytes_total"),
    "mtls_ratio": f"""(sum(rate(istio_requests_total{{$own,{MUTUAL}}}[$w])) or vector(0))
      / sum(rate(istio_requests_total{{$own,{JUDGED}}}[$w]))""",
}  # fmt: skip
"""Each numeric key of a row: `$own` selects the reports that are a row's, `$callers` those of its
clients, `$w` is the window."""
MEAN: Final = """sum(rate(istio_request_duration_milliseconds_sum{$own}[$w]))
    / sum(rate(istio_request_duration_milliseconds_count{$own}[$w])) / 1000"""
"""`mean_seconds` where there are no buckets."""
SHARES: Final = ("error_ratio", "client_error_ratio")
"""Of no requests no share is wrong: they are 0 where Prometheus says 0 / 0."""


def literal(text: str) -> str:
    """A label value as PromQL writes it."""
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Whose:
    """A row, and the selectors of what it is made of. `callers` select clients' reports of requests
    that may never have arrived; nothing where those are the row's own already.
    """

    kind: str
    namespace: str
    name: str
    own: str
    callers: str = 'reporter="nobody"'


@dataclass(frozen=True, slots=True)
class Oracle:
    """One Prometheus at one instant (Unix seconds), over one window (seconds).

    `service` and `namespace` are the labels that tell services apart; where a Prometheus has only
    `destination_service`, `service` is that and `namespace` is empty.
    """

    http: httpx.Client
    url: str
    at: float
    window: int = 60
    service: str = "destination_service_name"
    namespace: str = "destination_service_namespace"
    buckets: bool = True

    def ask(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each sample of the answer."""
        form = {"query": promql, "time": f"{self.at:.3f}"}
        answer = self.http.post(f"{self.url}/api/v1/query", data=form)
        assert answer.status_code == 200, f"{answer.text}\n{promql[:2000]}"
        return [(s["metric"], float(s["value"][1])) for s in answer.json()["data"]["result"]]

    def number(self, promql: str) -> float | None:
        """The one number of an answer; `None` where there is none, or it is NaN."""
        values = [value for _, value in self.ask(promql)]
        assert len(values) < 2, promql[:2000]
        return values[0] if values and not math.isnan(values[0]) else None

    def rows(self, scope: str = "") -> list[Json]:
        """Every row, in no order. `scope`: the one namespace to show; nothing is all."""
        return [self.row(whose) for whose in self.everyone() if scope in ("", whose.namespace)]

    def everyone(self) -> list[Whose]:
        """Whose rows there are, in no order."""
        return [*self._services(), *self._gateways()]

    def row(self, whose: Whose) -> Json:
        """One row, each number of which is Prometheus' own."""
        values = {key: self.number(self._of(promql, whose)) for key, promql in BY_HAND.items()}
        if values["requests_per_second"] is not None:
            values |= {key: values[key] or 0.0 for key in SHARES}
        served = SERVERS in whose.own
        if not served:
            values["unreached_per_second"] = None
        # The means of gateways would be a 13th and a 14th query of one refresh.
        wanted = not self.buckets and whose.kind == "service"
        values["mean_seconds"] = self.number(self._of(MEAN, whose)) if wanted else None
        born = self.number(self._of(_BORN, whose)) if served else None
        return {
            "service": whose.name, "namespace": whose.namespace, "kind": whose.kind,
            "health": health(values, self.window, born or 0.0), **values,
        }  # fmt: skip

    def _of(self, promql: str, whose: Whose) -> str:
        return Template(promql).substitute(
            own=whose.own, callers=whose.callers, w=f"{self.window}s"
        )

    def _groups(self, metric: str, *by: str) -> set[tuple[str, ...]]:
        found = self.ask(f"count by ({','.join(by)}) (rate({metric}[{self.window}s]))")
        return {tuple(labels.get(label, "") for label in by) for labels, _ in found}

    def _services(self) -> list[Whose]:
        by = (self.service, *filter(None, [self.namespace]))
        http, tcp = "istio_requests_total", "istio_tcp_received_bytes_total"
        served = {
            group for metric in (http, tcp) for group in self._groups(f"{metric}{{{SERVERS}}}", *by)
        }
        called = self._groups(f"{http}{{{CLIENTS}}}", *by) - served
        nowhere = ("unknown",) * len(by)
        return [
            *(self._service(by, group, SERVERS, CLIENTS) for group in served),
            *(self._service(by, group, CLIENTS) for group in called - {nowhere}),
        ]

    def _service(
        self, by: tuple[str, ...], group: tuple[str, ...], side: str, callers: str = ""
    ) -> Whose:
        selected = [f"{label}={literal(value)}" for label, value in zip(by, group, strict=True)]
        name, namespace = group if len(group) == 2 else group[0].split(".")[:2]
        own = ",".join((side, *selected))
        if not callers:
            return Whose("service", namespace, name, own)
        return Whose("service", namespace, name, own, ",".join((callers, *selected)))

    def _gateways(self) -> list[Whose]:
        by = ("source_workload", "source_workload_namespace")
        selector = f'{CLIENTS},source_workload="istio-ingressgateway"'
        return [
            Whose("gateway", namespace, name,
                  f'{selector},source_workload_namespace="{namespace}"')
            for name, namespace in self._groups(f"istio_requests_total{{{selector}}}", *by)
        ]  # fmt: skip


def health(row: Json, window: int, newborn: float) -> str:
    """The level of a row by the documented tolerances: any error degrades and 10 % fail, 4xx do
    from 10 and from 20 %, and of fewer than 10 requests in the window none fails. `newborn`: failed
    requests of series that began in the window.
    """
    if row["requests_per_second"] is None:
        return "tcp"
    tried = (row["requests_per_second"] + (row["unreached_per_second"] or 0.0)) * window
    errors, refused = row["error_ratio"], row["client_error_ratio"]
    if tried >= 10 and (errors >= 0.10 or refused >= 0.20):
        return "failing"
    if errors > 0 or refused >= 0.10 or newborn > 0:
        return "degraded"
    return "healthy" if tried > 0 else "idle"


def same(found: list[Json], expected: list[Json]) -> None:
    """Assert that two tables have the same rows, numbers being equal to 1e-9 of themselves."""
    one, other = (
        {(row["kind"], row["namespace"], row["service"]): row for row in rows}
        for rows in (found, expected)
    )
    assert len(one) == len(found)
    assert one.keys() == other.keys()
    for key, row in one.items():
        assert row.keys() == other[key].keys()
        for name, value in row.items():
            wanted = other[key][name]
            assert equal(value, wanted), f"{name} of {ascii(key)[:200]}: {value}, not {wanted}"


def equal(value: object, wanted: object) -> bool:
    """Whether two values are the same, or numbers within 1e-9 of each other."""
    if isinstance(value, float) and isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=1e-9)
    return value == wanted
