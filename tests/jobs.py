"""Jobs, for tests."""

from typing import Final

from hypothesis import strategies as st

from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.jobs.job import (
    Asked,
    Chosen,
    Counts,
    Job,
    Kind,
    Matching,
    Missed,
    Reason,
    Sampled,
    Spot,
    State,
    Subject,
    Wish,
)
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Place

ACME: Final = Owner(tenant="acme", brand="hookline")
NOW_MS: Final = 1_790_000_000_000

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_long = st.integers(-(2**63), 2**63 - 1)
_int = st.integers(-(2**31), 2**31 - 1)
_texts = st.lists(_text, max_size=4)
_places = st.dictionaries(st.tuples(_text, _int), _long, max_size=6)
_owners = st.builds(Owner, tenant=_text, brand=_text)
_counts = st.builds(
    Counts,
    looked=_long,
    matched=_long,
    sent=_long,
    raced=_long,
    skipped=st.dictionaries(_text, _long, max_size=4),
)
subjects = (
    st.builds(Chosen, spots=st.lists(st.builds(Spot, _text, _int, _long), max_size=4).map(tuple))
    | st.builds(
        Matching,
        statuses=_texts.map(frozenset),
        codes=_texts.map(frozenset),
        reasons=_texts.map(frozenset),
        types=_texts.map(tuple),
        since_ms=st.none() | _long,
        until_ms=st.none() | _long,
    )
    | st.builds(Missed, since_ms=_long, until_ms=_long, types=_texts.map(tuple))
)
askeds = st.builds(
    Asked,
    id=_text,
    owner=_owners,
    webhook=_text,
    kind=st.sampled_from(Kind),
    subject=subjects,
    again=st.booleans(),
    rate_per_s=_int,
    most=_int,
    place=st.sampled_from(Place),
    created_by=_text,
    created_at_ms=_long,
    wish=st.sampled_from(Wish),
    number=_int,
)
jobs = st.builds(
    Job,
    id=_text,
    state=st.sampled_from(State),
    heard=_int,
    reason=st.none() | st.sampled_from(Reason),
    detail=_text,
    other=st.none() | _text,
    counted=st.none() | _counts,
    counts=_counts,
    begins=_places,
    ends=_places,
    position=_places,
    reached_ms=st.none() | _long,
    sample=st.lists(
        st.builds(Sampled, event_id=_text, event_type=_text, at_ms=_long, delivery=st.none() | _text), max_size=3
    ).map(tuple),
    made=_texts.map(tuple),
    attempts=_long,
    started_at_ms=st.none() | _long,
    finished_at_ms=st.none() | _long,
)


def asked(
    number: int = 1,
    wish: Wish = Wish.RUN,
    *,
    id: str = "job_1",  # noqa: A002 # what everybody calls it
    owner: Owner = ACME,
    webhook: str = "wh_1",
    kind: Kind = Kind.REPLAY,
    subject: Subject | None = None,
    again: bool = False,
    created_at_ms: int = NOW_MS,
) -> Asked:
    """One that was asked for by the operator."""
    return Asked(
        id=id,
        owner=owner,
        webhook=webhook,
        kind=kind,
        subject=Matching() if subject is None else subject,
        again=again,
        most=3,
        created_by="operator",
        created_at_ms=created_at_ms,
        wish=wish,
        number=number,
    )


def taken(new: NewRecord, *, partition: int = 0, offset: int = 0) -> Record:
    """What was written, as it is read."""
    return Record(
        topic=new.topic,
        partition=partition,
        offset=offset,
        key=new.key,
        value=new.value,
        headers=new.headers,
        timestamp_ms=NOW_MS,
    )
