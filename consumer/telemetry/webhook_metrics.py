"""The figures of single webhooks, which `/metrics/webhooks` tells and no other metric's labels do.

The law: they are apart from the catalogue of `/metrics`, where no label names a customer; and there are at most
`MOST_WEBHOOKS` of them from a process, whatever tenants create.
"""

from collections.abc import Mapping
from typing import Final

from consumer.telemetry.metric import Kind, Metric

MOST_WEBHOOKS: Final = 1_000

_LABELS: Final = ("tenant", "webhook")


def _gauge(name: str, help_: str, *labels: str) -> Metric:
    return Metric(
        name=f"hookline_webhook_{name}", kind=Kind.GAUGE, help=help_, roles=("log",), labels=(*_LABELS, *labels)
    )


OF_WEBHOOKS: Final = (
    _gauge("failing_seconds", "How long the endpoint has accepted nothing it was sent; 0 while it accepts."),
    _gauge("consecutive_failures", "Attempts in a row that the endpoint did not accept."),
    _gauge("response_seconds", "How long the endpoint takes to answer: the mean of its last hundred or so answers."),
    _gauge("last_attempt_timestamp_seconds", "When the last attempt began, in seconds since 1970."),
    _gauge("last_success_timestamp_seconds", "When the last request was accepted, in seconds since 1970."),
    _gauge("attempts_of_day", "Attempts of the last 24 hours, by what the endpoint made of them.", "outcome"),
)

OF_WEBHOOKS_BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in OF_WEBHOOKS}
