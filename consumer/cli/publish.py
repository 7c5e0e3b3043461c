"""`hookline publish`: events from a file onto a topic.

The law: it ends only when Kafka acknowledged what was sent, or says from which line on that is not known. A record is
handed to the idempotent producer once; an interrupted file goes on with `--skip` where it stopped.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from consumer.cli.event_file import Outgoing, container_records, is_container, json_lines, registry_encoder
from consumer.cli.exits import INTERRUPTED, CommandFailed, bad_input, say, unavailable, usage
from consumer.cli.reach import PATIENCE_S, installation
from consumer.cli.stopping import Stop
from consumer.kafka.client import Properties, build, client_properties, error_of
from consumer.kafka.producer import ANY_SIZE
from consumer.settings import Settings, load

_GIVE_UP_S = 10.0
_INTERRUPTED_S = 0.4
_MADE_WITHIN_S = 1.0


def publish(
    topic: str,
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    key_field: str | None = None,
    rate: float | None = None,
    header: Annotated[list[str] | None, Parameter(negative=())] = None,
    skip: int = 0,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Publish events: JSON lines, or the records of an Avro object container file.

    A record io.hookline.Event is sent in Avro's single-object encoding, another one in the Schema Registry's format.

    Parameters
    ----------
    topic
        The topic to publish to.
    file
        The file, or - for standard input.
    key_field
        The field that holds the record's key (dots go deeper); by default tenant, where there is one.
    rate
        Records a second, at most.
    header
        A header of every record, as in 'ce_source: shop'; may be given more than once.
    skip
        Lines (or Avro records) to pass over: to go on after an interruption.
    json
        Print the summary as JSON.
    """
    headers = [_header(text) for text in header or ()]
    if rate is not None and rate <= 0:
        raise usage("--rate is a number of records a second, above 0", field="--rate")
    settings = installation(load())
    with _opened(file) as stream, Stop() as stop:
        publishing = _Publishing(settings, topic, headers, rate, stop)
        container = is_container(stream)
        records = (
            container_records(stream, key_field, registry_encoder(settings.schema_registry_url, topic))
            if container
            else json_lines(stream, key_field)
        )
        try:
            with _progress(stream, shown=not json) as advance:
                publishing.send_all(records, skip, advance)
        except CommandFailed as error:
            publishing.finish()
            raise CommandFailed(error.code, f"{error}; published before it: {publishing.published:,}") from None
        publishing.finish()
        return publishing.summarize("record" if container else "line", as_json=json)


