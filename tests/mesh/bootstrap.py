"""The configuration of one Envoy, as Istio would have given it to a sidecar or a gateway."""

from __future__ import annotations

import base64
from typing import Any, Final

from tests.mesh import telemetry
from tests.mesh.pods import (
    ADMIN_PORT,
    APP_PORT,
    GATEWAY,
    GATEWAY_PORT,
    INGRESS_HOST,
    METRICS_PORT,
    OUTBOUND_PORT,
    PRODUCTPAGE,
    PROMOTIONS,
    SERVICE_PORT,
    SERVICES,
    Pod,
    Service,
    service_of,
)

Json = dict[str, Any]

_TYPE: Final = "type.googleapis.com/envoy.extensions."
_ROUTER: Final = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": f"{_TYPE}filters.http.router.v3.Router"},
}
_RETRIES: Final = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled",
    "num_retries": 2,
}
"""Istio's default since 1.24; it makes a failed connection `UF,URX`."""

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


def bootstrap(pod: Pod, block: int) -> Json:
    """The whole configuration of the Envoy of `pod`, for `envoy --config-path` (JSON)."""
    gateway = pod == GATEWAY
    here = pod.address(block)
    listeners = [_metrics_listener(here)]
    clusters = [_cluster("prometheus_stats", [(here, ADMIN_PORT)])]
    clusters += [cluster for service in SERVICES for cluster in _service(service, block)]
    if gateway:
        listeners.append(_gateway_listener(pod, here))
    else:
        listeners += [_inbound_listener(pod, here), _outbound_listener(pod, here)]
        clusters.append(_cluster(f"inbound|{SERVICE_PORT}||", [(here, APP_PORT)]))
    kind = "router" if gateway else "sidecar"
    return {
        "node": {
            "id": f"{kind}~{here}~{pod.name}.{pod.namespace}~{pod.namespace}.svc.cluster.local",
            "cluster": f"{pod.app}.{pod.namespace}",
        },
        "admin": {"address": _address(here, ADMIN_PORT)},
        "stats_config": _stats_config(_KEPT + _KEPT_BY_GATEWAY if gateway else _KEPT),
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _stats_config(kept: tuple[str, ...]) -> Json:
    patterns = [
        *({"prefix": prefix} for prefix in _KEPT_PREFIXES),
        *({"suffix": suffix} for suffix in _KEPT_SUFFIXES),
        *({"safe_regex": {"regex": regex}} for regex in kept),
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


def _cluster(name: str, endpoints: list[tuple[str, int]], metadata: Json | None = None) -> Json:
    return {
        "name": name,
        "alt_stat_name": f"{name};",
        "type": "STATIC",
        "connect_timeout": "2s",
        "metadata": {"filter_metadata": {"istio": metadata or {}}},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(*at)}} for at in endpoints]}
            ],
        },
    }


def _service(service: Service, block: int) -> list[Json]:
    """The clusters of a service: all of its endpoints, then each version of a split one."""
    metadata = {"host": service.host, "name": service.name, "namespace": "default"}
    return [
        _cluster(
            service.cluster(version),
            [
                (pod.address(block), SERVICE_PORT)
                for pod in service.pods
                if version in ("", pod.version)
            ],
            metadata,
        )
        for version in ("", *(version for version, _ in service.split))
    ]


def _route(match: Json, service: Service) -> Json:
    action: Json = {"timeout": "0s", "retry_policy": _RETRIES}
    if service.split:
        action["weighted_clusters"] = {
            "clusters": [
                {"name": service.cluster(version), "weight": weight}
                for version, weight in service.split
            ]
        }
    else:
        action["cluster"] = service.cluster()
    return {"match": match, "route": action}


def _listener(name: str, address: Json, stat_prefix: str, manager: Json) -> Json:
    return {
        "name": name,
        "stat_prefix": stat_prefix,
        "address": address,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": {
                            "@type": f"{_TYPE}filters.network.http_connection_manager.v3"
                            ".HttpConnectionManager",
                            "http_filters": [_ROUTER],
                            **manager,
                        },
                    }
                ]
            }
        ],
    }


