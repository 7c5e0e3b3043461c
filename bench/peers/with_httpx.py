"""confluent-kafka and httpx: `python -m bench.peers.with_httpx`."""

import asyncio
import os
import signal
from collections.abc import Sequence

import httpx
from confluent_kafka import Consumer, Message

from bench.peers.webhooks import AT_ONCE, BATCH, Webhooks


async def main() -> None:
    """A batch after the other."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    webhooks = Webhooks()
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["PEER_BOOTSTRAP"],
            "group.id": os.environ["PEER_GROUP"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([os.environ["PEER_TOPIC"]])
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(limits=limits, timeout=10) as client:
        free = asyncio.Semaphore(AT_ONCE)

        async def post(url: str, headers: dict[str, str], body: bytes) -> None:
            async with free:
                (await client.post(url, headers=headers, content=body)).raise_for_status()

        while not stop.is_set():
            messages = await asyncio.to_thread(consumer.consume, BATCH, 0.2)
            if messages:
                requests = [request for value in _values(messages) for request in webhooks.requests(value)]
                await asyncio.gather(*(post(*request) for request in requests))
                consumer.commit(asynchronous=True)
    consumer.close()


def _values(messages: Sequence[Message]) -> list[bytes]:
    for message in messages:
        if message.error() is not None:
            raise RuntimeError(str(message.error()))
    return [value for message in messages if isinstance(value := message.value(), bytes)]


if __name__ == "__main__":
    asyncio.run(main())
