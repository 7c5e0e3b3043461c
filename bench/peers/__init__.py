"""What a team would write instead of Hookline, with care and in an afternoon: read Kafka, sign, post, commit.

The law: a peer does what Hookline does for an accepted delivery, no less. It matches by tenant and type, renders
the same body, signs it as Standard Webhooks says, keeps its connections, has 64 requests under way, and commits an
offset only when all before it are done. It keeps no log, has no retries and isolates nobody: that is what it saves.

Each is told by its environment: PEER_BOOTSTRAP, PEER_TOPIC, PEER_GROUP, and PEER_WEBHOOKS, a file of JSON:
`{tenant: {type: [[url, secret], …]}}`, the secret in Base64. It runs until SIGTERM.
"""
