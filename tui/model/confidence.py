"""Shares of requests, compared so that the answer holds at every look.

A canary is watched: the same question is asked every few seconds on growing counts. A test for one
fixed sample size, asked again and again, raises a false alarm sooner or later with certainty. The
intervals here are confidence sequences: with probability 1 - alpha they hold at every look at once.

For n requests of which k are events with an unknown share p, Robbins' mixture of the likelihood
over a Beta(1/2, 1/2) prior, divided by the likelihood at the true p, is a martingale that starts at
1 and so, by Ville's inequality, ever exceeds 1/alpha with probability alpha at most. The mixtures
of two independent versions multiply to one martingale; a difference of shares is excluded once the
product exceeds 1/alpha at every pair of shares that has this difference.

Sources: Robbins 1970 (statistical methods related to the law of the iterated logarithm); Howard,
Ramdas, McAuliffe and Sekhon 2021 (time-uniform confidence sequences); Howard and Ramdas 2022
(sequential estimation of quantiles); Lindon and Malek 2022 (anytime-valid inference for multinomial
count data).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

_PRIOR: Final = 0.5
"""Jeffreys' prior: wide awake at shares near 0, where error ratios live."""
_LOG_PRIOR_MASS: Final = 2.0 * math.lgamma(_PRIOR) - math.lgamma(2.0 * _PRIOR)
_NEAR: Final = 1e-9
_STEPS: Final = 50
"""Halvings of a search: 1 / 2^50 is beyond what counts can tell."""
_ENDLESS: Final = 1e9
"""How many times the requests so far are as good as never."""


class Share(NamedTuple):
    """`events` of `trials` requests. Increases that a source extrapolates need not be whole."""

    events: float
    trials: float

    @property
    def estimate(self) -> float:
        """Events by trials; NaN without trials."""
        return self.events / self.trials if self.trials > 0 else math.nan


class Interval(NamedTuple):
    """From `low` to `high`, both included."""

    low: float
    high: float


def _log_mixture(share: Share) -> float:
    """The log of the likelihood of these counts, averaged over the prior."""
    events, others = share.events, share.trials - share.events
    return (
        math.lgamma(events + _PRIOR)
        + math.lgamma(others + _PRIOR)
        - math.lgamma(share.trials + 2.0 * _PRIOR)
        - _LOG_PRIOR_MASS
    )


def _log_likelihood(share: Share, p: float) -> float:
    """The log of the likelihood of these counts at the share `p`."""
    events, others = share.events, share.trials - share.events
    if (p <= 0.0 and events > 0) or (p >= 1.0 and others > 0):
        return -math.inf
    total = events * math.log(p) if events > 0 else 0.0
    return total + (others * math.log1p(-p) if others > 0 else 0.0)


def _edge(inside: float, outside: float, excluded: Callable[[float], bool]) -> float:
    """Where `excluded` begins between a value that is not and one that may be."""
    if not excluded(outside):
        return outside
    for _ in range(_STEPS):
        middle = (inside + outside) / 2.0
        if excluded(middle):
            outside = middle
        else:
            inside = middle
    return outside


def interval(share: Share, alpha: float = 0.05) -> Interval:
    """Every share that the counts do not exclude, now or at any earlier look alike."""
    if share.trials <= 0:
        return Interval(0.0, 1.0)
    bound = _log_mixture(share) + math.log(alpha)
    estimate = share.estimate

    def excluded(p: float) -> bool:
        return _log_likelihood(share, p) < bound

    return Interval(_edge(estimate, 0.0, excluded), _edge(estimate, 1.0, excluded))


def below(share: Share, p: float) -> float:
    """The log of the evidence that the true share is less than `p`: past log(1/alpha), it is."""
    return _one_sided(share, p, share.estimate < p)


def above(share: Share, p: float) -> float:
    """The log of the evidence that the true share is more than `p`."""
    return _one_sided(share, p, share.estimate > p)


def _one_sided(share: Share, p: float, seen: bool) -> float:
    """Against every share on the other side of `p`: the likeliest of them is the nearest one to
    the share that was seen, which may be itself.
    """
    if share.trials <= 0:
        return 0.0
    return _log_mixture(share) - _log_likelihood(share, p if seen else share.estimate)


