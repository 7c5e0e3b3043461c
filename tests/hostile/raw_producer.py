"""Records as other clients may write them, which confluent's Python producer cannot: header names of any bytes."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

import confluent_kafka

# librdkafka's rd_kafka_vtype_t and RD_KAFKA_MSG_F_COPY, as in rdkafka.h.
_END, _TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADERS = 0, 1, 3, 4, 5, 7, 10
_COPY = 2
_PRODUCER = 0
_OK = 0


def _library() -> ctypes.CDLL:
    """The librdkafka inside confluent's wheel."""
    found = next(Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka*.so*"))
    library = ctypes.CDLL(str(found))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def write(
    bootstrap: str, topic: str, value: bytes, headers: Sequence[tuple[bytes, bytes]], *, key: bytes = b"k"
) -> None:
    """One record onto partition 0, acknowledged."""
    library = _library()
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    error = ctypes.create_string_buffer(512)
    assert library.rd_kafka_conf_set(configuration, b"bootstrap.servers", bootstrap.encode(), error, 512) == _OK, error
    producer = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, configuration, error, 512))
    assert producer.value, error
    carried = ctypes.c_void_p(library.rd_kafka_headers_new(len(headers)))
    for name, content in headers:
        sizes = ctypes.c_ssize_t(len(name)), ctypes.c_ssize_t(len(content))
        assert library.rd_kafka_header_add(carried, name, sizes[0], content, sizes[1]) == _OK
    produced = library.rd_kafka_producev(
        producer, _TOPIC, ctypes.c_char_p(topic.encode()), _PARTITION, ctypes.c_int32(0),
        _VALUE, ctypes.c_char_p(value), ctypes.c_size_t(len(value)),
        _KEY, ctypes.c_char_p(key), ctypes.c_size_t(len(key)),
        _FLAGS, _COPY, _HEADERS, carried, _END,
    )  # fmt: skip
    assert produced == _OK
    assert library.rd_kafka_flush(producer, 10_000) == _OK
    library.rd_kafka_destroy(producer)
