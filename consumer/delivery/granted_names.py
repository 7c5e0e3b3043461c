"""Names where single tenants may reach networks that others may not.

The laws: each such tenant has what is known of names to itself, judged by what is granted to it, so that no other
tenant is ever given one of its addresses; a name is asked for once at a time, whoever waits for it.
"""

from collections.abc import Mapping, Sequence

from consumer.delivery.names import Named, Names, Refuses, Resolution


class GrantedNames(Names):
    """`refuses` is for all tenants but those of `granted`, each with its own."""

    def __init__(self, refuses: Refuses, granted: Mapping[str, Refuses]) -> None:
        super().__init__(refuses)
        self._all = Names(refuses)
        self._its = {tenant: Names(its) for tenant, its in granted.items()}
        self._waited: dict[str, list[Names]] = {}  # by the host that is asked for
        self._fresh: list[str] = []
        self._patient_ones: dict[Names, None] = {}

    @property
    def pending(self) -> bool:
        return any(names.pending for names in self._still_patient())

    def look(self, tenant: str, host: str, now_ms: int) -> Named | None:
        names = self._its.get(tenant, self._all)
        named = names.look(tenant, host, now_ms)
        self._collect(names)
        return named

    def asked(self) -> Sequence[str]:
        fresh, self._fresh = self._fresh, []
        return fresh

    def answered(self, host: str, resolution: Resolution, now_ms: int) -> None:
        for names in self._waited.pop(host):
            names.answered(host, resolution, now_ms)
            self._collect(names)

    def overdue(self, now_ms: int) -> Sequence[str]:
        return [host for names in self._still_patient() for host in names.overdue(now_ms)]

    def wake_ms(self) -> int | None:
        times = [each for names in self._still_patient() if (each := names.wake_ms()) is not None]
        return min(times, default=None)

    def _collect(self, names: Names) -> None:
        """Have asked for what these need, unless others have done so."""
        for host in names.asked():
            if host in self._waited:
                self._waited[host].append(names)
            else:
                self._waited[host] = [names]
                self._fresh.append(host)
        if names.pending:
            self._patient_ones[names] = None

    def _still_patient(self) -> list[Names]:
        """Those that something waits for: the others are not looked at in every turn."""
        for names in list(self._patient_ones):
            if not names.pending:
                del self._patient_ones[names]
        return list(self._patient_ones)
