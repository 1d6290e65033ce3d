"""Everything that a user can set, in one frozen value: flag, environment, profile, file, default.

Each setting is defined once, as a field of `Settings`: its name is its key in the configuration
file, and in capitals after `ISTIOTOP_` its environment variable; its `Option` has its flags.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tui import options
from tui.model.text import plain
from tui.options import Option

ENVIRONMENT: Final = "ISTIOTOP_"
HIDDEN: Final = "******"
FORMATS: Final = ("table", "wide", "json", "csv", "md")


def _option(
    default: object,
    flags: str,
    help: str,
    read: Callable[[str], Any] = options.switch,
    metavar: str = "",
    *,
    group: str,
    many: bool = False,
    environment: tuple[str, ...] = (),
) -> Any:
    option = Option(tuple(flags.split()), help, group, read, metavar, many, environment)
    return dataclasses.field(default=default, metadata={"option": option})


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """What the user wants. Times are seconds; `at` is Unix time, `None` is now.

    Its `repr` holds no secret.
    """

    prometheus: str = _option(
        "", "--prometheus", "read this Prometheus, or what speaks its API",
        options.word, "URL", group="source", environment=("PROMETHEUS_URL",),
    )  # fmt: skip
    envoy: tuple[str, ...] = _option(
        (), "--envoy", "scrape these Envoys themselves; @FILE has one a line",
        options.targets, "HOST:PORT", group="source", many=True,
    )  # fmt: skip
    demo: bool = _option(
        False, "--demo", "show a simulated mesh: no cluster, no network", group="source"
    )
    seed: int = _option(
        1, "--seed", "which simulated mesh", options.whole(0, 2**32), "N", group="source"
    )
    services: int = _option(
        40, "--services", "services of the simulated mesh, at most 1000",
        options.whole(1, 1000), "N", group="source",
    )  # fmt: skip
    namespaces: tuple[str, ...] = _option(
        (), "-n --namespace", "only these namespaces; repeat it, or use commas",
        options.names, "NAME", group="scope", many=True,
    )  # fmt: skip
    all_namespaces: bool = _option(
        False, "-A --all-namespaces", "all namespaces, whatever is configured", group="scope"
    )
    refresh: float = _option(
        5.0, "-r --refresh", "time between two refreshes (5s)",
        options.duration("1s", "1d"), "TIME", group="time",
    )  # fmt: skip
    window: float = _option(
        60.0, "-w --window", "time that rates are averaged over (60s)",
        options.duration("1s", "30d"), "TIME", group="time",
    )  # fmt: skip
    at: float | None = _option(
        None, "--at", "show a past instant: RFC 3339, Unix time, or -15m",
        options.moment, "TIME", group="time",
    )  # fmt: skip
    timeout: float = _option(
        10.0, "--timeout", "longest that one refresh may take (10s)",
        options.duration("100ms", "10m"), "TIME", group="time",
    )  # fmt: skip
    headers: tuple[tuple[str, str], ...] = _option(
        (), "--header", "send this HTTP header; repeat it for more",
        options.headers, "NAME=VALUE", group="connection", many=True,
    )  # fmt: skip
    token_file: str = _option(
        "", "--token-file", "file with a bearer token, read again for every request",
        options.path, "FILE", group="connection",
    )  # fmt: skip
    basic_user: str = _option(
        "", "--basic-user", "user of basic authentication",
        options.word, "NAME", group="connection",
    )  # fmt: skip
    basic_password_file: str = _option(
        "", "--basic-password-file", "file with that user's password",
        options.path, "FILE", group="connection",
    )  # fmt: skip
    ca: str = _option(
        "", "--ca", "certificates to trust, PEM", options.path, "FILE", group="connection"
    )
    cert: str = _option(
        "", "--cert", "client certificate, PEM", options.path, "FILE", group="connection"
    )
    key: str = _option(
        "", "--key", "key of the client certificate, PEM",
        options.path, "FILE", group="connection",
    )  # fmt: skip
    insecure_skip_tls_verify: bool = _option(
        False, "--insecure-skip-tls-verify", "trust any certificate", group="connection"
    )
    theme: str = _option("", "--theme", "palette", options.word, "NAME", group="screen")
    ascii: bool = _option(False, "--ascii", "draw with ASCII alone", group="screen")
    no_mouse: bool = _option(False, "--no-mouse", "leave the mouse to the terminal", group="screen")
    low_bandwidth: bool = _option(
        False, "--low-bandwidth", "send the terminal as little as can be", group="screen"
    )
    filter: str = _option(
        "", "--filter", 'rows to show, such as "err>1 ns:prod !canary"',
        options.free, "TEXT", group="output",
    )  # fmt: skip
    sort: str = _option(
        "", "--sort", "column to sort by, with :asc or :desc",
        options.word, "COLUMN", group="output",
    )  # fmt: skip
    label: str = _option(
        "", "--label", "label that tells versions apart, such as version or workload",
        options.word, "NAME", group="comparison",
    )  # fmt: skip
    lasting: float = _option(
        0.0, "--for", "begin now, and compare for this long",
        options.duration("1s", "1d"), "TIME", group="comparison",
    )  # fmt: skip
    checks: tuple[str, ...] = _option(
        (), "--check", "exit 4 unless this holds, such as 'B.error_ratio < 0.01'; repeatable",
        options.condition, "TEXT", group="comparison", many=True,
    )  # fmt: skip
    output: str = _option(
        "table", "-o --output", f"print once, as {', '.join(FORMATS)}",
        options.one_of(*FORMATS), "FORMAT", group="output",
    )  # fmt: skip
    watch: bool = _option(False, "--watch", "print again at every refresh", group="output")
    config: str = _option(
        "", "--config", "configuration file", options.path, "FILE", group="program"
    )
    profile: str = _option(
        "", "--profile", "[profiles.NAME] of the configuration file",
        options.word, "NAME", group="program",
    )  # fmt: skip
    log_file: str = _option(
        "", "--log-file", "write what goes wrong inside to a file",
        options.path, "FILE", group="program",
    )  # fmt: skip

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={text}' for name, text in masked(self).items())})"

    @property
    def scope(self) -> tuple[str, ...]:
        """The namespaces to show; none is all."""
        return () if self.all_namespaces else self.namespaces


OPTIONS: Final[Mapping[str, Option]] = {
    field.name: field.metadata["option"] for field in dataclasses.fields(Settings)
}


def masked(settings: Settings) -> dict[str, str]:
    """Every setting as text, without a secret: of headers only the names."""
    from tui.sources.http import masked as masked_url

    shown = {name: _shown(getattr(settings, name)) for name in OPTIONS}
    shown["headers"] = ", ".join(f"{plain(name)}={HIDDEN}" for name, _ in settings.headers)
    shown["prometheus"] = masked_url(settings.prometheus)
    return shown


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return plain(", ".join(map(str, value)))
    return plain(str(value).lower() if isinstance(value, bool) else str(value))
