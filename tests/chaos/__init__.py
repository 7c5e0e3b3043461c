"""The chaos run: real processes, a real Kafka and Redis, real receivers, and faults from a seeded schedule.

    schedule ─► faults ─► arena (Kafka, Redis, receivers, supervisors) ─► ledgers ─► judgement ─► report
                            ▲
          load ─────────────┘

`python -m tests.chaos --minutes 20` is the run, `python -m tests.chaos.scenarios NAME` one question at a time.
"""
