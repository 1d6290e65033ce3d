"""Istio's vocabulary: metric names, labels, reporters, response codes and flags.

Sources: Istio's standard metrics reference, the stats filter of istio/proxy, Envoy's response
flags.
"""

from __future__ import annotations

import re
from typing import Final

REQUESTS: Final = "istio_requests_total"
DURATION: Final = "istio_request_duration_milliseconds"
REQUEST_BYTES: Final = "istio_request_bytes"
RESPONSE_BYTES: Final = "istio_response_bytes"
TCP_OPENED: Final = "istio_tcp_connections_opened_total"
TCP_CLOSED: Final = "istio_tcp_connections_closed_total"
TCP_REQUEST_BYTES: Final = "istio_tcp_received_bytes_total"
"""Counted as seen from the server: what it received is the request direction."""
TCP_RESPONSE_BYTES: Final = "istio_tcp_sent_bytes_total"

SECONDS_PER_MILLISECOND: Final = 0.001

REPORTER: Final = "reporter"
SERVER: Final = ("destination", "waypoint")
"""Reporters on the server's side of a request: an inbound sidecar, or a waypoint."""
CLIENT: Final = "source"

SERVICE: Final = "destination_service_name"
NAMESPACE: Final = "destination_service_namespace"
HOST: Final = "destination_service"
SOURCE_WORKLOAD: Final = "source_workload"
SOURCE_NAMESPACE: Final = "source_workload_namespace"
DESTINATION_WORKLOAD: Final = "destination_workload"
DESTINATION_WORKLOAD_NAMESPACE: Final = "destination_workload_namespace"
CODE: Final = "response_code"
FLAGS: Final = "response_flags"
GRPC_STATUS: Final = "grpc_response_status"
PROTOCOL: Final = "request_protocol"
SECURITY: Final = "connection_security_policy"
VERSIONS: Final = (
    "destination_version",
    "destination_canonical_revision",
    "destination_workload",
)
"""Labels that may tell versions apart, best first: each of them may have been removed."""

UNKNOWN: Final = "unknown"
MUTUAL_TLS: Final = "mutual_tls"
NO_RESPONSE: Final = "0"
"""The response code of a request that got no response."""

EGRESS_CLUSTERS: Final = frozenset(
    {"BlackHoleCluster", "PassthroughCluster", "InboundPassthroughCluster",
     "InboundPassthroughClusterIpv4", "InboundPassthroughClusterIpv6"}
)  # fmt: skip
"""Names that Istio gives in place of a service where the registry knows none."""

NEVER_LEFT: Final = frozenset(
    {"UO", "UF", "UH", "NR", "NC", "FI", "RL", "RLSE", "DF", "UAEX", "DPE", "NFCF", "OM", "UDO"}
)
"""Response flags of requests that the client's proxy ended before any server's proxy saw them."""

GATEWAY_NAME: Final = (
    r"(?:.*[-_.])?(?:ingress|egress)?gateway(?:[-_.].*)?|.*(?:ingress|egress).*|.+-istio"
)
"""Names of workloads that are gateways, where only metrics can tell: the classic deployments, the
Helm chart's releases and the Gateway API's `NAME-istio`. RE2 and Python both read it."""

_GATEWAY = re.compile(GATEWAY_NAME)
_CODE = re.compile("[1-5][0-9][0-9]")


def looks_like_gateway(workload: str) -> bool:
    """Whether a workload that only ever reports as a client is a gateway by its name."""
    return _GATEWAY.fullmatch(workload) is not None


def flags(value: str) -> tuple[str, ...]:
    """The flags of one `response_flags` label, which joins several with a comma; `-` is none."""
    return tuple(flag for flag in value.split(",") if flag and flag != "-")


def grpc_failed(status: str) -> bool:
    """Whether a `grpc_response_status` is an error: any but 0 (OK); absent says nothing."""
    return status not in ("", "0")


def code_class(code: str) -> str:
    """`2xx` of `204`; `0` for no response; `?` for what is no HTTP code."""
    if code == NO_RESPONSE:
        return NO_RESPONSE
    return f"{code[0]}xx" if _CODE.fullmatch(code) else "?"


def never_arrived(code: str, response_flags: str, destination_workload: str) -> bool:
    """Whether a request that a client reported was never seen by a server's proxy.

    A flag of `NEVER_LEFT` settles it. `URX` (retries spent) and no response at all mean it only
    where no destination workload is known: otherwise each attempt arrived and the server has
    counted it.
    """
    found = flags(response_flags)
    if not NEVER_LEFT.isdisjoint(found):
        return True
    nobody = destination_workload in ("", UNKNOWN)
    return nobody and (code == NO_RESPONSE or "URX" in found)


def service_of(name: str, namespace: str, host: str) -> tuple[str, str]:
    """(namespace, name) of a destination, from whichever labels the source still has.

    `host` is `destination_service`: `reviews.default.svc.cluster.local`, or an outside host.
    """
    if name:
        return namespace or UNKNOWN, name
    parts = host.split(".")
    if len(parts) >= 3 and parts[2] == "svc":
        return namespace or parts[1], parts[0]
    return namespace or UNKNOWN, host or UNKNOWN
