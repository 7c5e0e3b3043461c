"""For how long marks of what was sent again are needed."""

from consumer.jobs.leading import lifetimes
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings

DAY_MS = 86_400_000
SETTINGS = Settings(retry_for="2d", wait_for="3d")
TOPICS = Topics.of(SETTINGS)


def test_a_chain_s_outlives_its_attempts_and_dead_letters_and_a_poison_record_s_that_record() -> None:
    gone = {TOPICS.dead_letter: 30 * DAY_MS, TOPICS.attempts: 40 * DAY_MS, TOPICS.poison: 50 * DAY_MS}
    found = lifetimes(SETTINGS, lambda _, topic: gone[topic])
    assert (found.chain_ms, found.poison_ms) == ((40 + 2 + 3 + 1) * DAY_MS, 51 * DAY_MS)


def test_what_is_kept_for_ever_or_nobody_knows_how_long_keeps_its_marks() -> None:
    gone = {TOPICS.dead_letter: None, TOPICS.attempts: 40 * DAY_MS, TOPICS.poison: None}
    found = lifetimes(SETTINGS, lambda _, topic: gone[topic])
    assert (found.chain_ms, found.poison_ms) == (None, None)
