"""Where an HTTP server is and what opens it: address, credentials, certificates.

Nothing here prints a secret: the `repr` of both classes and every sentence hold the address
without user, password and query string.
"""

from __future__ import annotations

import base64
import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from tui.model.text import plain
from tui.sources.base import Reason, SourceError

if TYPE_CHECKING:
    import httpx

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """A server as a user names it, with what it takes to get in.

    `headers` are sent as they are (`X-Scope-OrgID`). `token_file` and `basic_password_file` are
    read again for every request, because tokens of a cluster are replaced while they are in use.
    `timeout` is the seconds that one refresh may take in all.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    token_file: str | Path | None = None
    basic_user: str | None = None
    basic_password_file: str | Path | None = None
    ca: str | Path | None = None
    cert: str | Path | None = None
    key: str | Path | None = None
    insecure_skip_tls_verify: bool = False
    timeout: float = 10.0

    def __repr__(self) -> str:
        return f"Endpoint({masked(self.url)!r})"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart: `base` has no slash at its end, no credentials and no query; `query` is
    empty, or begins with `?`.
    """

    base: str
    host: str
    query: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def encrypted(self) -> bool:
        """Whether it is https."""
        return self.base.startswith("https:")

    @property
    def local(self) -> bool:
        """Whether it is this machine, where no proxy belongs in between."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def masked(url: str) -> str:
    """A URL that may be wrong in any way, without what may be a secret: only what follows the last
    `@`, and nothing from `?` on.
    """
    scheme, mark, rest = url.strip().partition("://")
    if "@" in url:
        rest = url.rpartition("@")[2]
    elif not mark:
        scheme, rest = "", scheme
    shown = re.split(r"[?#]", rest, maxsplit=1)[0]
    known = scheme.lower() in ("http", "https")
    return plain(f"{scheme.lower()}://{shown}" if known else shown)


def address(url: str) -> Address:
    """The parts of an http or https URL; `SourceError` (bad setting) if it is none.

    The path prefix is kept, less the pages that people copy from a browser (`/graph`, `/api/v1`).
    """
    text = url.strip()
    shown = masked(text)
    if "://" not in text:
        place = shown.lstrip("/") or "HOST:9090"
        raise _wrong(f"The URL “{shown}” has no scheme: write http://{place}.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _wrong(f"The URL “{shown}” has no usable host and port: write {_SHAPE}.") from None
    if parts.scheme not in ("http", "https"):
        raise _wrong(f"The scheme of the URL “{shown}” is neither http nor https: write {_SHAPE}.")
    if not parts.hostname or _UNPRINTABLE.search(text):
        raise _wrong(f"The URL “{shown}” has no usable host: write {_SHAPE}.")
    if "@" in parts.path + parts.query + parts.fragment:
        # It may be a password with a slash in it, which must not be taken for a host and a path.
        raise _wrong(f"The URL of {shown} has an @ after its host: write it as %40.")
    return Address(
        base=f"{parts.scheme}://{_host_port(parts.hostname, port)}{_prefix(parts)}",
        host=parts.hostname,
        query=f"?{parts.query}" if parts.query else "",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


_SHAPE: Final = "http://HOST:PORT/PREFIX"


def _host_port(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def _prefix(parts: SplitResult) -> str:
    return re.sub(r"(/graph|/api/v1(/query)?)?/*$", "", parts.path)


def check(endpoint: Endpoint, place: Address) -> None:
    """`SourceError` (bad setting) for settings that contradict each other or that HTTP cannot
    carry, before anything is sent.
    """
    user = endpoint.basic_user or place.user
    given = [
        bool(endpoint.token_file),
        bool(user),
        any(name.lower() == "authorization" for name, _ in endpoint.headers),
    ]
    if sum(given) > 1:
        raise _wrong("Give one credential: a token file, or a user, or an Authorization header.")
    if endpoint.basic_password_file and not user:
        raise _wrong("A password file needs its user: give --basic-user.")
    if endpoint.key and not endpoint.cert:
        raise _wrong("A client key needs its certificate: give --cert.")
    if not endpoint.timeout > 0:
        raise _wrong("The timeout must be more than 0 seconds.")
    for name, value in endpoint.headers:
        if not _TOKEN.fullmatch(name):
            raise _wrong(f"“{plain(name, 60)}” is no name of an HTTP header: give NAME=VALUE.")
        if not value.isascii() or (value and not value.isprintable()):
            raise _wrong(f"The value of the header {name} has characters that HTTP cannot carry.")


def authorization(endpoint: Endpoint, place: Address) -> dict[str, str]:
    """The header that opens the server, from the files as they are at this moment; empty if no
    credential was given, or if it is among the endpoint's own headers.
    """
    if endpoint.token_file:
        return {"Authorization": f"Bearer {_secret(endpoint.token_file, 'token')}"}
    user = endpoint.basic_user or place.user
    if not user:
        return {}
    file = endpoint.basic_password_file
    password = _secret(file, "password") if file else place.password
    pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {pair}"}


def secrets(endpoint: Endpoint, place: Address, sent: Mapping[str, str]) -> Iterator[str]:
    """Every text that a server could send back to us and that must not be shown."""
    params = parse_qsl(place.query.removeprefix("?"))
    values = [*sent.values(), place.password, *(value for _, value in (*endpoint.headers, *params))]
    for value in values:
        # A tenant called `1` is no secret, and hiding it would spoil every number in a sentence.
        yield from (word for word in (value, value.rpartition(" ")[2]) if len(word) >= 6)


def client(endpoint: Endpoint, place: Address) -> httpx.AsyncClient:
    """A client for this server. Make one and keep it: its certificates cost 30 ms.

    Proxies come from the environment, but never for this machine's own addresses. `SourceError`
    (bad setting) for certificates or proxies that cannot be used.
    """
    import httpx  # takes 60 ms: not while the program starts

    # They log each URL with its query string, and what the server sent: cookies, redirects.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    headers = [("User-Agent", "istiotop"), ("Accept", "application/json"),
               ("Accept-Encoding", "gzip"), *endpoint.headers]  # fmt: skip
    try:
        return httpx.AsyncClient(
            headers=headers,
            verify=_tls(endpoint) if place.encrypted else _no_tls(),
            trust_env=not place.local,
            timeout=httpx.Timeout(endpoint.timeout, connect=endpoint.timeout * 0.8),
            limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=60.0),
            follow_redirects=False,
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        # Its own text may hold the proxy's password.
        raise _wrong(
            "The proxy named in the environment (HTTPS_PROXY, ALL_PROXY) cannot be used: "
            "give an http:// proxy, or set NO_PROXY for this host."
        ) from None


def _no_tls() -> ssl.SSLContext:
    """For plain http: trusts nobody, and reads no certificates."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    """What a TLS connection trusts, and shows of itself."""
    if endpoint.insecure_skip_tls_verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = _trusting(endpoint.ca)
    if endpoint.cert:
        try:
            # An empty passphrase, or OpenSSL would ask for one on the terminal.
            context.load_cert_chain(endpoint.cert, endpoint.key, password="")
        except ssl.SSLError:
            raise _wrong(
                f"The client certificate {_path(endpoint.cert)} and its key cannot be used: give a "
                "PEM certificate and the key that belongs to it, without a passphrase."
            ) from None
        except OSError as error:
            raise _unreadable("client certificate or key", endpoint.cert, error) from None
    return context


def _trusting(ca: str | Path | None) -> ssl.SSLContext:
    """A context that trusts this CA alone, or else the system's as kubectl does."""
    import httpx  # `client` has loaded it

    try:
        if ca is not None or _has_store():
            context = ssl.create_default_context(cafile=ca)
        else:
            context = httpx.create_ssl_context()
    except ssl.SSLError:
        raise _wrong(f"The CA file {_path(ca)} holds no PEM certificate.") from None
    except OSError as error:
        raise _unreadable("CA file", ca, error) from None
    # Python 3.13 refuses private CAs without key identifiers; Go's clients take them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _has_store() -> bool:
    """Whether this system has certificates of its own: images without any are common."""
    known = ssl.get_default_verify_paths()
    return bool(known.cafile or (known.capath and any(Path(known.capath).iterdir())))


def _secret(file: str | Path, kind: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise _unreadable(f"{kind} file", file, error) from None
    if not text or not text.isprintable() or (kind == "token" and not text.isascii()):
        raise _wrong(f"The {kind} file {_path(file)} does not hold one line with a {kind}.")
    return text


def _unreadable(kind: str, file: str | Path | None, error: OSError) -> SourceError:
    return _wrong(f"The {kind} {_path(file)} cannot be read: {error.strerror or 'no such file'}.")


def _path(file: str | Path | None) -> str:
    return plain(str(file))


def _wrong(sentence: str) -> SourceError:
    return SourceError(Reason.BAD_SETTING, sentence)
