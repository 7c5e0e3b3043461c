"""Create a topic where HOOKLINE_KAFKA_BOOTSTRAP_SERVERS says, for when Kafka's own tools are not at hand.

python3 create_topic.py orders 8
"""

import sys

from confluent_kafka.cimpl import NewTopic

from consumer.kafka.topics import admin_client
from consumer.settings import load

name, partitions = sys.argv[1], int(sys.argv[2])
admin = admin_client(load())
admin.create_topics([NewTopic(name, partitions)])[name].result()
print(f"created {name} with {partitions} partitions")
