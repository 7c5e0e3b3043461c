"""A schema registry that speaks Confluent's API (Apicurio, in memory), with BACKWARD compatibility as Confluent's has."""

import http.client
import json
import shutil
from pathlib import Path
from typing import Self

from tests.services.jars import registry_jars
from tests.services.server import LocalProcess, Server, ServiceError, free_port, wait_until_ready

PATH = "/apis/ccompat/v7"
READY_WITHIN_S = 60.0


class Registry:
    """A registry on a free loopback port; stopping it forgets its schemas."""

    def __init__(self, server: Server, port: int) -> None:
        self._server = server
        self._port = port

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one with its log in `folder`.

        Raises:
            ServiceError: Java or Maven is missing, or it did not start.
        """
        if not (shutil.which("java") and shutil.which("mvn")):
            raise ServiceError("the schema registry needs Java 17 and Maven")
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        jar = next(registry_jars().glob("*-runner.jar"))
        options = [
            "-Xmx256m",
            "-XX:TieredStopAtLevel=1",
            "-Dquarkus.http.host=127.0.0.1",
            f"-Dquarkus.http.port={port}",
        ]
        options += ["-Dquarkus.log.level=WARN", "-Dquarkus.banner.enabled=false"]
        registry = cls(LocalProcess(["java", *options, "-jar", str(jar)], log=folder / "registry.log"), port)
        registry._begin()
        return registry

    @property
    def url(self) -> str:
        """For HOOKLINE_SCHEMA_REGISTRY_URL."""
        return f"http://127.0.0.1:{self._port}{PATH}"

    def stop(self) -> None:
        """A clean shutdown."""
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._server.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and silent."""
        self._server.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self._server.resume()

    def restart(self) -> None:
        """Start again, empty, on the same port, stopping first if it runs.

        Raises:
            ServiceError: it did not start.
        """
        if self._server.alive():
            self._server.stop()
        self._begin()

    def _begin(self) -> None:
        self._server.start()
        wait_until_ready("the schema registry", self._server, self._ready, within_s=READY_WITHIN_S)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5.0)
        try:
            connection.request(
                "PUT", f"{PATH}/config", json.dumps({"compatibility": "BACKWARD"}), {"Content-Type": "application/json"}
            )
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
