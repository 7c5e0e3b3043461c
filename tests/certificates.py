"""Certificates for TLS endpoints of tests."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ADDRESS = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        certificate = self._builder(self._name, self._key, issuer=self._name).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.ca_file = folder / "authority.pem"
        self.ca_file.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def server(
        self, alternative: x509.GeneralName, *, expired: bool = False, self_signed: bool = False
    ) -> ssl.SSLContext:
        """A server's context with a certificate for this name or address."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "endpoint")])
        builder = self._builder(
            subject, key, issuer=subject if self_signed else self._name, days_ago=30 if expired else 0
        ).add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        signed = builder.sign(key if self_signed else self._key, hashes.SHA256())
        path = self._folder / f"{len(list(self._folder.iterdir()))}.pem"
        path.write_bytes(
            signed.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def client(self, name: str, *, expired: bool = False) -> tuple[Path, Path]:
        """The files of a client's certificate and of its key; it may serve at the loopback address too."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key, issuer=self._name, days_ago=30 if expired else 0).add_extension(
            x509.SubjectAlternativeName([ADDRESS]), critical=False
        )
        number = len(list(self._folder.iterdir()))
        certificate, key_file = self._folder / f"{number}.certificate.pem", self._folder / f"{number}.key.pem"
        certificate.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key_file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, issuer: x509.Name, days_ago: int = 0
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=days_ago + 1))
            .not_valid_after(now - dt.timedelta(days=days_ago - 1))
        )
