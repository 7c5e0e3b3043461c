"""One broker that is logged in to in every way, and denies what no ACL allows. Who comes without a login may do all.

It also takes less beside a committed offset than Kafka does by default.

The users of a mechanism are known under their names by every listener of it.
"""

import base64
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from consumer.roles.rights import Kind, Operation, Right
from tests.certificates import Authority
from tests.services.kafka import SMALL, Kafka
from tests.services.server import free_port

PASSWORD = "correct horse"
METADATA_BYTES = 1_000
"""A commit may tell less than by default, as on Azure Event Hubs."""
SUPER = "User:ANONYMOUS"
_SECURITY = "org.apache.kafka.common.security"
_KINDS = {
    Kind.TOPIC: ResourceType.TOPIC,
    Kind.GROUP: ResourceType.GROUP,
    Kind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
    Kind.CLUSTER: ResourceType.BROKER,
}
_OPERATIONS = {
    Operation.READ: AclOperation.READ,
    Operation.WRITE: AclOperation.WRITE,
    Operation.DESCRIBE: AclOperation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS: AclOperation.DESCRIBE_CONFIGS,
    Operation.CREATE: AclOperation.CREATE,
}


class Issuer:
    """Signs tokens, and answers as a token service does to a client's id and secret."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65_537, 2_048)
        self.url = ""

    @cached_property
    def keys(self) -> str:
        """By which a broker verifies them (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": _number(numbers.n), "e": _number(numbers.e)}
        return json.dumps({"keys": [key]})

    def token(self, subject: str, *, lives_s: int = 3_600) -> str:
        now_s = int(time.time())
        claims = {"sub": subject, "iat": now_s - 10, "exp": now_s + lives_s, "scope": "kafka"}
        signed = ".".join(_text(json.dumps(each).encode()) for each in ({"alg": "RS256", "kid": "k"}, claims))
        return f"{signed}.{_text(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer at `url`."""
        issuer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                name, _, secret = base64.b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
                right = secret == PASSWORD.replace(" ", "+") or secret == PASSWORD
                given = {"access_token": issuer.token(name), "expires_in": 3_600, "token_type": "Bearer"}
                body = json.dumps(given if right else {"error": "invalid_client"}).encode()
                self.send_response(200 if right else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{server.server_port}/token"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """The broker, and what its clients set, in the words of the environment."""

    kafka: Kafka
    ports: Mapping[str, int]
    authority: Authority
    issuer: Issuer
    folder: Path

    def password(self, user: str, mechanism: str, *, password: str = PASSWORD) -> dict[str, str]:
        """A user's name and password, the password in a file."""
        path = self.folder / f"{user}.password"
        path.write_text(password + "\n")
        return self._at("SASL") | {
            "HOOKLINE_KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
            "HOOKLINE_KAFKA_SASL_MECHANISM": mechanism,
            "HOOKLINE_KAFKA_SASL_USERNAME": user,
            "HOOKLINE_KAFKA_SASL_PASSWORD_FILE": str(path),
            "HOOKLINE_KAFKA_SSL_CA_LOCATION": str(self.authority.ca_file),
        }

    def token(self, source: str) -> dict[str, str]:
        """A token of this source."""
        return self._at("TOKEN") | {
            "HOOKLINE_KAFKA_SECURITY_PROTOCOL": "sasl_plaintext",
            "HOOKLINE_KAFKA_TOKEN_FROM": source,
        }

    def token_file(self, user: str) -> str:
        path = self.folder / f"{user}.token"
        path.write_text(self.issuer.token(user))
        return f"file:{path}"

    def oidc(self, user: str, *, secret: str = PASSWORD) -> dict[str, str]:
        """A token that librdkafka fetches itself."""
        return self._at("TOKEN") | {
            "HOOKLINE_KAFKA_SECURITY_PROTOCOL": "sasl_plaintext",
            "HOOKLINE_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
            "HOOKLINE_KAFKA_SASL_OAUTHBEARER_METHOD": "oidc",
            "HOOKLINE_KAFKA_SASL_OAUTHBEARER_CLIENT_ID": user,
            "HOOKLINE_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET": secret,
            "HOOKLINE_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": self.issuer.url,
        }

    def certificate(self, user: str, *, of: Authority | None = None) -> dict[str, str]:
        """A client's certificate."""
        certificate, key = (of or self.authority).client(user)
        return self._at("MUTUAL") | {
            "HOOKLINE_KAFKA_SECURITY_PROTOCOL": "ssl",
            "HOOKLINE_KAFKA_SSL_CA_LOCATION": str(self.authority.ca_file),
            "HOOKLINE_KAFKA_SSL_CERTIFICATE_LOCATION": str(certificate),
            "HOOKLINE_KAFKA_SSL_KEY_LOCATION": str(key),
        }

    def allow(self, user: str, rights: Iterable[Right]) -> None:
        """Give the user these rights."""
        acls = [
            AclBinding(
                _KINDS[right.kind],
                right.name,
                ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL,
                f"User:{user}",
                "*",
                _OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )
            for right in rights
            for operation in right.operations
        ]
        admin = AdminClient({"bootstrap.servers": self.kafka.bootstrap})
        for made in admin.create_acls(acls).values():
            made.result(30)

    def denied(self, *users: str) -> list[str]:
        """What the broker denied to these users so far, as its log tells it."""
        lines = (self.folder / "kafka" / "kafka.log").read_text(errors="replace").splitlines()
        starts = tuple(f"Principal = User:{user} is Denied" for user in users)
        told = (line[line.index("Principal = ") :] for line in lines if "Principal = " in line)
        return sorted({line for line in told if line.startswith(starts)})

    def _at(self, listener: str) -> dict[str, str]:
        return {"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.ports[listener]}"}


@contextmanager
def logins(folder: Path, users: Mapping[str, str]) -> Iterator[Logins]:
    """Start one; `users` have these mechanisms of SASL with passwords."""
    (folder / "tls").mkdir()
    authority, issuer = Authority(folder / "tls"), Issuer()
    certificate, key = authority.client("broker")
    (folder / "broker.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    (folder / "keys.json").write_text(issuer.keys)
    ports = {name: free_port() for name in ("SASL", "TOKEN", "MUTUAL")}
    plain = " ".join(f'user_{user}="{PASSWORD}"' for user, mechanism in users.items() if mechanism == "PLAIN")
    keys = f"file://{folder}/keys.json"
    properties = {
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,TOKEN:SASL_PLAINTEXT,MUTUAL:SSL"
        ),
        "super.users": SUPER,
        "offset.metadata.max.bytes": str(METADATA_BYTES),
        "allow.everyone.if.no.acl.found": "false",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.ca_file),
        "ssl.principal.mapping.rules": "RULE:^CN=(.*?)$/$1/,DEFAULT",
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.sasl.plain.sasl.jaas.config": f"{_SECURITY}.plain.PlainLoginModule required {plain};",
        "listener.name.sasl.scram-sha-256.sasl.jaas.config": f"{_SECURITY}.scram.ScramLoginModule required;",
        "listener.name.sasl.scram-sha-512.sasl.jaas.config": f"{_SECURITY}.scram.ScramLoginModule required;",
        "listener.name.token.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.token.oauthbearer.sasl.jaas.config": (
            f"{_SECURITY}.oauthbearer.OAuthBearerLoginModule required;"
        ),
        "listener.name.token.oauthbearer.sasl.server.callback.handler.class": (
            f"{_SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        "listener.name.token.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": keys,
    }
    java = (*SMALL, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}")
    kafka = Kafka.start(folder / "kafka", properties, java=java, listeners=ports, logger="kafka.authorizer.logger")
    try:
        _add(kafka, users)
        with issuer.serving():
            yield Logins(kafka=kafka, ports=ports, authority=authority, issuer=issuer, folder=folder)
    finally:
        kafka.stop()


def _add(kafka: Kafka, users: Mapping[str, str]) -> None:
    """Those of SCRAM; its salted passwords are in Kafka."""
    kinds = {"SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256, "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512}
    new: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, ScramCredentialInfo(kinds[mechanism], 4_096), PASSWORD.encode())
        for user, mechanism in users.items()
        if mechanism in kinds
    ]
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.alter_user_scram_credentials(new).values():
        made.result(30)


def _number(number: int) -> str:
    return _text(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
