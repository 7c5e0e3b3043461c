"""Create a topic where HOOKLINE_KAFKA_BOOTSTRAP_SERVERS says, unless it is there: without Kafka's own tools.

python3 create_topic.py orders 8
"""

import sys

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from consumer.configuration import load
from consumer.kafka.topics import admin_client

name, partitions = sys.argv[1], int(sys.argv[2])
admin = admin_client(load())
try:
    admin.create_topics([NewTopic(name, partitions)])[name].result()
except KafkaException as refused:
    if refused.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
        raise
    print(f"{name} is there already")
else:
    print(f"created {name} with {partitions} partitions")
