"""Istio's standard metrics out of stock Envoy: a stats access logger with Istio's labels.

Each proxy tells the next one who it is with headers `x-src-*` on the request, and learns who
answered from headers `x-dst-*` on the response, as Istio's proxies do with `x-envoy-peer-metadata`.
"""

from __future__ import annotations

from typing import Any, Final

from tests.mesh.pods import LATEST, UNKNOWN, Pod, Service
from tui.model import labels

Json = dict[str, Any]

CUSTOM_NAMESPACE: Final = "wasmcustom"
"""What Envoy strips from the Prometheus name of a metric, once any Wasm filter has registered it:
`envoy_wasmcustom_istio_requests_total` becomes `istio_requests_total`."""

WASM: Final = bytes.fromhex(
    "0061736d01000000010e0360000060017f017f60027f7f000305040000010205030100010755"
    "05066d656d6f727902001770726f78795f6162695f76657273696f6e5f305f325f3100000b5f"
    "696e697469616c697a650001066d616c6c6f6300021770726f78795f6f6e5f636f6e74657874"
    "5f63726561746500030a100402000b02000b05004180080b02000b"
)
"""A Wasm module that does nothing, assembled from

    (module (memory (export "memory") 1)
      (func (export "proxy_abi_version_0_2_1")) (func (export "_initialize"))
      (func (export "malloc") (param i32) (result i32) i32.const 1024)
      (func (export "proxy_on_context_create") (param i32 i32)))
"""

BUCKETS: Final = (
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000,
    1800000, 3600000,
)  # fmt: skip
"""Istio's default bounds, for milliseconds and bytes alike."""

PLAINTEXT: Final = "none"
ENVIRONMENT: Final = {
    f"ISTIO_{value.upper()}": value for value in (UNKNOWN, LATEST, PLAINTEXT)
}  # fmt: skip
"""Constants that a label falls back to: an Envoy reads them from its environment, because a
fallback has to be a command operator."""

SECURITY_HEADER: Final = "x-src-security"
_SOURCE: Final = "x-src-"
_DESTINATION: Final = "x-dst-"


def _header(prefix: str, label: str) -> str:
    return prefix + label.replace("_", "-")


def _first(command: str, param: str, fallback: str = UNKNOWN) -> str:
    """A command operator that gives `fallback` where the first one has nothing."""
    return (
        f'%COALESCE({{"operators": [{{"command": "{command}", "param": "{param}"}}, '
        f'{{"command": "ENVIRONMENT", "param": "ISTIO_{fallback.upper()}"}}]}})%'
    )


def _peer(command: str, prefix: str, side: str, pod: Pod) -> dict[str, str]:
    """The labels of the other end, from what it said of itself."""
    return {
        f"{side}_{label}": _first(
            command, _header(prefix, label), LATEST if label == "canonical_revision" else UNKNOWN
        )
        for label in pod.identity
    }


def _own(side: str, pod: Pod) -> dict[str, str]:
    return {f"{side}_{label}": value for label, value in pod.identity.items()}


def server_labels(pod: Pod, service: Service) -> dict[str, str]:
    """Label to command operator, as the inbound listener of `pod` reports."""
    return {
        labels.REPORTER: "destination",
        **_peer("REQ", _SOURCE, "source", pod),
        **_own("destination", pod),
        labels.HOST: service.host,
        labels.SERVICE: service.name,
        labels.NAMESPACE: pod.namespace,
        **_OUTCOME,
        labels.SECURITY: _first("REQ", SECURITY_HEADER, PLAINTEXT),
    }


def client_labels(pod: Pod) -> dict[str, str]:
    """Label to command operator, as the outbound listener of `pod` reports, or a gateway's.

    The service comes from the metadata of the chosen cluster, so that it is known where no server
    was reached; its workload comes from the answer, so that it is not.
    """
    return {
        labels.REPORTER: "source",
        **_own("source", pod),
        "source_principal": _first("RESP", _header(_SOURCE, "principal")),
        **_peer("RESP", _DESTINATION, "destination", pod),
        labels.HOST: _first("METADATA", "CLUSTER:istio:host"),
        labels.SERVICE: _first("METADATA", "CLUSTER:istio:name"),
        labels.NAMESPACE: _first("METADATA", "CLUSTER:istio:namespace"),
        **_OUTCOME,
        labels.SECURITY: UNKNOWN,
    }


_OUTCOME: Final = {
    labels.PROTOCOL: "http",
    labels.CODE: "%RESPONSE_CODE%",
    labels.FLAGS: "%RESPONSE_FLAGS%",
}


def logger(operators: dict[str, str]) -> Json:
    """The access logger that counts each request with these labels. Bytes are those on the wire,
    headers included, as Istio's filter counts them.
    """
    tags = [{"name": name, "value_format": value} for name, value in operators.items()]
    return {
        "name": "envoy.access_loggers.stats",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
            "stats_scope": {"prefix": CUSTOM_NAMESPACE},
            "counters": [{"stat": {"name": labels.REQUESTS, "tags": tags}, "value_fixed": 1}],
            "histograms": [
                {"stat": {"name": name, "tags": tags}, "unit": unit, "value_format": value}
                for name, unit, value in (
                    (labels.DURATION, "Milliseconds", "%DURATION%"),
                    (labels.REQUEST_BYTES, "Bytes", "%DOWNSTREAM_WIRE_BYTES_RECEIVED%"),
                    (labels.RESPONSE_BYTES, "Bytes", "%DOWNSTREAM_WIRE_BYTES_SENT%"),
                )
            ],
        },
    }


def _set(headers: dict[str, str]) -> list[Json]:
    return [
        {
            "header": {"key": key, "value": value},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
        for key, value in headers.items()
    ]


def introduction(pod: Pod) -> list[Json]:
    """The headers with which the proxy of a client says who it is."""
    return _set(
        {_header(_SOURCE, label): value for label, value in pod.identity.items()}
        | {SECURITY_HEADER: labels.MUTUAL_TLS}
    )


def answer(pod: Pod) -> list[Json]:
    """The headers with which the proxy of a server says who it is, and whom it took the client
    for: on a real mesh both know that from the handshake. They are on its own replies too.
    """
    return _set(
        {_header(_DESTINATION, label): value for label, value in pod.identity.items()}
        | {_header(_SOURCE, "principal"): f"%REQ({_header(_SOURCE, 'principal')})%"}
    )
