from consumer.control.owner import Owner
from consumer.jobs.job import Asked, Kind
from consumer.jobs.places import LONG, OF_A_TENANT, SHORT, SLICE_S, Places
from tests.jobs import asked


def job(number: int, tenant: str, kind: Kind = Kind.REPLAY) -> Asked:
    return asked(id=f"job_{number}", owner=Owner(tenant=tenant, brand="hookline"), kind=kind)


def test_sixteen_are_open_at_once_and_resends_have_theirs() -> None:
    places = Places()
    assert [places.take(job(number, f"t{number}"), 0) for number in range(LONG + 1)] == [True] * LONG + [False]
    resends = [job(100 + number, f"t{number}", Kind.RESEND) for number in range(SHORT + 1)]
    assert [places.take(each, 0) for each in resends] == [True] * SHORT + [False]
    places.leave("job_3")
    assert places.take(job(50, "other"), 0)


def test_a_tenant_has_two_and_two_for_resends_beside() -> None:
    places = Places()
    assert [places.take(job(number, "acme"), 0) for number in range(3)] == [True] * OF_A_TENANT + [False]
    assert places.take(job(10, "acme", Kind.RESEND), 0)
    assert places.take(job(11, "other"), 0)


def test_who_has_had_its_place_longest_gives_way_and_not_at_once() -> None:
    places = Places()
    for number in range(LONG):
        places.take(job(number, f"t{number}"), number)
    assert places.to_give_way(job(50, "other"), SLICE_S - 1) is None
    assert places.to_give_way(job(50, "other"), SLICE_S) == "job_0"


def test_a_tenant_that_has_its_share_makes_room_among_its_own() -> None:
    places = Places()
    places.take(job(1, "other"), 0)
    places.take(job(2, "acme"), 1)
    places.take(job(3, "acme"), 2)
    assert places.to_give_way(job(4, "acme"), 100) == "job_2"


def test_a_resend_makes_no_long_job_give_way() -> None:
    places = Places()
    for number in range(LONG):
        places.take(job(number, f"t{number}"), 0)
    assert places.to_give_way(job(50, "other", Kind.RESEND), 100) is None
