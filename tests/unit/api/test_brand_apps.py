"""A brand's app is made when it is first asked for, and once."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI

from consumer.api.brand_apps import BrandApps
from consumer.brands.brand import Brand
from consumer.brands.loader import load_brands


class Maker:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, brand: Brand) -> FastAPI:
        self.made.append(brand.name)
        self.threads.append(threading.current_thread())
        time.sleep(0.05)
        return FastAPI()


def test_nothing_is_made_that_nobody_asks_for() -> None:
    maker = Maker()
    apps = BrandApps(load_brands(), maker)
    assert set(apps) == set(load_brands())
    assert len(apps) == len(load_brands())
    assert "convo" in apps
    assert "elsewhere" not in apps
    assert maker.made == []
    with pytest.raises(KeyError):
        apps["elsewhere"]


def test_who_asks_at_the_same_time_gets_the_same() -> None:
    maker = Maker()
    apps = BrandApps(load_brands(), maker)
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: id(apps["convo"]), range(4)))
    assert (len(found), maker.made) == (1, ["convo"])


def test_it_is_made_beside_the_loop() -> None:
    maker = Maker()
    apps = BrandApps(load_brands(), maker)

    async def ask() -> tuple[FastAPI, FastAPI]:
        return await apps.get_soon("convo"), await apps.get_soon("convo")

    one, other = asyncio.run(ask())
    assert one is other
    assert maker.threads != [threading.current_thread()]
    assert maker.made == ["convo"]
