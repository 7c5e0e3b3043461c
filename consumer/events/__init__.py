"""A Kafka record becomes an Event, or a poison record with a reason a person understands."""
