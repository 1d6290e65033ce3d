"""Who is in the mesh: bookinfo's pods and services, their addresses, and Istio's names for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ADMIN_PORT: Final = 15000
OUTBOUND_PORT: Final = 15001
METRICS_PORT: Final = 15090
SERVICE_PORT: Final = 9080
"""Inbound: where a sidecar takes its application's requests."""
APP_PORT: Final = 9081
"""Where the application itself listens, behind its sidecar."""
GATEWAY_PORT: Final = 8080
INGRESS_HOST: Final = "bookinfo.example.com"

UNKNOWN: Final = "unknown"
LATEST: Final = "latest"
"""What Istio's stats filter says for a canonical revision that it does not know."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod with an Envoy. `number` is the last part of its address."""

    name: str
    workload: str
    app: str
    version: str
    """The label `version`; empty where the pod has none, as a gateway has none."""
    namespace: str
    account: str
    number: int

    def address(self, block: int) -> str:
        """Its IP in the block of loopback addresses of this mesh."""
        return f"127.{block}.0.{self.number}"

    @property
    def identity(self) -> dict[str, str]:
        """What Istio's labels say of it, without their prefix `source_` or `destination_`."""
        return {
            "workload": self.workload,
            "workload_namespace": self.namespace,
            "principal": f"spiffe://cluster.local/ns/{self.namespace}/sa/{self.account}",
            "app": self.app,
            "version": self.version or UNKNOWN,
            "canonical_service": self.app,
            "canonical_revision": self.version or LATEST,
            "cluster": "Kubernetes",
        }

    @property
    def scrape_labels(self) -> dict[str, str]:
        """What Prometheus' pod discovery adds to each series, as in Istio's addon: the namespace,
        the pod and all of the pod's labels.
        """
        labels = {
            "namespace": self.namespace,
            "pod": self.name,
            "app": self.app,
            "version": self.version,
            "service_istio_io_canonical_name": self.app,
            "service_istio_io_canonical_revision": self.version or LATEST,
            "security_istio_io_tlsMode": "istio",
        }
        return {label: value for label, value in labels.items() if value}


def _bookinfo(app: str, version: str, number: int, replica: str) -> Pod:
    workload = f"{app}-{version}"
    return Pod(
        f"{workload}-{replica}", workload, app, version, "default", f"bookinfo-{app}", number
    )


GATEWAY: Final = Pod(
    "istio-ingressgateway-7c6f9b8d5-x2v4k",
    "istio-ingressgateway",
    "istio-ingressgateway",
    "",
    "istio-system",
    "istio-ingressgateway-service-account",
    10,
)
BOOKINFO: Final = (
    _bookinfo("productpage", "v1", 11, "6b746f74dc-9rlmh"),
    _bookinfo("details", "v1", 12, "79f774bdb9-6jl84"),
    _bookinfo("reviews", "v1", 13, "b7dcd98fb-tlfv6"),
    _bookinfo("reviews", "v3", 14, "5c5cc7b6d-wkq4h"),
    _bookinfo("ratings", "v1", 15, "b6994bb9-nq6zr"),
)
PODS: Final = (GATEWAY, *BOOKINFO)


@dataclass(frozen=True, slots=True)
class Service:
    """A Kubernetes service in `default`. `split`: version to weight, where a canary is served."""

    name: str
    split: tuple[tuple[str, int], ...] = ()

    @property
    def host(self) -> str:
        """Its fully qualified name."""
        return f"{self.name}.default.svc.cluster.local"

    def cluster(self, version: str = "") -> str:
        """Istio's name of the cluster of all its endpoints, or of one version's."""
        return f"outbound|{SERVICE_PORT}|{version}|{self.host}"

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Its endpoints."""
        return tuple(pod for pod in BOOKINFO if pod.app == self.name)


PRODUCTPAGE: Final = Service("productpage")
DETAILS: Final = Service("details")
REVIEWS: Final = Service("reviews", split=(("v1", 80), ("v3", 20)))
RATINGS: Final = Service("ratings")
PROMOTIONS: Final = Service("promotions")
"""Scaled to zero: whoever calls it gets 503 UH."""
SERVICES: Final = (PRODUCTPAGE, DETAILS, REVIEWS, RATINGS, PROMOTIONS)


def service_of(pod: Pod) -> Service:
    """The service that a pod of bookinfo is an endpoint of."""
    return next(service for service in SERVICES if service.name == pod.app)


def matching(name: str) -> tuple[Pod, ...]:
    """The pods of a workload (`reviews-v1`), or of every version of an app (`reviews`);
    `KeyError` where there is none.
    """
    found = tuple(pod for pod in PODS if name in (pod.workload, pod.app))
    if not found:
        raise KeyError(name)
    return found