def greater(a: Share, b: Share, margin: float = 0.0) -> float:
    """The log of the evidence that the share of `b` is greater than that of `a`, by over `margin`.

    Against every pair of shares with b at most so far above a: where the counts are further apart
    the likeliest such pair is just so far apart, and else it is the pair that was seen. 0 without
    requests; never more than the evidence against equal shares, so that two equal versions are told
    apart, this way or that, with probability alpha at most.
    """
    if a.trials <= 0 or b.trials <= 0:
        return 0.0
    if b.estimate > a.estimate + margin:
        return _against(a, b, margin)
    likeliest = _log_likelihood(a, a.estimate) + _log_likelihood(b, b.estimate)
    return _log_mixture(a) + _log_mixture(b) - likeliest


def _against(a: Share, b: Share, difference: float) -> float:
    """The log of the evidence against `b` - `a` being exactly this difference of shares."""
    return _log_mixture(a) + _log_mixture(b) - _likeliest(a, b, difference)


def _likeliest(a: Share, b: Share, difference: float) -> float:
    """The greatest log likelihood of both counts, over all pairs of shares so far apart."""
    if difference == 0.0:
        pooled = (a.events + b.events) / (a.trials + b.trials)
        return _log_likelihood(a, pooled) + _log_likelihood(b, pooled)
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)

    def slope(p: float) -> float:
        return _slope(a, p) + _slope(b, p + difference)

    # The log likelihood is concave in p, so that its slope only falls.
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if slope(middle) > 0:
            low = middle
        else:
            high = middle
    p = (low + high) / 2.0
    return _log_likelihood(a, _inside(p)) + _log_likelihood(b, _inside(p + difference))


def _inside(p: float) -> float:
    return min(max(p, 0.0), 1.0)


def _slope(share: Share, p: float) -> float:
    """The derivative of the log likelihood at `p`."""
    p = min(max(p, _NEAR), 1.0 - _NEAR)
    return share.events / p - (share.trials - share.events) / (1.0 - p)


def difference(a: Share, b: Share, alpha: float = 0.05) -> Interval:
    """Every difference of shares, `b` - `a`, that the counts do not exclude."""
    if a.trials <= 0 or b.trials <= 0:
        return Interval(-1.0, 1.0)
    bound = -math.log(alpha)
    estimate = b.estimate - a.estimate

    def excluded(d: float) -> bool:
        return _against(a, b, d) > bound

    return Interval(_edge(estimate, -1.0, excluded), _edge(estimate, 1.0, excluded))


def detectable(a: Share, b: Share, alpha: float = 0.05) -> float:
    """The least excess of `b` over `a` that counts of these sizes would have shown; 1 if none.

    Taken at the share of both together, which is the best guess of what they have in common.
    """
    trials = a.trials + b.trials
    if a.trials <= 0 or b.trials <= 0:
        return 1.0
    common = (a.events + b.events) / trials
    bound = -math.log(alpha)

    def seen(excess: float) -> bool:
        raised = min(1.0, common + excess)
        base = Share(a.trials * common, a.trials)
        return greater(base, Share(b.trials * raised, b.trials)) > bound

    low, high = 0.0, 1.0 - common
    if not seen(high):
        return 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def trials_needed(a: Share, b: Share, excess: float, alpha: float = 0.05) -> float:
    """Requests of `b` in all, at the same split, until an excess of this size would be seen.

    At most 2 % too many. Infinite where it never would, as with no traffic at one side.
    """
    if a.trials <= 0 or b.trials <= 0 or excess <= 0:
        return math.inf

    def suffices(factor: float) -> bool:
        grown = (
            Share(a.events * factor, a.trials * factor),
            Share(b.events * factor, b.trials * factor),
        )
        return detectable(*grown, alpha) <= excess

    low = high = 1.0
    while not suffices(high):
        if high > _ENDLESS:
            return math.inf
        low, high = high, high * 2.0
    while high > low * 1.02:
        middle = (low + high) / 2.0
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return b.trials * high
