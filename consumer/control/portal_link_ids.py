"""The ids of portal links: no secrets, and yet nobody can make one up.

The law: an id is believed for the owner that it was made for, and tells when it was made. So a link can be ended by its
id, although nothing of it is stored; and who ends links that never were changes nothing.

    pl_  0193f2a4c8d1  a1b2c3d4e5f60718293a4b5c  _  Zk3…
         │             │                            └ signed for its owner
         │             └ 12 random bytes
         └ when it was made, epoch milliseconds
"""

import re
from collections.abc import Callable
from typing import Final

from consumer.control.owner import Owner
from consumer.control.signed_texts import SignedTexts
from consumer.webhooks.keyring import Keyring

LONGEST_MS: Final = 604_800_000
"""What a link opens lasts so long at most."""
OVER_MS: Final = LONGEST_MS + 86_400_000
"""So long after it was made a link opens nothing, whatever the clocks."""

_PURPOSE: Final = b"hookline portal link id 1"
_RANDOM_BYTES: Final = 12
_FORM: Final = re.compile(r"(pl_([0-9a-f]{12})[0-9a-f]{24})_([A-Za-z0-9_-]{22})")


class PortalLinkIds:
    """Makes them and knows them. For many threads."""

    def __init__(self, keyring: Keyring) -> None:
        self._signed = SignedTexts(keyring, _PURPOSE)

    def new(self, owner: Owner, *, now_ms: int, entropy: Callable[[int], bytes]) -> str:
        """The id of a new link."""
        name = f"pl_{now_ms:012x}{entropy(_RANDOM_BYTES).hex()}"
        return f"{name}_{self._signed.write(b'', name, owner.tenant, owner.brand)}"

    def made_for(self, link: str, owner: Owner) -> bool:
        """Whether this is the id of a link of the owner's."""
        matched = _FORM.fullmatch(link)
        return matched is not None and self._signed.read(matched[3], matched[1], owner.tenant, owner.brand) == b""


def made_at_ms(link: str) -> int:
    """When the link of this id was made."""
    matched = _FORM.fullmatch(link)
    return 0 if matched is None else int(matched[2], 16)
