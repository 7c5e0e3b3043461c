from consumer.kafka.dealing import Sightings

NONE: frozenset[str] = frozenset()
CRM = frozenset({"crm"})


def test_a_topic_that_belongs_to_nobody_three_times_in_a_row_is_told_once() -> None:
    sightings = Sightings()
    assert [sightings.looked(CRM) for _ in range(7)] == [NONE, NONE, CRM, NONE, NONE, CRM, NONE]


def test_what_is_dealt_out_in_between_was_only_on_its_way() -> None:
    sightings = Sightings()
    looks = [CRM, CRM, NONE, CRM, CRM, frozenset({"crm", "shop"}), CRM]
    assert [sightings.looked(unread) for unread in looks] == [NONE] * 7
