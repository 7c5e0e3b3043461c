"""The apps of all brands, each made when it is first asked for: most installations serve one brand.

The law: a brand's app is made once, whoever asks at the same time.
"""

import threading
from collections.abc import Callable, Iterator, Mapping

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from consumer.brands.brand import Brand


class BrandApps(Mapping[str, FastAPI]):
    """The apps by the brand's name. Making one takes a tenth of a second: `get_soon` lets others go on meanwhile."""

    def __init__(self, brands: Mapping[str, Brand], make: Callable[[Brand], FastAPI]) -> None:
        self._brands = brands
        self._make = make
        self._made: dict[str, FastAPI] = {}
        self._making = threading.Lock()

    def __getitem__(self, name: str) -> FastAPI:
        if (known := self._made.get(name)) is not None:
            return known
        with self._making:
            if (known := self._made.get(name)) is None:
                known = self._made[name] = self._make(self._brands[name])
            return known

    def __contains__(self, name: object) -> bool:
        """Without making it."""
        return name in self._brands

    def __iter__(self) -> Iterator[str]:
        return iter(self._brands)

    def __len__(self) -> int:
        return len(self._brands)

    async def get_soon(self, name: str) -> FastAPI:
        """The app. Where it is to be made, a thread makes it."""
        known = self._made.get(name)
        return await run_in_threadpool(self.__getitem__, name) if known is None else known
