"""What went wrong between us and an HTTP server, as one sentence with the next step."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from tui.model.text import plain
from tui.sources.base import Reason, SourceError

LONGEST_TEXT: Final = 200
"""Characters of a server's own words that a sentence quotes."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises of a body that is no JSON of the expected shape: other JSON, bytes that are
no UTF-8, brackets nested without end."""

_ASK_LESS: Final = "choose fewer namespaces or a shorter window"
_PLAIN_ON_TLS: Final = re.compile(rb"(?i)http request (was sent )?to (an )?https")
_NO_TENANT: Final = re.compile(r"(?i)no org ?id")

_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
_WRONG_HOST: Final = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and …_IP_ADDRESS_MISMATCH."""
_WRONG_TIME: Final = frozenset({9, 10})
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and …_CERT_HAS_EXPIRED."""
_NO_TLS_THERE: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})


class _Words(msgspec.Struct):
    """How Prometheus (`error`), and Kubernetes or Grafana (`message`), say what they mind."""

    error: str | None = None
    message: str | None = None
    errorType: str | None = None


def refused(
    status: int, headers: Mapping[str, str], body: bytes, place: str, *, known: bool
) -> SourceError:
    """An answer whose HTTP status is no success. `known` is whether we sent a credential."""
    words = _words(body, headers)
    said = f"{status}; {_quote(words.error)}" if words.error else f"{status}"
    match status:
        case 400 if _PLAIN_ON_TLS.search(body):
            secure = place.replace("http://", "https://", 1)
            return SourceError(Reason.TLS, f"{place} wants TLS: write {secure}.")
        case 401:
            return SourceError(Reason.UNAUTHORIZED, _unauthorized(place, words, known))
        case 403:
            advice = "ask for the right to read there, or check the namespace and the tenant"
            return SourceError(Reason.FORBIDDEN, f"{place} forbids this ({said}): {advice}.")
        case 404:
            advice = "check the path in the URL (Mimir has /prometheus, Grafana Cloud /api/prom)"
            return SourceError(Reason.NOT_FOUND, f"{place} has no Prometheus API (404): {advice}.")
        case 407:
            advice = "write user and password into HTTPS_PROXY"
            return SourceError(Reason.UNAUTHORIZED, f"The proxy wants a password: {advice}.")
        case 413 | 414 | 431:
            return _bad_query(f"{place} finds the query too long ({status})")
        case 429:
            return _limited(place, headers)
        case 408 | 504:
            return _gave_up(place, said)
        case _ if status == 503 and words.errorType == "timeout":
            return _gave_up(place, said)
        case _ if status >= 500:
            sentence = f"{place} has an error of its own ({said}): its log may say more."
            return SourceError(Reason.SERVER, sentence, _retry_after(headers))
        case 400 | 422:
            return _bad_query(f"{place} refuses the query ({said})")
    return SourceError(
        Reason.NOT_PROMETHEUS,
        f"{place} answered {status}, which is not of Prometheus' API: check the URL.",
    )


def contradicted(error: str, place: str) -> SourceError:
    """An answer with status 200 that tells of an error, as some proxies make it."""
    return _bad_query(f"{place} refuses the query ({_quote(error)})")


def _quote(words: str) -> str:
    return f"“{plain(words, LONGEST_TEXT)}”"


def redirected(status: int, target: str, place: str) -> SourceError:
    """An answer that sends us to another origin, where no credential may follow."""
    if target == place.replace("http://", "https://", 1):
        return SourceError(Reason.TLS, f"{place} sends to {target}: use that URL.")
    return SourceError(
        Reason.NOT_PROMETHEUS,
        f"{place} sends to {target} ({status}): a login page? Give a credential (--token-file), "
        "or the URL behind it.",
    )


def undecodable(body: bytes, content_type: str, place: str) -> SourceError:
    """A successful answer that is not what Prometheus' API answers."""
    if "html" in content_type.lower() or body.lstrip()[:1] == b"<":
        sentence = "answered a web page, not Prometheus' API: a login page, or the wrong URL?"
    elif body.lstrip()[:1] == b"{":
        sentence = (
            "answered JSON that is cut off or not of Prometheus' API: "
            "check the URL and what is in between."
        )
    else:
        sentence = "answered something else than Prometheus' JSON: check the URL."
    return SourceError(Reason.NOT_PROMETHEUS, f"{place} {sentence}")


def late(place: str, timeout: float) -> SourceError:
    """An answer that did not come in time."""
    return SourceError(
        Reason.TIMEOUT,
        f"{place} did not answer within {timeout:g} s: {_ASK_LESS}, or raise --timeout.",
    )


