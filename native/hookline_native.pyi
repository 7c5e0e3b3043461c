# What each part keeps stands in src/, and what is made of it in consumer/http/native.py and consumer/signing/written.py

from collections.abc import Sequence
from typing import Any, Final, Self, TypeAlias

_Timing: TypeAlias = tuple[float | None, float | None, float | None]
_Headers: TypeAlias = tuple[tuple[str, str], ...]
_Came: TypeAlias = tuple[int, int, Came, float, _Timing]
_Response: TypeAlias = tuple[int, int, _Headers, bytes, bool, float, _Timing]
_Failure: TypeAlias = tuple[int, str, str, float, _Timing]

__version__: Final[str]
LIMITS: Final[tuple[int, int, int, int]]

class Endpoint:
    def __new__(
        cls,
        *,
        url: str,
        timeout_ms: int,
        brand: str,
        user_agent: str,
        signing: str,
        header: str,
        schemes: Sequence[Sequence[bytes]],
        event_header: str | None,
        payload_format: str | None,
        with_workspace: bool,
        own: _Headers,
        redacted: str,
    ) -> Self: ...
    def request(
        self,
        event_id: str,
        kind: str,
        tenant: str,
        product: str | None,
        time_ms: int,
        data: bytes,
        traceparent: str | None,
        mark: str | None,
        body: bytes | None,
        content_type: str,
        scheme: int,
        now_ms: int,
        addresses: tuple[str, ...],
        /,
    ) -> Written: ...

class Written:
    @property
    def headers(self) -> _Headers: ...
    @property
    def shown(self) -> _Headers: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def whole(self) -> bytes: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...

class Came:
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> _Headers: ...
    @property
    def body(self) -> bytes: ...
    @property
    def body_truncated(self) -> bool: ...
    def record(
        self,
        head: bytes,
        written: object,
        delivery_id: str,
        event_id: str,
        event_type: str,
        tenant: str,
        subscription_id: str,
        number: int,
        at_ms: int,
        first_attempt_ms: int | None,
        outcome: str,
        next_tier: str | None,
        reason: str | None,
        replay_id: str | None,
        trigger: str,
        job_id: str | None,
        product: str | None,
        event_time_ms: int,
        event_topic: str,
        event_partition: int,
        event_offset: int,
        first_due_ms: int,
        /,
    ) -> bytes: ...

class Engine:
    def __new__(cls, ca_file: str, max_connections: int) -> Self: ...
    def submit(
        self, token: int, url: str, headers: _Headers, body: bytes, timeout_ms: int, addresses: tuple[str, ...]
    ) -> None: ...
    def send(self, token: int, written: object, addresses: tuple[str, ...]) -> None: ...
    def poll(self, wait_s: float) -> tuple[list[_Came], list[_Response], list[_Failure]]: ...
    def cancel(self, token: int) -> None: ...
    def watch(self, fd: int) -> None: ...
    @property
    def in_flight(self) -> int: ...
    def close(self) -> None: ...

class Rows:
    def __new__(cls, record: Sequence[tuple[str, object]]) -> Self: ...
    def read(self, value: bytes, at: int, /) -> tuple[dict[str, Any], int]: ...

def read_envelope(
    value: bytes, max_depth: int, /
) -> tuple[str | None, str, str, str | None, int | None, bytes] | None: ...
def read_avro(kinds: str, value: bytes, at: int, /) -> tuple[tuple[Any, ...], int]: ...
def write_avro(head: bytes, kinds: str, values: tuple[Any, ...], /) -> bytes: ...
def read_head(lines: list[bytes]) -> tuple[tuple[int, int, _Headers, bool, int | None, bool] | None, str | None]: ...
def read_chunks(pieces: list[bytes]) -> tuple[bytes, str | None]: ...
def read_answer(sent: bytes, elapsed_ms: float, times: _Timing) -> Came | None: ...
