"""docker-compose.yml says what the settings know, pins what it runs and starts in the right order."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from consumer.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "docker-compose.yml"
ROLES = ("projection", "deliver", "retry", "log", "jobs", "api")


class Health(BaseModel):
    test: list[str] = []
    disable: bool = False


class Wait(BaseModel):
    condition: str


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore")

    image: str
    command: list[str] = []
    environment: dict[str, str] = {}
    ports: list[str] = []
    profiles: list[str] = []
    volumes: list[str] = []
    mem_limit: str | None = None
    read_only: bool = False
    cap_drop: list[str] = []
    security_opt: list[str] = []
    healthcheck: Health | None = None
    depends_on: dict[str, Wait] = {}
    restart: str = "no"
    stop_grace_period: str = "10s"


class Compose(BaseModel):
    services: dict[str, Part] = Field(min_length=1)
    volumes: dict[str, None]


@pytest.fixture(scope="module")
def compose() -> Compose:
    return Compose.model_validate(yaml.safe_load(COMPOSE.read_text()))


def known(variable: str) -> bool:
    """Whether Settings reads this variable."""
    name = variable.removeprefix("HOOKLINE_").lower()
    return name in Settings.model_fields or name.startswith("kafka_")


def test_every_setting_exists(compose: Compose) -> None:
    ours = {name for part in compose.services.values() for name in part.environment if name.startswith("HOOKLINE_")}
    assert len(ours) >= 5
    assert [name for name in sorted(ours) if not known(name)] == []


def test_every_setting_named_in_the_text_exists() -> None:
    for name in set(re.findall(r"HOOKLINE_[A-Z_]+", COMPOSE.read_text() + (ROOT / "Dockerfile").read_text())):
        assert known(name), name


def test_images_are_pinned(compose: Compose) -> None:
    for name, part in compose.services.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", part.image), name


def test_base_images_are_pinned() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert re.search(r"^ARG BASE=\S+:\d+\.\d+\.\d+-slim-\w+$", dockerfile, re.MULTILINE)


def test_what_keeps_running_has_a_health_check(compose: Compose) -> None:
    for name, part in compose.services.items():
        if part.restart != "no":
            assert part.healthcheck is not None, name
            assert part.healthcheck.test, name


def test_the_health_check_asks_where_the_supervisor_answers(compose: Compose) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    asked = re.search(r"HEALTHCHECK [^\n]*\\\n\s+CMD (\[.*\])", dockerfile)
    assert asked is not None
    for role in ROLES:
        health = compose.services[role].healthcheck
        assert health is not None
        assert health.test[1:] == json.loads(asked[1])
        port = compose.services[role].environment["HOOKLINE_ADMIN_LISTEN"].rpartition(":")[2]
        assert f"EXPOSE 8080 {port}\n" in dockerfile
    assert importlib.util.find_spec(json.loads(asked[1])[3]) is not None


def test_nothing_waits_for_health_that_is_not_checked_or_an_end_that_never_comes(compose: Compose) -> None:
    for name, part in compose.services.items():
        for other, wait in part.depends_on.items():
            awaited = compose.services[other]
            match wait.condition:
                case "service_healthy":
                    assert awaited.healthcheck is not None, (name, other)
                    assert not awaited.healthcheck.disable, (name, other)
                case "service_completed_successfully":
                    assert awaited.restart == "no", (name, other)
                case condition:
                    pytest.fail(f"{name} waits for {other} by {condition}")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_starts_after_its_topics_and_cache(compose: Compose, role: str) -> None:
    part = compose.services[role]
    assert part.command == ["run", role]
    assert part.depends_on["topics"].condition == "service_completed_successfully"
    assert part.depends_on["redis"].condition == "service_healthy"
    assert compose.services["topics"].command == ["topics", "create"]


def test_a_missing_encryption_key_is_said_with_what_to_do(compose: Compose) -> None:
    for role in ROLES:
        assert re.match(
            r"\$\{HOOKLINE_ENCRYPTION_KEYS:\?set it to .+\}$",
            compose.services[role].environment["HOOKLINE_ENCRYPTION_KEYS"],
        )


def test_a_drain_fits_into_the_grace_period(compose: Compose) -> None:
    for role in ROLES:
        assert int(compose.services[role].stop_grace_period.removesuffix("s")) > 8


def test_the_cache_never_evicts_and_asks_for_a_password(compose: Compose) -> None:
    script = compose.services["redis"].command[-1]
    assert "\nmaxmemory-policy noeviction\n" in script
    assert "\nrequirepass $$REDIS_PASSWORD\n" in script
    for role in ROLES:
        assert compose.services[role].environment["HOOKLINE_REDIS_URL"].startswith("redis://:${REDIS_PASSWORD:?")


def test_a_role_can_be_scaled(compose: Compose) -> None:
    """No two containers of it want one name in the group, or one port of the machine; each runs one process of it."""
    for role in set(ROLES) - {"api"}:
        part = compose.services[role]
        assert part.environment["HOOKLINE_MEMBERSHIP"] == "dynamic", role
        assert part.ports == [], role
    assert compose.services["deliver"].environment["HOOKLINE_PROCESSES"] == "1"


def test_nothing_but_the_volume_can_be_written_and_nothing_grows_without_end(compose: Compose) -> None:
    for role in (*ROLES, "topics"):
        part = compose.services[role]
        assert (part.read_only, part.cap_drop, part.security_opt) == (True, ["ALL"], ["no-new-privileges:true"])
        assert part.volumes == ["state:/var/lib/hookline"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "HOOKLINE_STATE_DIR=/var/lib/hookline\n" in dockerfile
    for name, part in compose.services.items():
        assert part.mem_limit is not None or name == "events", name


def test_what_is_published_is_published_on_this_machine_only(compose: Compose) -> None:
    ports = [port for part in compose.services.values() for port in part.ports]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_file_and_volume_that_is_mounted_is_there(compose: Compose) -> None:
    for name, part in compose.services.items():
        for volume in part.volumes:
            source, _, _ = volume.partition(":")
            assert (ROOT / source).exists() if source.startswith(".") else source in compose.volumes, (name, volume)


def test_monitoring_is_asked_for_and_nothing_else_waits_for_it(compose: Compose) -> None:
    monitoring = {name for name, part in compose.services.items() if part.profiles == ["monitoring"]}
    assert monitoring == {"prometheus", "grafana"}
    for name in compose.services.keys() - monitoring:
        assert monitoring.isdisjoint(compose.services[name].depends_on)


def test_offsets_outlive_the_longest_retention(compose: Compose) -> None:
    minutes = int(compose.services["kafka"].environment["KAFKA_OFFSETS_RETENTION_MINUTES"])
    assert minutes >= 30 * 24 * 60


def test_the_image_runs_as_a_user_of_its_own() -> None:
    last = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert "\nUSER 10001:10001\n" in last  # by number: Kubernetes can see that it is not root
    assert 'ENTRYPOINT ["hookline"]' in last


def test_compose_itself_agrees_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return  # the model above is all there is to check by
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", "main:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    answer = subprocess.run(
        [docker, "compose", "--file", str(COMPOSE), "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
