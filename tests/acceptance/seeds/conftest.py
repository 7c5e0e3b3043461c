"""One deployment for all pages; it ends with the last of their tests, so that it disturbs no other."""

import secrets
from collections.abc import Iterator

import pytest

from tests.acceptance.seeds.deployment import Deployment
from tests.acceptance.seeds.deployment import deployment as running_deployment


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("seeds")
    with running_deployment(folder, kafka_bootstrap, f"t{secrets.token_hex(4)}.") as started:
        yield started
