from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery import done_map
from consumer.kafka import stamps

KAFKA_TAKES = 4_095
ID = "dQmx8TASQY+dkTnKjl4NBQ"


@given(st.text(alphabet="v2|AZaz09+/"))
def test_what_is_stamped_is_read_back(metadata: str) -> None:
    assert stamps.read(stamps.stamped(ID, metadata)) == (ID, metadata)
    assert stamps.read(stamps.stamped(None, metadata)) == (None, metadata)


def test_there_is_room_for_the_stamp() -> None:
    assert len(stamps.stamped(ID, "x" * done_map.MOST)) <= KAFKA_TAKES
