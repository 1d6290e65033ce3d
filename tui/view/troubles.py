"""What can go wrong in a control plane, each sort of error defined once."""

from __future__ import annotations

from typing import Final, NamedTuple

from tui.model import istiod
from tui.model.health import Level


class Trouble(NamedTuple):
    """Errors of one sort: `words` and `level` hold where there is any."""

    group: str
    key: str
    title: str
    metrics: tuple[str, ...]
    words: str
    level: Level = Level.DEGRADED


SENDS: Final = Trouble(
    "push", "send_errors_per_second", "send errors/s", (), "istiod could not write to proxies"
)
PUSH: Final = (
    Trouble(
        "push", "rejects_per_second", "rejects/s", (istiod.REJECTS,),
        "proxies refuse their configuration and keep the old one",
    ),
    Trouble(
        "push", "internal_errors_per_second", "internal errors/s", (istiod.INTERNAL_ERRORS,),
        "istiod could not make configuration",
    ),
    Trouble(
        "push", "write_timeouts_per_second", "write timeouts/s", (istiod.WRITE_TIMEOUTS,),
        "proxies do not take their configuration",
    ),
)  # fmt: skip
SIGNING: Final = Trouble(
    "certificates", "signing_errors_per_second", "signing errors/s", istiod.SIGNING_ERRORS,
    "proxies get no certificate",
)  # fmt: skip
VALIDATION: Final = Trouble(
    "validation", "validation_failures_per_second", "refused/s", (istiod.INVALID,),
    "invalid resources were refused: their authors were told", Level.HEALTHY,
)  # fmt: skip
WEBHOOK: Final = Trouble(
    "validation", "validation_errors_per_second", "webhook errors/s",
    (istiod.VALIDATION_ERRORS,), "the validation webhook could not answer",
)  # fmt: skip
INJECTION: Final = Trouble(
    "injection", "injection_failures_per_second", "failures/s", (istiod.NOT_INJECTED,),
    "pods start without a sidecar, or not at all",
)  # fmt: skip
