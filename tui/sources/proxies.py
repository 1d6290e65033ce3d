"""Where proxies are: `HOST:PORT`, as a person writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import quote, urlsplit

from tui.sources.base import Reason, SourceError
from tui.sources.http import masked

ENVOY_PORT: Final = 15090
"""Where an Istio proxy shows Envoy's own statistics and nothing else."""
STATS_PATH: Final = "/stats/prometheus"

_HOST: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}(?:\.[a-z0-9_-]{1,63})*+\.?")
_LONGEST_HOST: Final = 253
_FORMS: Final = "write HOST:PORT, [IPv6]:PORT, HOST (its port 15090) or http://HOST:PORT"


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. `name` is what sentences call it; `url` has no query. `local`: on this machine,
    where a compressed page costs more than a plain one.
    """

    name: str
    url: str
    local: bool


def proxies(texts: Iterable[str], path: str = STATS_PATH) -> tuple[Proxy, ...]:
    """The proxies that these texts name, each once, in their order.

    `SourceError` (bad setting) for a text that names none, or where there is no text.
    """
    found = {one.url: one for one in (proxy(x, path) for x in texts)}
    if not found:
        raise SourceError(Reason.BAD_SETTING, f"No Envoy is named: {_FORMS}.")
    return tuple(found.values())


def proxy(text: str, path: str = STATS_PATH) -> Proxy:
    """One proxy, at `path` if it is no URL with a path of its own; `SourceError` (bad setting) if
    the text names none. A query string is dropped: the source has its own.
    """
    written = text.strip()
    try:
        parts = urlsplit(written if "://" in written else f"//{_bracketed(written)}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong(text, f"names no Envoy: {_FORMS}") from None
    if parts.scheme == "https":
        raise _wrong(text, "is not plain http, which is all that Envoy's statistics ports speak")
    if parts.scheme not in ("", "http") or "@" in written or not _usable(host) or port == 0:
        raise _wrong(text, f"names no Envoy: {_FORMS}")
    if not parts.scheme and parts.path.strip("/"):
        raise _wrong(text, f"has a path, which only a URL may have: {_FORMS}")
    if port is None:
        port = 80 if parts.scheme else ENVOY_PORT
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    own = quote(parts.path, safe="/%:;=,+~") if parts.path.strip("/") else path
    name = place if own == path else place + own
    return Proxy(name, f"http://{place}{own}", _local(host))


def _bracketed(written: str) -> str:
    """An IPv6 address alone as it stands in a URL; anything else as it is."""
    try:
        return f"[{IPv6Address(written)}]"
    except ValueError:
        return written


def _usable(host: str) -> bool:
    if ":" in host:
        return _bracketed(host) != host
    return len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None


def _local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong(text: str, sentence: str) -> SourceError:
    return SourceError(Reason.BAD_SETTING, f"“{masked(text)}” {sentence}.")
