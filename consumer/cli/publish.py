"""`hookline publish`: events from a file onto a topic.

The law: it ends only when Kafka acknowledged what was sent, or says from which line on that is not known. A file that
was interrupted goes on with `--skip` where it stopped.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from consumer.cli.event_file import Outgoing, container_records, is_container, json_lines, registry_encoder
from consumer.cli.exits import CommandFailed, bad_input, usage
from consumer.cli.outlook import Outlook
from consumer.cli.publishing import Publishing
from consumer.cli.reach import installation
from consumer.cli.stopping import Stop
from consumer.configuration import load
from consumer.events.rules import EventRules
from consumer.settings import Settings
from consumer.webhooks.reader import Reader


def publish(
    topic: str,
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    key_field: str | None = None,
    rate: float | None = None,
    header: Annotated[list[str] | None, Parameter(negative=())] = None,
    skip: int = 0,
    register: Annotated[bool, Parameter(negative=())] = False,
    unchecked: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Publish events: JSON lines, or the records of an Avro object container file.

    A record io.hookline.Event is sent in Avro's single-object encoding, another one in the Schema Registry's format.

    Parameters
    ----------
    topic
        The topic to publish to.
    file
        One JSON event a line, or an Avro object container file. - is standard input.
    key_field
        The field that holds the record's key (dots go deeper); by default tenant, where there is one.
    rate
        Records a second, at most.
    header
        A header of every record, as in 'ce_source: shop'; may be given more than once.
    skip
        Lines (or Avro records) to pass over: to go on after an interruption.
    register
        Register an Avro file's schema under the subject TOPIC-value, if the Schema Registry does not have it there.
    unchecked
        Also publish what is no event, which goes to the poison topic; do not look whether webhooks want it.
    json
        Print the summary as JSON.
    """
    headers = [_header(text) for text in header or ()]
    if rate is not None and rate <= 0:
        raise usage("--rate is a number of records a second, above 0", field="--rate")
    settings = installation(load())
    with _opened(file) as stream, Stop() as stop, ExitStack() as closing:
        publishing = Publishing(settings, topic, headers, rate, stop)
        container = is_container(stream)
        unit = "record" if container else "line"
        outlook = None if unchecked else _outlook(settings, unit, headers, skip)
        records = (
            container_records(
                stream,
                key_field,
                registry_encoder(settings.schema_registry_url, topic, register=register, closed_by=closing),
            )
            if container
            else json_lines(stream, key_field)
        )
        try:
            with _progress(stream, shown=not json) as advance:
                publishing.send_all(records if outlook is None else outlook.passed(records), skip, advance)
        except CommandFailed as error:
            publishing.finish()
            raise CommandFailed(
                error.code, f"{error}; published before it: {publishing.published:,}", field=error.field
            ) from None
        publishing.finish()
        return publishing.summarize(unit, outlook, as_json=json)


class _Advance:
    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task("publishing", total=total)

    def __call__(self, record: Outgoing) -> None:
        self._progress.update(self._task, completed=record.read_bytes, description=f"{record.number:,} records")


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
        raise usage(f"--header {text!r}: write a name, a colon and a value, in UTF-8", field="--header")
    return name.strip(), value.strip().encode()


def _outlook(settings: Settings, unit: str, headers: list[tuple[str, str | bytes | None]], skip: int) -> Outlook:
    reader = Reader.from_settings(settings)
    return Outlook(EventRules.of(settings), reader.read, unit=unit, headers=headers, skip=skip)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise bad_input(f"{file}: {error.strerror}", field="file") from None


@contextmanager
def _progress(stream: BinaryIO, *, shown: bool) -> Iterator[_Advance]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    total = os.fstat(stream.fileno()).st_size or None
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        yield _Advance(progress, total)
