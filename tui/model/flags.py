"""Envoy's response flags and ztunnel's: what each means in one line, and where to look."""

from __future__ import annotations

from typing import Final, NamedTuple


class Flag(NamedTuple):
    """One response flag. `group` is who or what ended the request."""

    name: str
    group: str
    meaning: str
    look: str


CLIENT: Final = "client"
ROUTING: Final = "routing"
UPSTREAM: Final = "upstream"
LIMIT: Final = "limit"
TIME: Final = "time"
INJECTED: Final = "injected"
ACCESS: Final = "access"
PROXY: Final = "proxy"
OTHER: Final = "other"

_TABLE: Final = (
    Flag("DC", CLIENT, "the client hung up first", "the client's timeout, slow answers"),
    Flag("DPE", CLIENT, "the client spoke invalid HTTP", "the port's protocol, the client"),
    Flag("DR", CLIENT, "the client reset the stream", "the client"),
    Flag("SI", CLIENT, "the stream was idle too long", "stream idle timeout, a stuck client"),
    Flag("IH", CLIENT, "a header of Envoy's own was malformed", "x-envoy-* headers of the client"),
    Flag("NR", ROUTING, "no route or filter chain fits", "VirtualService and Gateway hosts"),
    Flag("NC", ROUTING, "the route's cluster does not exist", "DestinationRule subsets"),
    Flag("DF", ROUTING, "the name was not resolved", "ServiceEntry hosts, DNS"),
    Flag("UF", UPSTREAM, "could not connect upstream", "pods that are down, mTLS modes, ports"),
    Flag("UH", UPSTREAM, "no healthy endpoint", "endpoints of the service, outlier ejections"),
    Flag("UC", UPSTREAM, "upstream closed the connection", "crashes, keep-alive timeouts"),
    Flag("UR", UPSTREAM, "upstream reset the request", "the application's log"),
    Flag("LR", UPSTREAM, "the proxy itself reset the request", "this proxy's log"),
    Flag("LH", UPSTREAM, "the endpoint failed its health check", "health checks of the service"),
    Flag("UPE", UPSTREAM, "upstream spoke invalid HTTP", "the port's name and protocol"),
    Flag("URX", UPSTREAM, "all retries or connects were spent", "retries, the flag beside it"),
    Flag("UO", LIMIT, "a circuit breaker was open", "DestinationRule connectionPool"),
    Flag("RL", LIMIT, "rate limited", "local and global rate limits"),
    Flag("RLSE", LIMIT, "the rate limit service failed", "the rate limit service"),
    Flag("OM", LIMIT, "the overload manager refused it", "this proxy's memory and connections"),
    Flag("DO", LIMIT, "dropped by the load policy", "drop_overload of the endpoints"),
    Flag("UDO", LIMIT, "dropped on purpose, always", "the drop policy of the cluster"),
    Flag("UT", TIME, "upstream took too long", "VirtualService timeout, slow answers"),
    Flag("DT", TIME, "the request or connection lived too long", "maximum durations"),
    Flag("UMSDR", TIME, "the stream lived too long", "maximum stream duration"),
    Flag("FI", INJECTED, "a fault was injected: abort", "VirtualService fault"),
    Flag("DI", INJECTED, "a fault was injected: delay", "VirtualService fault"),
    Flag("UAEX", ACCESS, "external authorization denied it", "the ext_authz service"),
    Flag("DENY", ACCESS, "ztunnel denied it", "AuthorizationPolicy"),
    Flag("TLS_FAILURE", ACCESS, "the TLS handshake failed", "certificates, PeerAuthentication"),
    Flag("IDENTITY_ERROR", ACCESS, "the peer's identity is not known", "istiod, certificates"),
    Flag("CERT_REVOKED", ACCESS, "the certificate is revoked", "certificates"),
    Flag("NETWORK_POLICY", ACCESS, "a network policy is in the way", "NetworkPolicy, CNI"),
    Flag("CONNECT", UPSTREAM, "ztunnel could not connect", "the pod, its node's ztunnel"),
    Flag("H2_HANDSHAKE_FAILURE", UPSTREAM, "no HTTP/2 with the other ztunnel", "ztunnel's log"),
    Flag("NFCF", PROXY, "a filter's configuration is missing", "WasmPlugin, EnvoyFilter"),
    Flag("RFCF", PROXY, "answered from the cache", "nowhere: it is fine"),
)
FLAGS: Final = {flag.name: flag for flag in _TABLE}
"""Every flag that this program can explain, by name."""


def explained(name: str) -> Flag:
    """What a flag means; one that nobody has explained keeps its name."""
    return FLAGS.get(name) or Flag(
        name, OTHER, "not known here", "Envoy's access log documentation"
    )
