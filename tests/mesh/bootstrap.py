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
from tests.mesh.stats import stats_config

Json = dict[str, Any]

_TYPE: Final = "type.googleapis.com/envoy.extensions."
_ROUTER: Final = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": f"{_TYPE}filters.http.router.v3.Router"},
}
_GZIP: Final = {
    "name": "envoy.filters.http.compressor",
    "typed_config": {
        "@type": f"{_TYPE}filters.http.compressor.v3.Compressor",
        "compressor_library": {
            "name": "gzip",
            "typed_config": {"@type": f"{_TYPE}compression.gzip.compressor.v3.Gzip"},
        },
    },
}
_RETRIES: Final = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled",
    "num_retries": 2,
}
"""Istio's default since 1.24; it makes a failed connection `UF,URX`."""


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
        "stats_config": stats_config(gateway),
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


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
    manager = {
        "stat_prefix": f"inbound_0.0.0.0_{SERVICE_PORT};",
        "access_log": [telemetry.logger(telemetry.server_labels(pod, service))],
        "route_config": {
            "name": f"inbound|{SERVICE_PORT}||",
            "response_headers_to_add": telemetry.answer(pod),
            "virtual_hosts": [
                {"name": f"inbound|http|{SERVICE_PORT}", "domains": ["*"], "routes": [route]}
            ],
        },
    }
    return _listener("virtualInbound", _address(here, SERVICE_PORT), "0.0.0.0_15006", manager)


def _wasm_filter() -> Json:
    """A filter that does nothing but register `telemetry.CUSTOM_NAMESPACE`."""
    code = base64.b64encode(telemetry.WASM).decode()
    vm = {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"inline_bytes": code}}}
    return {
        "name": "envoy.filters.http.wasm",
        "typed_config": {
            "@type": f"{_TYPE}filters.http.wasm.v3.Wasm",
            "config": {"vm_config": vm},
        },
    }


def _metrics_listener(here: str) -> Json:
    """Port 15090: the admin's `/stats/prometheus`, its query string kept, and nothing else. The
    Wasm filter sits here because it only has to exist, off the way of the requests.
    """
    manager = {
        "stat_prefix": "stats",
        "http_filters": [_wasm_filter(), _GZIP, _ROUTER],
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
