"""Replays and recoveries as jobs: what a webhook did not get, sent to it again, counted and at a pace."""
