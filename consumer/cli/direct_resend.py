"""One delivery sent again now, by an operator's own process."""

import time
from contextlib import closing

from consumer.api.log_pages import tiers_of
from consumer.brands.loader import brand
from consumer.cli.webhook_port import Shown
from consumer.control.one_attempt import OneAttempt, logging_by
from consumer.control.resend_now import Again, ResendNow
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.sealing import patient
from consumer.kafka.retention import retention_ms
from consumer.kafka.topic_specs import Topics
from consumer.kafka.topic_writer import TopicWriter
from consumer.log.resource import Sight, attempt_detail
from consumer.settings import Settings
from consumer.standings.replaced import ReplacedStore, ReplacedTeller
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription


def resent_now(settings: Settings, subscription: Subscription, again: Again, *, delivered: bool) -> Shown:
    """Send it, and wait: the attempt in full, as the API shows it. `delivered`: it was accepted before.

    Raises:
        ConfigurationError, BrandUnknown: a setting is wrong, or the webhook's brand is not known here.
        KafkaBroken: the attempt was made, and could not be logged.
    """
    teller, keyring = ReplacedTeller(ReplacedStore.from_settings(settings)), Keyring.from_settings(settings)
    with closing(TopicWriter(settings)) as writer, closing(teller), closing(TenantKeys(settings, keyring)) as keys:
        one_attempt = OneAttempt(settings, keyring, logging_by(writer), sealing=patient(settings, keys))
        kept = ResendNow(one_attempt, teller.tell).send(subscription, again, delivered=delivered)
    sight = Sight(
        tiers=tiers_of(settings),
        now_ms=time.time_ns() // 1_000_000,
        bodies=True,
        brand=brand(subscription.brand, settings.brands_dir),
        kept_for_ms=retention_ms(settings, Topics.of(settings).attempts),
    )
    return attempt_detail(kept, sight)