class _Publishing:
    def __init__(
        self,
        settings: Settings,
        topic: str,
        headers: list[tuple[str, str | bytes | None]],
        rate: float | None,
        stop: Stop,
    ) -> None:
        self._topic = topic
        self._headers = headers
        self._interval_s = 1 / rate if rate else 0.0
        self._stop = stop
        self._producer = build(Producer, _properties(settings))
        self._began_s = time.monotonic()
        self._last = 0
        self._unacknowledged: set[int] = set()
        self.published = 0
        self._bytes = 0
        self._refused: tuple[int, str] | None = None
        _require(self._producer, topic)

    def send_all(self, records: Iterator[Outgoing], skip: int, advance: "_Advance") -> None:
        due_s = time.monotonic()
        while (record := self._stop.next_of(records)) is not None:
            if record.number <= skip:
                continue
            while not self._ended and (wait_s := due_s - time.monotonic()) > 0:
                self._producer.poll(min(wait_s, 0.1))
            if self._ended:
                return
            self._send(record)
            due_s = max(due_s + self._interval_s, time.monotonic() - 1.0)
            advance(record)

    def finish(self) -> None:
        """Wait for every acknowledgement; 10 s at most once something went wrong, half a second when interrupted."""
        until_s = float("inf")
        while len(self._producer) and time.monotonic() < until_s:
            if self._ended:
                patience_s = _INTERRUPTED_S if self._stop.asked else _GIVE_UP_S
                until_s = min(until_s, time.monotonic() + patience_s)
            self._producer.flush(0.1)

    def summarize(self, unit: str, *, as_json: bool) -> int:
        seconds = round(time.monotonic() - self._began_s, 3)
        summary = {"topic": self._topic, "published": self.published, "bytes": self._bytes, "seconds": seconds}
        if as_json:
            sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        else:
            size = f"{self._bytes:,} bytes in {seconds:g} s"
            sys.stdout.write(f"published {self.published:,} records to {self._topic}: {size}\n")
        if self._refused is not None:
            number, why = self._refused
            raise unavailable(f"{unit} {number} was not published: {why}")
        if self._unacknowledged:
            first = min(self._unacknowledged)
            raise unavailable(f"from {unit} {first} on it is not known whether the records were published")
        if self._stop.asked:
            say(f"interrupted after {unit} {self._last}: go on with --skip {self._last}")
            return INTERRUPTED
        return os.EX_OK

    @property
    def _ended(self) -> bool:
        return self._stop.asked or self._refused is not None

    def _send(self, record: Outgoing) -> None:
        acknowledged = partial(self._acknowledged, record.number, len(record.value))
        while True:
            try:
                self._producer.produce(
                    self._topic, record.value, record.key, headers=self._headers, on_delivery=acknowledged
                )
            except BufferError:
                self._producer.poll(0.1)
                if self._ended:
                    return
            except KafkaException as exception:
                raise bad_input(f"record {record.number}: {error_of(exception).str()}") from None
            else:
                break
        self._last = record.number
        self._unacknowledged.add(record.number)
        self._producer.poll(0)

    def _acknowledged(self, number: int, size: int, error: KafkaError | None, _message: Message) -> None:
        self._unacknowledged.discard(number)
        if error is None:
            self.published += 1
            self._bytes += size
        elif self._refused is None:
            self._refused = (number, error.str())


class _Advance:
    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task("publishing", total=total)

    def __call__(self, record: Outgoing) -> None:
        self._progress.update(self._task, completed=record.read_bytes, description=f"{record.number:,} records")


def _require(producer: Producer, topic: str) -> None:
    """Make sure that there is such a topic; a broker that makes topics for whoever asks makes it now.

    Raises:
        CommandFailed: 78, there is none; 69, the broker does not say.
    """
    until_s = time.monotonic() + _MADE_WITHIN_S
    while True:
        try:
            found = producer.list_topics(topic, timeout=PATIENCE_S).topics[topic]
        except KafkaException as exception:
            raise unavailable(f"Kafka is out of reach: {error_of(exception).str()}") from None
        if found.error is None or found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            return  # whatever else is wrong with it is said of the first record
        if time.monotonic() > until_s:
            break
        time.sleep(0.1)
    raise CommandFailed(
        os.EX_CONFIG, f"Kafka has no topic {topic}: it holds events, so create it yourself", field="topic"
    )


def _properties(settings: Settings) -> Properties:
    return client_properties(
        settings,
        ours={"acks": "all", "enable.idempotence": True, "message.max.bytes": ANY_SIZE},
        # Where a key lands is then the same for Java's tools.
        unless_set={"compression.type": "lz4", "linger.ms": 10, "partitioner": "murmur2_random"},
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _header(text: str) -> tuple[str, str | bytes | None]:
    name, colon, value = text.partition(":")
    # The client ends the process for a name that is not UTF-8, which a shell hands over with surrogates in it.
    if not colon or not name.strip() or not _is_unicode(text):
        raise usage(f"--header {text!r}: write a name, a colon and a value, in UTF-8")
    return name.strip(), value.strip().encode()


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise bad_input(f"{file}: {error.strerror}") from None


@contextmanager
def _progress(stream: BinaryIO, *, shown: bool) -> Iterator[_Advance]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    total = os.fstat(stream.fileno()).st_size or None
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        yield _Advance(progress, total)
