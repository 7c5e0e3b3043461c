"""Capacity in simulated time: endpoints that take so much and no more, for days; and the laws of who waits for them.

The loop, the core, the broker, the groups and the record formats are those of the other seeds. What differs: who the
webhooks are and what they are sent (`case.py`, `customers.py`), how their endpoints answer (`hosts.py`), and what is
judged on top (`judge.py`).
"""
