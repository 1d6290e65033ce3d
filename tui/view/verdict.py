"""What a comparison says, in words: the verdict, how fair it is, and why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from tui.model import labels
from tui.model.compare import FEWEST, LOPSIDED, NOTABLE, UNLIKE, Outcome, Version, requests_needed
from tui.model.frame import Presence
from tui.model.health import Level
from tui.model.latencies import SLACK, Shift
from tui.model.text import plain
from tui.model.versions import State, Versions
from tui.view import format
from tui.view.aspects import Comparison
from tui.view.status import moment, span

FINE: Final = 0.01
"""An excess of errors that is worth seeing, though no verdict waits for it."""
_SHOWN: Final = 40
"""Characters of a name in a sentence."""
_LISTED: Final = 6

LEVELS: Final = {
    Outcome.WORSE: Level.FAILING,
    Outcome.BETTER: Level.HEALTHY,
    Outcome.NO_DIFFERENCE: Level.HEALTHY,
    Outcome.NOT_ENOUGH: Level.IDLE,
    Outcome.NOT_COMPARABLE: Level.UNKNOWN,
}
"""The mark and the colour of a verdict."""


def verdict(found: Comparison) -> str:
    """What may be said of B beside A: one sentence."""
    a, b = _name(found.a), _name(found.b)
    said = found.verdict.outcome
    if said in (Outcome.WORSE, Outcome.BETTER):
        worse, better = list(_worse(found)), list(_better(found))
        first, second = (worse, better) if said is Outcome.WORSE else (better, worse)
        but = f"; but {'; '.join(second)}" if second else ""
        return f"{b} is {said.value} than {a}: {'; '.join(first)}{but}."
    if said is Outcome.NO_DIFFERENCE:
        return f"No difference between {b} and {a} seen yet; {_would_have_been_seen(found)}."
    if said is Outcome.NOT_ENOUGH:
        return f"Not enough data to compare {b} with {a}: {_wanting(found)}."
    reasons = " and ".join(_unlike(found))
    so_far = "; ".join([*_worse(found), *_better(found)])
    return f"{b} and {a} are not comparable: {reasons}{f'; as it stands {so_far}' * bool(so_far)}."


def fairness(found: Comparison) -> str:
    """How fair the comparison is, and on what it rests: one sentence or two."""
    versions, said = found.versions, found.verdict
    a, b = found.a, found.b
    loads = " and ".join(format.rate(version.requests / versions.window) for version in (a, b))
    shares = " and ".join(format.ratio(versions.share(version)) for version in (a, b))
    parts = [
        f"{_name(a)} and {_name(b)} had {loads} requests/s ({shares} of all)",
        _callers(a, b, said.unlike),
        f"counted for {span(versions.window)} since {moment(versions.at - versions.window)}, "
        f"by {plain(versions.label, _SHOWN)}",
    ]
    more = list(_asides(found))
    return f"{'; '.join(parts)}.{''.join(f' {aside}.' for aside in more)}"


def why_not(versions: Versions) -> str:
    """Why there are no two versions to compare, and what to do about it: one sentence."""
    who = f"{plain(versions.key.namespace, _SHOWN)}/{plain(versions.key.name, _SHOWN)}"
    over = f"in the last {span(versions.window)}"
    if versions.presence is Presence.FAILED:
        return f"The source did not answer the question about requests: {versions.reason}"
    if versions.state is State.IDLE:
        if versions.presence is Presence.NO_RATE:
            reason = versions.reason.rstrip(".") or "two scrapes are needed"
            return f"No rates of {who} yet ({reason}): check namespace and name if that lasts."
        if versions.presence is Presence.ABSENT:
            return (
                f"No server reports requests to {who}: check namespace and name, and that its pods "
                "have a sidecar or a waypoint."
            )
        return f"{who} had no requests {over}."
    if versions.state is State.NAMELESS:
        tried = plain(versions.label, _SHOWN) or ", ".join(labels.VERSIONS)
        return f"No request to {who} has the label {tried}: name one that has with --label."
    only = plain(versions.all[0].name, _SHOWN)
    return (
        f"{who} has only one version {over}, {only} by {plain(versions.label, _SHOWN)}: name "
        "another label with --label, if another one tells its versions apart."
    )


def unknown(versions: Versions, names: Sequence[str]) -> str:
    """Which of the named versions have left no trace, and which ones there are; nothing if all
    have.
    """
    known = {version.name for version in versions.all}
    missing = [plain(name, _SHOWN) for name in names if name and name not in known]
    if not missing:
        return ""
    there = ", ".join(plain(version.name, _SHOWN) for version in versions.all[:_LISTED])
    return (
        f"No requests to {' or '.join(missing)} in the last {span(versions.window)}: "
        f"{plain(versions.label, _SHOWN) or 'the service'} is {there or 'nothing'}."
    )


def _name(version: Version) -> str:
    return plain(version.name, _SHOWN)


def _points(share: float) -> str:
    """A difference of shares in percentage points."""
    percent = abs(share) * 100
    text = f"{percent:.2g}" if 0.01 <= percent < 99.5 else format.ratio(abs(share)).rstrip("%")
    return "1 point" if text == "1" else f"{text} points"


def _ratio(events: float, version: Version) -> str:
    return format.ratio(events / version.requests if version.requests > 0 else None)


def _worse(found: Comparison) -> Iterator[str]:
    said = found.verdict
    if said.errors is Outcome.WORSE:
        yield f"{_errors(found)}, at least {_points(said.error_difference.low)} more"
    if said.shifts and (shift := said.shifts.slower):
        yield f"{_longer(shift)} against {format.ratio(shift.share_a)}"


def _better(found: Comparison) -> Iterator[str]:
    said = found.verdict
    if said.errors is Outcome.BETTER:
        yield f"{_errors(found)}, at least {_points(said.error_difference.high)} fewer"
    if said.shifts and (shift := said.shifts.faster):
        yield f"only {_longer(shift)} against {format.ratio(shift.share_a)}"


def _errors(found: Comparison) -> str:
    a, b = found.a, found.b
    return f"errors {_ratio(b.errors, b)} against {_ratio(a.errors, a)}"


def _longer(shift: Shift) -> str:
    share, bound = format.ratio(shift.share_b), format.duration(shift.bound)
    return f"{share} of requests take longer than {bound}"


def _would_have_been_seen(found: Comparison) -> str:
    said = found.verdict
    least = f"{_points(said.detectable)} more errors would have been seen"
    if said.shifts is None:
        return f"{least}; latency is not judged, {_unjudged(found)}"
    slower = format.ratio(said.shifts.detectable)
    return f"{least}, and so would {slower} of the requests taking over {SLACK:g} times as long"


def _unjudged(found: Comparison) -> str:
    if found.a.latency is None or found.b.latency is None:
        return "without buckets of it"
    return f"with fewer than {FEWEST:g} observations or no bounds in common"


def _wanting(found: Comparison) -> str:
    a, b = found.a, found.b
    none = [_name(version) for version in (a, b) if version.requests <= 0]
    if none:
        return f"{' and '.join(none)} had no requests in {span(found.versions.window)}"
    if found.versions.sampled <= 0:
        return f"{span(found.versions.window)} is no longer than a scrape interval"
    until = "; ".join(
        f"{_points(excess)} more errors would be seen after {_after(found, excess)}"
        for excess in (NOTABLE, FINE)
    )
    failing = list(_worse(found))
    return f"{until}{f' (so far {failing[0]})' if failing else ''}"


def _after(found: Comparison, excess: float) -> str:
    """How many more requests, and how long they take at this rate."""
    b = found.b
    needed = requests_needed(*found.seen, excess)
    if math.isinf(needed):
        return "more requests than can be counted"
    more = max(1.0, needed - found.seen[1].requests)
    seconds = more * found.versions.window / b.requests
    count = format.count(math.ceil(more))
    return f"{count} more requests of {_name(b)} ({span(seconds)} at this rate)"


def _unlike(found: Comparison) -> Iterator[str]:
    said = found.verdict
    if said.unlike > UNLIKE:
        yield f"{format.ratio(said.unlike)} of the requests would have to come from other callers"
    if said.lopsided > LOPSIDED:
        busy, idle = sorted((found.a, found.b), key=lambda v: -v.requests)
        yield f"{_name(busy)} carries {format.rate(said.lopsided)} times the load of {_name(idle)}"


def _callers(a: Version, b: Version, unlike: float) -> str:
    if not a.callers or not b.callers:
        return "callers unknown"
    if unlike < 0.005:
        many = len(a.callers.keys() | b.callers.keys())
        return "the same caller" if many == 1 else f"the same {many} callers"
    return f"callers {_points(unlike)} apart"


def _asides(found: Comparison) -> Iterator[str]:
    """What stays out of the comparison."""
    versions = found.versions
    others = [v for v in versions.all if v.name not in (found.a.name, found.b.name)]
    if others:
        shown = ", ".join(f"{_name(v)} {format.ratio(versions.share(v))}" for v in others[:_LISTED])
        more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        yield f"Not compared: {shown}{more}"
    if versions.lost >= 1:
        yield f"{format.count(versions.lost)} requests reached no version"
    if versions.nameless >= 1:
        yield f"{format.count(versions.nameless)} requests have no version"
