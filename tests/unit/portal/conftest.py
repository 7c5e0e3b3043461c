"""The pages of one process, and a browser that has been let in."""

import pytest

from tests.memory_portal import Browser, MemoryPortal


@pytest.fixture
def portal() -> MemoryPortal:
    return MemoryPortal()


@pytest.fixture
def browser(portal: MemoryPortal) -> Browser:
    return portal.enter()