def _outbound_listener(pod: Pod, here: str) -> Json:
    hosts = [
        {
            "name": f"{service.host}:{SERVICE_PORT}",
            "domains": [
                f"{name}{port}"
                for name in (service.name, service.host)
                for port in ("", f":{SERVICE_PORT}")
            ],
            "routes": [_route({"prefix": "/"}, service)],
        }
        for service in SERVICES
    ]
    manager = {
        "stat_prefix": f"outbound_0.0.0.0_{SERVICE_PORT};",
        "access_log": [telemetry.logger(telemetry.client_labels(pod))],
        "route_config": {
            "name": str(SERVICE_PORT),
            "request_headers_to_add": telemetry.introduction(pod),
            "virtual_hosts": hosts,
        },
    }
    address = f"0.0.0.0_{SERVICE_PORT}"
    return _listener(address, _address(here, OUTBOUND_PORT), address, manager)


def _gateway_listener(pod: Pod, here: str) -> Json:
    pages = ({"path": "/productpage"}, {"prefix": "/static"}, {"prefix": "/api/v1/products"})
    manager = {
        "stat_prefix": f"outbound_0.0.0.0_{GATEWAY_PORT};",
        "access_log": [telemetry.logger(telemetry.client_labels(pod))],
        "route_config": {
            "name": f"http.{GATEWAY_PORT}",
            "request_headers_to_add": telemetry.introduction(pod),
            "virtual_hosts": [
                {
                    "name": f"{INGRESS_HOST}:80",
                    "domains": [INGRESS_HOST, f"{INGRESS_HOST}:*"],
                    "routes": [
                        *(_route(page, PRODUCTPAGE) for page in pages),
                        _route({"path": "/promotions"}, PROMOTIONS),
                    ],
                }
            ],
        },
    }
    address = f"0.0.0.0_{GATEWAY_PORT}"
    return _listener(address, _address(here, GATEWAY_PORT), address, manager)


def _inbound_listener(pod: Pod, here: str) -> Json:
    service = service_of(pod)
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": f"inbound|{SERVICE_PORT}||", "timeout": "0s"},
    }
    every_reply = {
        "status_code_filter": {
            "comparison": {"op": "GE", "value": {"default_value": 0, "runtime_key": "none"}}
        }
    }
    manager = {
        "stat_prefix": f"inbound_0.0.0.0_{SERVICE_PORT};",
        "access_log": [telemetry.logger(telemetry.server_labels(pod, service))],
        # A route's response headers are not on the proxy's own replies: the application is down,
        # and the proxy still says who it is.
        "local_reply_config": {
            "mappers": [{"filter": every_reply, "headers_to_add": telemetry.answer(pod)}]
        },
        "route_config": {
            "name": f"inbound|{SERVICE_PORT}||",
            "response_headers_to_add": telemetry.answer(pod),
            "virtual_hosts": [
                {"name": f"inbound|http|{SERVICE_PORT}", "domains": ["*"], "routes": [route]}
            ],
        },
    }
    return _listener("virtualInbound", _address(here, SERVICE_PORT), "0.0.0.0_15006", manager)


def _metrics_listener(here: str) -> Json:
    """Port 15090: the admin's `/stats/prometheus`, its query string kept, and nothing else. The
    Wasm filter sits here because it only has to exist, off the way of the requests.
    """
    code = base64.b64encode(telemetry.WASM).decode()
    vm = {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"inline_bytes": code}}}
    wasm = {
        "name": "envoy.filters.http.wasm",
        "typed_config": {
            "@type": f"{_TYPE}filters.http.wasm.v3.Wasm",
            "config": {"vm_config": vm},
        },
    }
    gzip = {
        "name": "envoy.filters.http.compressor",
        "typed_config": {
            "@type": f"{_TYPE}filters.http.compressor.v3.Compressor",
            "compressor_library": {
                "name": "gzip",
                "typed_config": {"@type": f"{_TYPE}compression.gzip.compressor.v3.Gzip"},
            },
        },
    }
    manager = {
        "stat_prefix": "stats",
        "http_filters": [wasm, gzip, _ROUTER],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "backend",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/stats/prometheus"},
                            "route": {"cluster": "prometheus_stats"},
                        }
                    ],
                }
            ]
        },
    }
    address = f"0.0.0.0_{METRICS_PORT}"
    return _listener(address, _address(here, METRICS_PORT), address, manager)
