"""The steps on one bucket of the cache: what each of `scripts` is given. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from consumer.webhooks.bucket import Keys
from consumer.webhooks.cache import Call
from consumer.webhooks.fold import Fold, changes
from consumer.webhooks.kept import Kept
from consumer.webhooks.scripts import BEAT, CLAIM, CLEAR, FOUND, KNOWN, WRITE

# Less than a deletion stays on its topic (`delete.retention.ms`): who knows nothing of it any more and creates the
# webhook anew under its uid must not lose to it.
_GONE_S: Final = 23 * 3_600


class BucketCalls:
    """Under one installation's keys; each is for one bucket, by its number."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def claim(self, number: int, owner: str, epoch: str) -> Call:
        """Take it over."""
        return Call(script=CLAIM, keys=self._three(number), args=(owner, epoch))

    def clear(self, number: int, owner: str) -> Call:
        """Begin to fill it anew."""
        return Call(script=CLEAR, keys=self._three(number), args=(owner,))

    def found(self, number: int, owner: str, bucket: Kept) -> Call:
        """Found it under its epoch, after it was cleared."""
        return Call(script=FOUND, keys=(self._keys.bucket(number),), args=(owner, bucket.epoch, bucket.written))

    def known(self, number: int, names: Sequence[tuple[str, str]]) -> Call:
        """Ask what it knows of these subscriptions, by tenant and id."""
        keys = [
            key for tenant, name in names for key in (self._keys.tenant(number, tenant), self._keys.gone(number, name))
        ]
        return Call(script=KNOWN, keys=keys, args=[name for _, name in names])

    def write(self, number: int, owner: str, bucket: Kept, fold: Fold, at: str, *, unasked: bool) -> Call:
        """Write a fold, up to the offsets `at`. `unasked`: only if nothing is known of any of its subscriptions."""
        keys = list(self._three(number))
        args: list[str | bytes] = [owner, bucket.epoch, bucket.written, bucket.unsure, at, str(_GONE_S), str(+unasked)]
        for state, change in changes(fold):
            keys += (self._keys.tenant(number, state.tenant), self._keys.gone(number, state.id))
            args += change
        return Call(script=WRITE, keys=keys, args=args)

    def beats(self, owner: str, buckets: Mapping[int, Kept], *, together: bool) -> list[Call]:
        """Say that these are kept up to date, up to the offsets `unsure` of each; in one call, or one for each."""
        at_once = len(buckets) if together else 1
        numbers = [*buckets]
        return [
            Call(
                script=BEAT,
                keys=[self._keys.bucket(number) for number in part],
                args=[arg for number in part for arg in _beat(owner, buckets[number])],
            )
            for part in (numbers[start : start + at_once] for start in range(0, len(numbers), at_once or 1))
        ]

    def _three(self, number: int) -> tuple[str, str, str]:
        return self._keys.bucket(number), self._keys.tenants(number), self._keys.lost(number)


def _beat(owner: str, bucket: Kept) -> tuple[str, ...]:
    may_open = "1" if bucket.open or bucket.caught_up else "0"
    return owner, bucket.epoch, bucket.written, bucket.unsure, str(bucket.beat), may_open
