import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.kafka.selection import event_topics
from consumer.kafka.topic_specs import specs
from consumer.settings import ConfigurationError, Settings


def settings(*event_topics: str, prefix: str = "hookline.") -> Settings:
    return Settings(event_topics=event_topics, topic_prefix=prefix)


EXPRESSIONS = ["^[^_].*", "^.*", "^", "^hookline", "^(?!x)", r"^.*retry\.5s$"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("prefix", ["hookline.", "", "a+b."])
def test_whatever_an_expression_matches_our_own_topics_are_never_event_topics(expression: str, prefix: str) -> None:
    everything = settings(prefix=prefix).model_copy(update={"tenant_keys": "on"})
    ours = [spec.name for spec in specs(everything, event_bytes=0)]
    former = [f"{prefix}retry.{delay}" for delay in ("0s", "90s", "7m")]
    chosen = event_topics(settings(expression, prefix=prefix))
    assert chosen.among([*ours, *former, "__consumer_offsets", "__transaction_state"]) == ()


@given(st.lists(st.sampled_from(["orders", "hookline.orders", "crm.a", "crm.b", "hookline.retry"]), unique=True))
def test_an_expression_chooses_from_the_beginning_of_a_name_and_a_name_exactly(existing: list[str]) -> None:
    chosen = event_topics(settings("orders", r"^crm\.", "^hookline.r"))
    assert set(chosen.among([*existing, "orders.eu"])) == {*existing} - {"hookline.orders"}


def test_another_installations_topics_are_its_operators_business() -> None:
    assert event_topics(settings("^staging[.]")).among(["staging.attempts"]) == ("staging.attempts",)


@pytest.mark.parametrize("name", ["hookline.attempts", "hookline.retry.0s", "hookline.retry.40s"])
def test_a_topic_of_ours_that_is_named_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"HOOKLINE_EVENT_TOPICS: {name} is one of Hookline's own topics"):
        event_topics(settings("orders", name))


@pytest.mark.parametrize("name", ["orders.*", "2}", "orders eu", "/orders/", "*", "a" * 250])
def test_a_name_that_no_topic_can_have_is_refused_and_told_how_an_expression_begins(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no topic's name: an expression begins with \^"):
        event_topics(settings("orders", name))


@pytest.mark.parametrize("expression", ["^rx[", "^(a", "^a{2,1}", "^*", "^(?P<n>a)(?P<n>b)", "^[[:alpha:]]", "^\\"])
def test_an_expression_that_is_none_is_refused_by_the_setting_it_stands_in(expression: str) -> None:
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_EVENT_TOPICS: .+ is no regular expression: "):
        event_topics(settings(expression))
