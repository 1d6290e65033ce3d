"""istiod's vocabulary, and the few queries behind the view of the control plane.

Sources: `pilot/pkg/xds/monitoring.go`, `pilot/pkg/model/push_context.go`,
`pilot/pkg/serviceregistry/kube/controller`, `security/pkg/server/ca/monitoring.go`,
`pkg/webhooks/validation` and `pkg/kube/inject/monitoring.go` of istio/istio.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tui.model.frame import STAT, Kind, Match, Query

JOB: Final = "job"
INSTANCE: Final = "instance"
POD: Final = "pod"
TYPE: Final = "type"
EVENT: Final = "event"
REASON: Final = "reason"
COMPONENT: Final = "component"
TAG: Final = "tag"

UPTIME: Final = "istiod_uptime_seconds"
PROXIES: Final = "pilot_xds"
ROOT_EXPIRY: Final = "citadel_server_root_cert_expiry_timestamp"
CHAIN_EXPIRY: Final = "citadel_server_cert_chain_expiry_timestamp"
CONFLICTS: Final = (
    "pilot_conflict_inbound_listener",
    "pilot_conflict_outbound_listener_tcp_over_current_tcp",
    "pilot_duplicate_envoy_clusters",
    "pilot_vservice_dup_domain",
)
"""Gauges of configuration that contradicts itself."""

PUSHED: Final = "pilot_xds_pushes"
SEND_ERROR: Final = "_senderr"
"""Ends the type of a push that istiod could not write to its proxy."""
CONVERGENCE_TIME: Final = "pilot_proxy_convergence_time"
QUEUE_TIME: Final = "pilot_proxy_queue_time"

CONFIG_EVENTS: Final = "pilot_k8s_cfg_events"
REGISTRY_EVENTS: Final = "pilot_k8s_reg_events"
SIGNING_REQUESTS: Final = "citadel_server_csr_count"
SIGNED: Final = "citadel_server_success_cert_issuance_count"
VALIDATED: Final = "galley_validation_passed"
INJECTED: Final = "sidecar_injection_success_total"

REJECTS: Final = "pilot_total_xds_rejects"
INTERNAL_ERRORS: Final = "pilot_total_xds_internal_errors"
WRITE_TIMEOUTS: Final = "pilot_xds_write_timeout"
INVALID: Final = "galley_validation_failed"
VALIDATION_ERRORS: Final = "galley_validation_http_error"
NOT_INJECTED: Final = "sidecar_injection_failure_total"
SIGNING_ERRORS: Final = (
    "citadel_server_authentication_failure_count",
    "citadel_server_csr_parsing_err_count",
    "citadel_server_id_extraction_err_count",
    "citadel_server_csr_sign_err_count",
)
ERRORS: Final = (
    REJECTS, INTERNAL_ERRORS, WRITE_TIMEOUTS, INVALID, VALIDATION_ERRORS, NOT_INJECTED,
    *SIGNING_ERRORS,
)  # fmt: skip
"""Counters that do not exist before their first event."""

CPU: Final = "process_cpu_seconds_total"
MEMORY: Final = "process_resident_memory_bytes"
GOROUTINES: Final = "go_goroutines"
BUILD: Final = "istio_build"

STATE: Final = "istiod_state"
PUSHES: Final = "istiod_pushes"
NEW_SEND_ERRORS: Final = "istiod_new_send_errors"
CONVERGENCE: Final = "istiod_convergence"
QUEUE: Final = "istiod_queue"
COUNTS: Final = "istiod_counts"
NEW_ERRORS: Final = "istiod_new_errors"
BUILDS: Final = "builds"
PROCESS: Final = "istiod_process"
PROCESS_CPU: Final = "istiod_cpu"

WHOSE: Final = (JOB, INSTANCE, POD)
DETAIL: Final = (*WHOSE, STAT, TYPE, EVENT, REASON)
FAILED_SENDS: Final = Match(TYPE, "=~", f".*{SEND_ERROR}")
SENT: Final = Match(TYPE, "!~", f".*{SEND_ERROR}")


def control_queries(known: Collection[str] = ()) -> tuple[Query, ...]:
    """The queries behind the view of the control plane, 10 at most.

    `known`: the instances that an earlier frame has shown to be istiod's
    (`tui.model.control.ControlPlane.instances`). Their CPU, memory and goroutines are asked for:
    every process has series of these names, and how istiod's are labelled is up to whoever set up
    Prometheus.
    """
    counted = (
        CONFIG_EVENTS, REGISTRY_EVENTS, SIGNING_REQUESTS, SIGNED, VALIDATED, INJECTED, *ERRORS,
    )  # fmt: skip
    queries = (
        Query(
            STATE, UPTIME, (*WHOSE, STAT), kind=Kind.GAUGE,
            also=(PROXIES, ROOT_EXPIRY, CHAIN_EXPIRY, *CONFLICTS),
        ),
        Query(PUSHES, PUSHED, (*WHOSE, TYPE)),
        Query(NEW_SEND_ERRORS, PUSHED, (*WHOSE, TYPE), (FAILED_SENDS,), Kind.BORN),
        Query(CONVERGENCE, CONVERGENCE_TIME, WHOSE, kind=Kind.HISTOGRAM),
        Query(QUEUE, QUEUE_TIME, WHOSE, kind=Kind.HISTOGRAM),
        Query(COUNTS, counted[0], DETAIL, also=counted[1:]),
        Query(NEW_ERRORS, ERRORS[0], DETAIL, kind=Kind.BORN, also=ERRORS[1:]),
        Query(BUILDS, BUILD, (COMPONENT, TAG), kind=Kind.GAUGE),
    )  # fmt: skip
    if not known:
        return queries
    theirs = (Match.any_of(INSTANCE, known),)
    return (
        *queries,
        Query(PROCESS, MEMORY, (*WHOSE, STAT), theirs, Kind.GAUGE, also=(GOROUTINES,)),
        Query(PROCESS_CPU, CPU, WHOSE, theirs),
    )
