"""aiokafka and aiohttp: `python -m bench.peers.with_aiokafka`, in an environment from bench/peers/requirements.lock."""

import asyncio
import os
import signal

import aiohttp
from aiokafka import AIOKafkaConsumer

from bench.peers.webhooks import AT_ONCE, BATCH, Webhooks


async def main() -> None:
    """A batch after the other."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    webhooks = Webhooks()
    consumer = AIOKafkaConsumer(
        os.environ["PEER_TOPIC"],
        bootstrap_servers=os.environ["PEER_BOOTSTRAP"],
        group_id=os.environ["PEER_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:

        async def post(url: str, headers: dict[str, str], body: bytes) -> None:
            async with session.post(url, headers=headers, data=body) as answer:
                answer.raise_for_status()
                await answer.read()

        while not stop.is_set():
            taken = await consumer.getmany(timeout_ms=200, max_records=BATCH)
            values = [record.value for records in taken.values() for record in records]
            if values:
                requests = [request for value in values for request in webhooks.requests(value)]
                await asyncio.gather(*(post(*request) for request in requests))
                await consumer.commit()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