def unreachable(error: BaseException, place: str, timeout: float) -> SourceError:
    """An exception of httpx, told by what the operating system or OpenSSL said first."""
    import httpx  # the client has loaded it

    if isinstance(error, httpx.ConnectTimeout):
        return SourceError(
            Reason.TIMEOUT,
            f"{place} took no connection within {timeout:g} s: "
            "is the host up, and does a firewall let this machine in?",
        )
    if isinstance(error, httpx.TimeoutException):
        return late(place, timeout)
    if isinstance(error, httpx.DecodingError):
        return undecodable(b"", "", place)
    if isinstance(error, httpx.ProxyError):
        advice = "check HTTPS_PROXY, or set NO_PROXY for this host"
        return SourceError(Reason.UNREACHABLE, f"The proxy does not connect to {place}: {advice}.")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _no_trust(cause, place)
    for cause in _causes(error):
        if isinstance(cause, OSError) and (sentence := _network(cause, place)):
            return SourceError(Reason.UNREACHABLE, sentence)
    wanted = "a client certificate (--cert)" if place.startswith("https:") else "https"
    return SourceError(
        Reason.UNREACHABLE,
        f"{place} closed the connection without a whole answer: "
        f"is it restarting, or does it want {wanted}?",
    )


def _network(error: OSError, place: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"The host of {place} has no address: check its name, or this machine's DNS."
    if error.errno == errno.ECONNREFUSED:
        return f"{place} refuses connections: is Prometheus up, and is the port right?"
    if error.errno in _NO_ROUTE:
        return f"There is no route to {place}: check the address, the VPN or the tunnel."
    return ""


def _no_trust(error: ssl.SSLError, place: str) -> SourceError:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_HOST:
            sentence = (
                f"The certificate of {place} is for another host: "
                "use the name that is in the certificate."
            )
        elif error.verify_code in _WRONG_TIME:
            sentence = f"The certificate of {place} is out of date: renew it, or set the clock."
        else:
            sentence = f"The certificate of {place} is from an unknown CA: give its CA with --ca."
        return SourceError(Reason.TLS, sentence)
    reason = error.reason or ""
    if reason in _NO_TLS_THERE:
        simple = place.replace("https://", "http://", 1)
        return SourceError(Reason.TLS, f"{place} does not speak TLS: write {simple}.")
    if "ALERT" in reason:
        advice = "give a client certificate that it knows with --cert and --key"
        return SourceError(Reason.TLS, f"{place} refuses our side of TLS: {advice}.")
    return SourceError(
        Reason.TLS, f"TLS with {place} failed: does the port want http, or a client certificate?"
    )


def _unauthorized(place: str, words: _Words, known: bool) -> str:
    if words.error and _NO_TENANT.search(words.error):
        return f"{place} wants a tenant (401): give --header X-Scope-OrgID=NAME."
    if known:
        return f"{place} refuses the credential (401): is the token or the password still valid?"
    return f"{place} wants a credential (401): give --token-file, --basic-user or --header."


def _limited(place: str, headers: Mapping[str, str]) -> SourceError:
    wait = _retry_after(headers)
    when = f"it asks to wait {wait:g} s" if wait is not None else "ask less often (--refresh)"
    return SourceError(Reason.RATE_LIMITED, f"{place} got too many requests (429): {when}.", wait)


def _gave_up(place: str, said: str) -> SourceError:
    return SourceError(Reason.TIMEOUT, f"{place} gave up on the query ({said}): {_ASK_LESS}.")


def _bad_query(what: str) -> SourceError:
    return SourceError(Reason.BAD_QUERY, f"{what}: {_ASK_LESS}.")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After`, also where it is a date (measured from the server's own)."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    until, now = http_date(value), http_date(headers.get("date", ""))
    return max(0.0, until - now) if until is not None and now is not None else None


def http_date(value: str) -> float | None:
    """Unix seconds of an HTTP date; `None` of what is none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _words(body: bytes, headers: Mapping[str, str]) -> _Words:
    try:
        found = msgspec.json.decode(body, type=_Words)
    except UNREADABLE:
        simple = headers.get("content-type", "").lower().startswith("text/plain")
        text = body[:LONGEST_TEXT].decode("utf-8", "replace").strip() if simple else ""
        return _Words(error=text or None)
    return _Words(error=found.error or found.message, errorType=found.errorType)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, outermost first."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    before = error.__cause__ or error.__context__
    if before is not None:
        yield from _causes(before)
