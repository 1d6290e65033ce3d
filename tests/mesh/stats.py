"""Which of Envoy's own stats a proxy keeps, and how their names become labels."""

from __future__ import annotations

from typing import Any, Final

from tests.mesh import telemetry

Json = dict[str, Any]

_TAGS: Final = {
    "cluster_name": r"^cluster(\.(.+);)",
    "http_conn_manager_prefix": (
        r"^http\.(((?:[_.[:digit:]\w]*|[_\[\]aAbBcCdDeEfF[:digit:]\w\:]*));\.)"
    ),
    "tcp_prefix": r"^tcp\.((.*?)\.)\w+?$",
    "response_code": r"_rq(_(\d{3}))$",
    "response_code_class": r"_rq(_(\dxx))$",
    "listener_address": r"^listener\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)",
}
_KEPT_PREFIXES: Final = (
    "reporter=", "cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm",
    "component", "istio",
)  # fmt: skip
_KEPT_SUFFIXES: Final = ("rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied")
_KEPT: Final = (r"vhost\..*\.route\..*",)
_KEPT_BY_GATEWAY: Final = (
    r".*downstream_(cx|rq).*",
    r".*upstream_cx_.*",
    r".*upstream_rq_(pending|retry|timeout|active|total).*",
    r".*outlier_detection.*",
    r".*circuit_breakers.*",
    r".*membership_.*",
)
"""What an operator opts in to with the annotation `proxy.istio.io/config` on the gateway."""


def stats_config(gateway: bool) -> Json:
    """Istio's tag rules, its default inclusion list, and its histogram buckets."""
    patterns = [
        *({"prefix": prefix} for prefix in _KEPT_PREFIXES),
        *({"suffix": suffix} for suffix in _KEPT_SUFFIXES),
        *(
            {"safe_regex": {"regex": regex}}
            for regex in _KEPT + (_KEPT_BY_GATEWAY if gateway else ())
        ),
    ]
    return {
        "use_all_default_tags": False,
        "stats_tags": [{"tag_name": name, "regex": regex} for name, regex in _TAGS.items()],
        "stats_matcher": {"inclusion_list": {"patterns": patterns}},
        "histogram_bucket_settings": [
            {
                "match": {"prefix": telemetry.CUSTOM_NAMESPACE},
                "buckets": list(telemetry.BUCKETS),
            }
        ],
    }
