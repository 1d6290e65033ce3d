"""Which source the settings ask for; each is imported only when it is wanted."""

from __future__ import annotations

from typing import Final

from tui.options import UsageError
from tui.settings import Settings
from tui.sources.base import Source

LONGEST_SCRAPE: Final = 4.0
"""Seconds that one proxy may take: they are scraped every 5."""


def source(settings: Settings) -> Source:
    """The source that the settings name; nothing is sent yet.

    Raises `UsageError` if they name none, and `SourceError` (bad setting) if they contradict each
    other.
    """
    if settings.demo:
        from tui.sources.demo import DemoSource

        return DemoSource(seed=settings.seed, services=settings.services)
    if settings.envoy:
        from tui.sources.envoy import EnvoySource

        return EnvoySource(settings.envoy, timeout=min(settings.timeout, LONGEST_SCRAPE))
    if settings.prometheus:
        return _prometheus(settings)
    raise UsageError(
        "there is no source to read: give --prometheus URL or --envoy HOST:PORT, "
        "or try istiotop demo."
    )


def _prometheus(settings: Settings) -> Source:
    from tui.sources.http import Endpoint
    from tui.sources.prometheus import PrometheusSource

    return PrometheusSource(
        Endpoint(
            url=settings.prometheus,
            headers=settings.headers,
            token_file=settings.token_file or None,
            basic_user=settings.basic_user or None,
            basic_password_file=settings.basic_password_file or None,
            ca=settings.ca or None,
            cert=settings.cert or None,
            key=settings.key or None,
            insecure_skip_tls_verify=settings.insecure_skip_tls_verify,
            timeout=settings.timeout,
        )
    )
