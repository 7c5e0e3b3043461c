"""A broker as a process of Java that starts quickly: a test run starts some forty.

Two things are made once and kept beside the jars: an archive of the classes that a broker loads (JEP 350), and
formatted storage. Java goes on without an archive that does not fit it.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.services.jars import filling, kafka_jars, logging_jar
from tests.services.server import LocalProcess, ServiceError, free_port, listening

LOG4J = Path(__file__).with_name("log4j2.properties")
CLUSTER_ID = "aG9va2xpbmUtdGVzdHMtMQ"  # any 16 bytes in base64
# What a broker that lives for a minute spends most on is Java's second compiler.
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
ARCHIVE = "classes.jsa"
WITHIN_S = 60.0


def broker(
    folder: Path, properties: Mapping[str, str], *, java: Sequence[str], within: Sequence[str] = (), logger: str = ""
) -> LocalProcess:
    """Write its configuration and its storage to `folder`; it is not started yet.

    `java` are Java's options, `within` is put before the command. What `logger` says goes to its log.

    Raises:
        ServiceError: Java or Maven failed.
    """
    jars = kafka_jars()
    made = _made(jars)
    shutil.copytree(made / "storage", folder / "data")
    # A directory's id is 16 bytes, and begins with no dash.
    directory = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
    _write(
        folder / "data" / "meta.properties",
        {"version": "1", "cluster.id": CLUSTER_ID, "node.id": properties["node.id"], "directory.id": directory},
    )
    config = _write(folder / "server.properties", {**properties, "log.dirs": str(folder / "data")})
    archive = f"-XX:SharedArchiveFile={made / ARCHIVE}"
    if logger:
        # Behind the others: Java takes the archive of a class path that this one begins with.
        java = [*java, *_heard(logger), "-cp", f"{jars}/*:{logging_jar()}"]
    return LocalProcess([*within, *_java(jars), archive, *java, "kafka.Kafka", str(config)], log=folder / "kafka.log")


def _made(jars: Path) -> Path:
    """The folder with the archive and the storage, made if need be."""
    java = shutil.which("java")
    if java is None:
        raise ServiceError("java is missing: install a Java 17 or newer")
    of = hashlib.sha256(f"{Path(java).resolve()} {__file__}".encode()).hexdigest()[:12]
    folder = jars.with_name(f"{jars.name}-{of}")
    with filling(folder) as empty:
        if empty is not None:
            _make(empty, jars)
    return folder


def _make(folder: Path, jars: Path) -> None:
    """Format storage, and let one broker live on a copy of it until its port answers; it leaves the archive."""
    port, controller = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="hookline-kafka-") as scratch:
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(Path(scratch) / "data"),
        }
        config = _write(Path(scratch) / "server.properties", properties)
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", str(config)]
        done = subprocess.run([*_java(jars), *QUICK, *tool], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServiceError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")
        shutil.copytree(Path(scratch) / "data", folder / "storage")
        archive = f"-XX:ArchiveClassesAtExit={folder / ARCHIVE}"
        process = LocalProcess(
            [*_java(jars), archive, *QUICK, "kafka.Kafka", str(config)], log=Path(scratch) / "kafka.log"
        )
        process.start()
        until_s = time.monotonic() + WITHIN_S
        while process.alive() and not listening(port) and time.monotonic() < until_s:
            time.sleep(0.05)
        answered = listening(port)
        process.stop()
        if not answered:
            raise ServiceError(f"Kafka did not start; its log ends with:\n{process.log_tail()}")


def _java(jars: Path) -> list[str]:
    return ["java", "-cp", f"{jars}/*", f"-Dlog4j2.configurationFile={LOG4J}"]


def _heard(logger: str) -> list[str]:
    simple = "-Dorg.slf4j.simpleLogger"
    return [f"{simple}.defaultLogLevel=warn", f"{simple}.log.{logger}=info"]


def _write(path: Path, properties: Mapping[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    return path
