"""Certificates for tests, made by openssl: a CA, servers that it vouches for, and a client."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no `openssl` on PATH: install Debian's package openssl"
)


@dataclass(frozen=True)
class Pair:
    cert: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    ca: Path
    server: Pair
    """For 127.0.0.1."""
    stranger: Pair
    """For another host."""
    client: Pair
    locked: Path
    """The client's key, under a passphrase."""


def made(folder: Path) -> Certificates:
    """A fresh set of certificates in this folder."""
    ca = folder / "ca.pem"
    _openssl(
        "req", "-x509", *_NEW_KEY, "-keyout", folder / "ca.key", "-out", ca,
        "-subj", "/CN=test CA", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    server = _signed(folder, "server", "subjectAltName=IP:127.0.0.1")
    stranger = _signed(folder, "stranger", "subjectAltName=DNS:elsewhere.example")
    client = _signed(folder, "client", "extendedKeyUsage=clientAuth")
    locked = folder / "locked.key"
    _openssl("pkey", "-in", client.key, "-aes256", "-passout", "pass:sesame", "-out", locked)
    return Certificates(ca, server, stranger, client, locked)


def context(pair: Pair, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """What a server needs to speak TLS with this certificate, and to demand one of the client."""
    made_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made_context.load_cert_chain(pair.cert, pair.key)
    if client_ca is not None:
        made_context.load_verify_locations(client_ca)
        made_context.verify_mode = ssl.CERT_REQUIRED
    return made_context


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def _signed(folder: Path, name: str, extension: str) -> Pair:
    pair, request = Pair(folder / f"{name}.pem", folder / f"{name}.key"), folder / f"{name}.csr"
    _openssl(
        "req", "-new", *_NEW_KEY[:-2], "-keyout", pair.key, "-out", request,
        "-subj", f"/CN={name}", "-addext", extension,
    )  # fmt: skip
    _openssl(
        "x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-CAcreateserial", "-copy_extensions", "copyall", "-days", "2", "-out", pair.cert,
    )  # fmt: skip
    return pair


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
