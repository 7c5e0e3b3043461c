"""From a webhook's creation to the first event that it receives.

The law: the clock runs from the moment the creation is sent. The first event is published as soon as it is answered,
and more follow twenty times a second, because a worker may match by a view that is up to a second old
(HOOKLINE_STALENESS). It always has one: the tenant's events never pause for long.
"""

import time

import httpx

from bench.audience import Audience
from bench.installation import BenchError, Installation, wait_until
from bench.load import Load
from bench.population import new_key
from bench.receiver import Receiver, Seen

TRIALS = 20
_BASE = "/v1/webhooks"
_A_SECOND = 20
_FOR_S = 2.6  # what comes later has missed the bar
_WARM_UP_S = 3.0


def measure(port: int, installation: Installation, receiver: Receiver) -> list[float]:
    """For each trial how long it took, in ms.

    Raises:
        BenchError: the API refused, or a webhook received nothing for 2.6 s.
    """
    audience = Audience(name="fresh", webhooks=1, tenants=1, url=lambda _: _url(receiver, TRIALS))
    load = Load(installation.bootstrap, installation.event_topic)
    key = new_key(installation, audience.tenant(0))
    installation.subscribe(audience)
    load.publish_paced(audience, a_second=_A_SECOND, for_s=_WARM_UP_S)
    warm = int(_A_SECOND * _WARM_UP_S)
    wait_until(lambda: installation.committed() >= warm, within_s=30, what="the warm-up is delivered")
    began_ns: list[int] = []
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as customer:
        for trial in range(TRIALS):
            wishes = {"url": _url(receiver, trial), "topics": [audience.event_type(0)]}
            began_ns.append(time.time_ns())
            created = customer.post(_BASE, json=wishes)
            if created.is_error:
                raise BenchError(f"a creation was answered {created.status_code}: {created.text[:200]}")
            # A little longer each time: the creations fall into every part of a view's second.
            load.publish_paced(audience, a_second=_A_SECOND, for_s=_FOR_S + trial / TRIALS)
            customer.delete(f"{_BASE}/{created.json()['id']}").raise_for_status()
    return _firsts(began_ns, receiver.finish())


def _url(receiver: Receiver, trial: int) -> str:
    return f"http://127.0.0.1:{receiver.ports[0]}/take/{trial}"


def _firsts(began_ns: list[int], seen: Seen) -> list[float]:
    took_ms: list[float] = []
    for trial, at_ns in enumerate(began_ns):
        came_ns = [each.received_ns for each in seen.arrivals if each.webhook == trial]
        if not came_ns:
            raise BenchError(f"webhook {trial} of {TRIALS} received nothing within {_FOR_S:g} s of its creation")
        took_ms.append((min(came_ns) - at_ns) / 1_000_000)
    return took_ms
