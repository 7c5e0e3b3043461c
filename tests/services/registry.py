"""A schema registry that speaks Confluent's API (Apicurio, in memory), with Confluent's default of BACKWARD."""

import http.client
import json
import shutil
from pathlib import Path
from typing import Self

from tests.services import engine
from tests.services.jars import registry_jars
from tests.services.server import LocalProcess, Server, ServiceError, free_port
from tests.services.service import Service

IMAGE = "apicurio/apicurio-registry-mem:2.6.13.Final"
OPTIONS = [
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-Dquarkus.http.host=127.0.0.1",
    "-Dquarkus.log.level=WARN",
    "-Dquarkus.banner.enabled=false",
]
PATH = "/apis/ccompat/v7"


class Registry(Service):
    """A registry on a free loopback port; stopping it forgets its schemas."""

    name = "the schema registry"
    path = PATH

    @classmethod
    def start(cls, folder: Path, *, port: int | None = None) -> Self:
        """Start one with its log in `folder`; a `port` of None is any free one.

        Raises:
            ServiceError: neither Java and Maven nor a container engine is here, or it did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        if shutil.which("java") and shutil.which("mvn"):
            jar = next(registry_jars().glob("*-runner.jar"))
            command = ["java", *OPTIONS, f"-Dquarkus.http.port={port}", "-jar", str(jar)]
            server: Server = LocalProcess(command, log=folder / "registry.log")
        elif container := engine.find():
            server = engine.Container(container, IMAGE, port=port, inner_port=8080)
        else:
            raise ServiceError("the schema registry needs Java 17 and Maven, or a container engine; none answers")
        return cls(server, port)

    @property
    def url(self) -> str:
        """For HOOKLINE_SCHEMA_REGISTRY_URL."""
        return f"http://127.0.0.1:{self._port}{PATH}"

    def ready(self) -> bool:
        """Whether it took the rule that every subject follows."""
        rule = json.dumps({"compatibility": "BACKWARD"})
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5.0)
        try:
            connection.request("PUT", f"{PATH}/config", rule, {"Content-Type": "application/json"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
