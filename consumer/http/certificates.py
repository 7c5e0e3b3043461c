"""Which certificate authorities every engine trusts."""

import ssl

import certifi


def system_bundle() -> str:
    """The system's bundle (SSL_CERT_FILE honoured), or certifi's where the system has none."""
    return ssl.get_default_verify_paths().cafile or certifi.where()
