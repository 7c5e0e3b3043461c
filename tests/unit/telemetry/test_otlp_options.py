"""Where traces go, by OpenTelemetry's own variables."""

import pytest

from consumer.settings import ConfigurationError
from consumer.telemetry.otlp_options import OtlpOptions

OTLP = "OTEL_EXPORTER_OTLP_"


def of(**environ: str) -> OtlpOptions:
    return OtlpOptions.of(
        {(name if name.startswith("OTEL_") else OTLP + name): value for name, value in environ.items()}
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("localhost", 4318, "/v1/traces", False)),
        ({"ENDPOINT": "http://collector:4318/"}, ("collector", 4318, "/v1/traces", False)),
        ({"ENDPOINT": "https://otlp.example/otlp"}, ("otlp.example", None, "/otlp/v1/traces", True)),
        ({"TRACES_ENDPOINT": "http://traces:1/", "ENDPOINT": "http://all:2"}, ("traces", 1, "/", False)),
        ({"TRACES_ENDPOINT": "http://[::1]:1/t?k=v"}, ("::1", 1, "/t?k=v", False)),
    ],
)
def test_the_address(environ: dict[str, str], expected: tuple[str, int | None, str, bool]) -> None:
    found = of(**environ)
    assert (found.host, found.port, found.path, found.tls is not None) == expected


def test_the_rest() -> None:
    found = of(
        HEADERS="api-key=s3cret%20one, X-Two=2",
        TRACES_TIMEOUT="2500",
        TIMEOUT="1",
        COMPRESSION="gzip",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=prod,service.name=other",
        OTEL_SERVICE_NAME="webhooks",
    )
    assert found.headers == {"api-key": "s3cret one", "x-two": "2"}
    assert (found.timeout_s, found.gzip) == (2.5, True)
    assert found.resource == {"service.name": "webhooks", "deployment.environment.name": "prod"}
    assert "s3cret" not in repr(found)


def test_without_any_it_is_called_hookline_and_waits_for_ten_seconds() -> None:
    assert (of().resource, of().timeout_s, of().gzip, of().headers) == ({"service.name": "hookline"}, 10.0, False, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENDPOINT", "collector:4317"),
        ("ENDPOINT", "http://"),
        ("TRACES_ENDPOINT", "http://[::1"),
        ("ENDPOINT", "http://collector:port"),
        ("PROTOCOL", "grpc"),
        ("TRACES_PROTOCOL", "http/json"),
        ("HEADERS", "api-key"),
        ("HEADERS", "api-key=a%0d%0ax: 1"),
        ("TIMEOUT", "10s"),
        ("TIMEOUT", "0"),
        ("TRACES_COMPRESSION", "zstd"),
        ("OTEL_RESOURCE_ATTRIBUTES", "prod"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name_and_not_repeated_where_it_may_be_secret(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        of(**{name: value})
    assert refused.value.field == (name if name.startswith("OTEL_") else OTLP + name)
    assert "api-key" not in str(refused.value)


@pytest.mark.parametrize("name", ["CERTIFICATE", "TRACES_CLIENT_CERTIFICATE"])
def test_a_certificate_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{OTLP}{name}: "):
        of(ENDPOINT="https://collector.example", **{name: "/nowhere.pem"})
