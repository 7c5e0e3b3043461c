"""How a command reaches the control plane: straight to Kafka, as its operator does, or through the API, as a customer.

The law: a command says the same things in the same words either way. Which way it goes is to be seen in the command
itself: no setting turns one that meant Kafka into one that speaks to an API.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from cyclopts import Parameter

from consumer.brands.loader import brand as brand_named
from consumer.brands.loader import load_brands
from consumer.cli.credentials import Credentials, key_brand
from consumer.cli.exits import usage
from consumer.cli.job_port import JobPort
from consumer.cli.key_port import KeyPort
from consumer.cli.log_port import LogPort
from consumer.cli.webhook_port import WebhookPort
from consumer.configuration import load
from consumer.settings import Settings


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Which way a command goes, and for whom."""

    api: Annotated[str | None, Parameter(help="The API's URL: speak to it, as a customer. Default: to Kafka.")] = None
    key: Annotated[str | None, Parameter(help="The key for --api. Default: HOOKLINE_API_KEY.")] = field(
        default=None, repr=False
    )
    tenant: Annotated[str | None, Parameter(help="The customer. Needed to create; an API key knows it.")] = None
    brand: Annotated[str | None, Parameter(help="Under which brand; to create, hookline. An API key knows it.")] = None


@contextmanager
def webhooks(access: Access | None) -> Iterator[WebhookPort]:
    """The webhooks, whichever way they are reached.

    Raises:
        CommandFailed: 64, the flags make no sense together.
        BrandUnknown: there is no such brand.
        ConfigurationError: a setting is wrong.
    """
    # Each way has clients of its own, which the other one's users need not wait for.
    asked, settings = access or Access(), load()
    if asked.api is None:
        from consumer.cli.direct_webhooks import DirectWebhooks  # noqa: PLC0415

        _check_direct(asked, settings)
        yield DirectWebhooks(settings, tenant=asked.tenant, brand=asked.brand)
    else:
        from consumer.cli.api_client import ApiClient  # noqa: PLC0415
        from consumer.cli.remote_webhooks import RemoteWebhooks  # noqa: PLC0415

        with ApiClient(asked.api, credentials(asked, settings)) as client:
            yield RemoteWebhooks(client)


@contextmanager
def keys(access: Access | None) -> Iterator[KeyPort]:
    """The API keys, whichever way they are reached. Raises as `webhooks`."""
    asked, settings = access or Access(), load()
    if asked.api is None:
        from consumer.cli.direct_keys import DirectKeys  # noqa: PLC0415 # as above

        _check_direct(asked, settings)
        yield DirectKeys(settings, tenant=asked.tenant, brand=asked.brand)
    else:
        from consumer.cli.api_client import ApiClient  # noqa: PLC0415 # as above
        from consumer.cli.remote_keys import RemoteKeys  # noqa: PLC0415 # as above

        with ApiClient(asked.api, credentials(asked, settings)) as client:
            yield RemoteKeys(client)


@contextmanager
def log(access: Access | None) -> Iterator[LogPort]:
    """The log, whichever way it is reached. Raises as `webhooks`."""
    asked, settings = access or Access(), load()
    if asked.api is None:
        from consumer.cli.direct_log import DirectLog  # noqa: PLC0415 # as above

        _check_direct(asked, settings)
        with closing(DirectLog(settings, tenant=asked.tenant, brand=asked.brand)) as direct:
            yield direct
    else:
        from consumer.cli.api_client import ApiClient  # noqa: PLC0415 # as above
        from consumer.cli.remote_log import RemoteLog  # noqa: PLC0415 # as above

        with ApiClient(asked.api, credentials(asked, settings)) as client:
            yield RemoteLog(client)


@contextmanager
def jobs(access: Access | None, *, of_a_webhook: bool = False) -> Iterator[JobPort]:
    """The jobs, whichever way they are asked for; `of_a_webhook`, which is known by its id. Raises as `webhooks`."""
    asked, settings = access or Access(), load()
    if asked.api is None:
        from consumer.cli.direct_jobs import DirectJobs  # noqa: PLC0415 # as above
        from consumer.cli.job_installation import job_installation  # noqa: PLC0415 # as above

        _check_direct(asked, settings)
        if asked.tenant is None and not of_a_webhook:
            raise usage("give --tenant, whose jobs they are", field="--tenant")
        with job_installation(settings, tenant=asked.tenant, brand=asked.brand) as installed:
            yield DirectJobs(installed, tenant=asked.tenant, brand=asked.brand)
    else:
        from consumer.cli.api_client import ApiClient  # noqa: PLC0415 # as above
        from consumer.cli.remote_jobs import RemoteJobs  # noqa: PLC0415 # as above

        with ApiClient(asked.api, credentials(asked, settings)) as client:
            yield RemoteJobs(client)


def credentials(asked: Access, settings: Settings) -> Credentials:
    """What a command shows to the API that it names. Raises as `webhooks`."""
    key = asked.key
    if key is None and settings.api_key is not None:
        key = settings.api_key.get_secret_value()
    if not key:
        raise usage("--api needs a key: give it by --key or HOOKLINE_API_KEY", field="--key")
    brand = key_brand(key, asked.brand, load_brands(settings.brands_dir))
    return Credentials(key=key, tenant=asked.tenant, brand=brand)


def _check_direct(asked: Access, settings: Settings) -> None:
    if asked.key is not None:
        raise usage("--key is for an API: say which by --api", field="--api")
    if asked.brand is not None:
        brand_named(asked.brand, settings.brands_dir)
