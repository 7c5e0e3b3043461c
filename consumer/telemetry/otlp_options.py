"""Where traces go and as what, by OpenTelemetry's own variables. Pure, but for the files of certificates.

Each is read as its specification has it ("OpenTelemetry Protocol Exporter"): one for traces, which has `TRACES_` in its
name, goes before the one for all signals.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from consumer.settings import ConfigurationError

HTTP_PROTOBUF: Final = "http/protobuf"

_SERVICE: Final = "service.name"
_NAME: Final = "hookline"
_DEFAULT: Final = "http://localhost:4318"
_PATH: Final = "/v1/traces"
_TIMEOUT_MS: Final = 10_000
_LONGEST_MS: Final = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpOptions:
    """Headers may be secrets: the repr has them not, nor the path, which may be one too.

    `resource` is what spans are told to come from. `tls` of None: plain HTTP.
    """

    host: str
    port: int | None
    path: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    timeout_s: float
    gzip: bool
    tls: ssl.SSLContext | None
    resource: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "OtlpOptions":
        """What the environment says.

        Raises:
            ConfigurationError: a variable is wrong.
        """
        protocol, said = _either(environ, "PROTOCOL")
        if said not in ("", HTTP_PROTOBUF):
            raise ConfigurationError(
                protocol, f"is {said}, and traces go out as {HTTP_PROTOBUF}: write that, and an endpoint that takes it"
            )
        name, url = _endpoint(environ)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ConfigurationError(name, "is no URL: write one as in http://otel-collector:4318") from None
        if host is None or parts.scheme not in ("http", "https"):
            raise ConfigurationError(name, "must be a URL with http:// or https://, as in http://otel-collector:4318")
        compression, way = _either(environ, "COMPRESSION")
        if way not in ("", "none", "gzip"):
            raise ConfigurationError(compression, f"is {way}: write gzip or none")
        return cls(
            host=host,
            port=port,
            path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers={each.lower(): value for each, value in _pairs(*_either(environ, "HEADERS")).items()},
            timeout_s=_timeout_s(*_either(environ, "TIMEOUT")),
            gzip=way == "gzip",
            tls=_tls(environ) if parts.scheme == "https" else None,
            resource=_resource(environ),
        )


def _either(environ: Mapping[str, str], what: str) -> tuple[str, str]:
    """The variable that counts, and what it says."""
    own, general = f"OTEL_EXPORTER_OTLP_TRACES_{what}", f"OTEL_EXPORTER_OTLP_{what}"
    return (own, environ[own].strip()) if environ.get(own) else (general, environ.get(general, "").strip())


def _endpoint(environ: Mapping[str, str]) -> tuple[str, str]:
    name, url = _either(environ, "ENDPOINT")
    if environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        return name, url  # it is the whole address
    return name, (url or _DEFAULT).rstrip("/") + _PATH


def _pairs(name: str, text: str) -> dict[str, str]:
    """`a=1,b=2`, the values percent-encoded."""
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        key, equals, value = part.partition("=")
        decoded = unquote(value.strip())
        if not (equals and key.strip().isascii() and key.strip().isprintable() and decoded.isprintable()):
            raise ConfigurationError(name, "must be names and values, as in name=value,other=value")
        found[key.strip()] = decoded
    return found


def _timeout_s(name: str, text: str) -> float:
    if not text:
        return _TIMEOUT_MS / 1_000
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= _LONGEST_MS):
        raise ConfigurationError(name, "must be a whole number of milliseconds, from 1 to 600000")
    return int(text) / 1_000


def _tls(environ: Mapping[str, str]) -> ssl.SSLContext:
    ca_name, ca = _either(environ, "CERTIFICATE")
    own_name, own = _either(environ, "CLIENT_CERTIFICATE")
    _, key = _either(environ, "CLIENT_KEY")
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ValueError):
        raise ConfigurationError(ca_name, "must be a file of certificates (PEM) that can be read") from None
    if own:
        try:
            context.load_cert_chain(own, key or None)
        except (OSError, ValueError):
            raise ConfigurationError(own_name, "must be a certificate (PEM) with its key, which can be read") from None
    return context


def _resource(environ: Mapping[str, str]) -> dict[str, str]:
    told = _pairs("OTEL_RESOURCE_ATTRIBUTES", environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    name = environ.get("OTEL_SERVICE_NAME", "").strip()
    return {_SERVICE: _NAME, **told, **({_SERVICE: name} if name else {})}
