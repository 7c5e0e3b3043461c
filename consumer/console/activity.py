"""What was done last, of all tenants: the newest of the audit log, as the console shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumer.api.services import AuditReader
from consumer.control.audit import Deed
from consumer.control.deeds import Sought
from consumer.portal.times import Moment, moment

SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedRow:
    """One thing that was done. `about` are ids: of what it was done to, and of what came of it."""

    tenant: str
    brand: str
    action: str
    about: tuple[str, ...]
    by: str
    user: str
    at: Moment


def latest(deeds: AuditReader) -> Sequence[Deed]:
    """The newest deeds. Raises Busy, KafkaBroken."""
    return deeds.page(Sought(to_operator=True), before=None, limit=SHOWN).found


def deed_row(deed: Deed, now_ms: int) -> DeedRow:
    """As it is shown to an operator: by whose hand, too."""
    return DeedRow(
        tenant=deed.tenant,
        brand=deed.brand,
        action=deed.action,
        about=tuple(each for each in (deed.target, deed.made) if each),
        by=deed.by,
        user=deed.user,
        at=moment(deed.at_ms, now_ms),
    )
