"""Who we are to Kafka, by the user's properties: secrets in files, certificates, SASL's mechanisms.

The law: what can be seen to be wrong here is told by its setting, before there is a client. No error holds a secret.

`HOOKLINE_KAFKA_<SECRET>_FILE` names a file that holds the secret, as Kubernetes and Docker mount them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from consumer.kafka.tokens import SETTING as TOKEN_FROM
from consumer.settings import KAFKA, ConfigurationError

MECHANISM: Final = "sasl.mechanism"
PROTOCOL: Final = "security.protocol"
CERTIFICATE: Final = "ssl.certificate.location"
BEARER: Final = "OAUTHBEARER"
METHOD: Final = "sasl.oauthbearer.method"

FILE: Final = ".file"
IN_FILES: Final = (
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.password",
    "sasl.username",
    "ssl.key.password",
    "ssl.keystore.password",
)
"""What may stand in a file: secrets, and what comes along with them."""

_WITH_PASSWORD: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_MECHANISMS: Final = (*_WITH_PASSWORD, BEARER)
_INSECURE: Final = "enable.sasl.oauthbearer.unsecure.jwt"
_PATHS: Final = (CERTIFICATE, "ssl.ca.location", "ssl.crl.location", "ssl.key.location", "ssl.keystore.location")
_NO_PATH: Final = "probe"  # of `ssl.ca.location`: look where systems keep authorities


def variable(name: str) -> str:
    """The setting of a librdkafka property, as its user writes it."""
    return KAFKA + name.upper().replace(".", "_")


def identified(users: Mapping[str, str], token_from: str | None) -> dict[str, str]:
    """The user's properties with what files hold in its place, and the mechanism of tokens where there are any.

    Raises:
        ConfigurationError: they cannot tell Kafka who we are.
    """
    said = _with_files(users)
    protocol = said.get(PROTOCOL, "plaintext").strip().lower()
    if protocol.startswith("sasl"):
        said = _with_mechanism(said, token_from)
    elif token_from is not None or {MECHANISM, "sasl.username", "sasl.password"} & said.keys():
        raise ConfigurationError(
            variable(PROTOCOL), "must be sasl_ssl (or sasl_plaintext): SASL's settings are there, and would not be used"
        )
    if protocol.endswith("ssl"):
        _check_files(said, datetime.now(UTC))
    return said


def outdated(pem: bytes, now: datetime) -> str | None:
    """What is wrong with the time of the first certificate of these; None where nothing is, or none can be read."""
    from cryptography import x509  # noqa: PLC0415 - many commands speak to Kafka without TLS

    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None  # librdkafka says so, of whatever form it takes
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        return f"has expired at {ends:%Y-%m-%d %H:%M} UTC"
    return f"is not valid before {begins:%Y-%m-%d %H:%M} UTC" if now < begins else None


def _with_files(users: Mapping[str, str]) -> dict[str, str]:
    said = dict(users)
    for name in IN_FILES:
        path = said.pop(name + FILE, None)
        if path is None:
            continue
        if name in users:
            raise ConfigurationError(variable(name + FILE), f"{variable(name)} is set as well: remove one of them")
        said[name] = _secret(variable(name + FILE), Path(path))
    return said


def _secret(setting: str, path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise ConfigurationError(setting, f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(setting, f"{path} holds no text") from None
    if not secret:
        raise ConfigurationError(setting, f"{path} is empty")
    return secret


def _with_mechanism(said: dict[str, str], token_from: str | None) -> dict[str, str]:
    known = ", ".join(_MECHANISMS)
    mechanism = said.get(MECHANISM, BEARER if token_from else "").strip().upper()
    if mechanism not in _MECHANISMS:
        wanted = f"must be one of {known}" if mechanism else f"is missing: say one of {known}"
        ours = f" (for IAM of Amazon MSK {BEARER} with {TOKEN_FROM})" if "IAM" in mechanism else ""
        raise ConfigurationError(variable(MECHANISM), wanted + ours)
    if mechanism == BEARER:
        _check_tokens(said, token_from)
    elif token_from is not None:
        raise ConfigurationError(TOKEN_FROM, f"needs {variable(MECHANISM)}={BEARER}, which is {mechanism}")
    else:
        for name in ("sasl.username", "sasl.password"):
            if not said.get(name):
                raise ConfigurationError(variable(name), f"is missing: set it, or {variable(name + FILE)}")
    return {**said, MECHANISM: mechanism}


def _check_tokens(said: Mapping[str, str], token_from: str | None) -> None:
    """Of one source of tokens at most, and of one at least."""
    by_itself = said.get(METHOD, "default").strip().lower() != "default"
    if by_itself and token_from is not None:
        raise ConfigurationError(TOKEN_FROM, f"{variable(METHOD)} is set as well: remove one of them")
    if not by_itself and token_from is None and _INSECURE not in said:
        raise ConfigurationError(
            TOKEN_FROM, f"is missing: say where tokens come from, or set {variable(METHOD)}=oidc and what that needs"
        )


def _check_files(said: Mapping[str, str], now: datetime) -> None:
    for name in _PATHS:
        if (path := said.get(name)) and path != _NO_PATH and not Path(path).exists():
            raise ConfigurationError(variable(name), f"there is no file {path}")
    if path := said.get(CERTIFICATE):
        try:
            pem = Path(path).read_bytes()
        except OSError as error:
            raise ConfigurationError(variable(CERTIFICATE), f"{path} cannot be read: {error.strerror}") from None
        if wrong := outdated(pem, now):
            raise ConfigurationError(variable(CERTIFICATE), f"the certificate in {path} {wrong}")
