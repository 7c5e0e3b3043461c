import pytest
from fastavro.schema import to_parsing_canonical_form

from consumer.control.audit import AUDIT
from consumer.control.canary import CANARY
from consumer.control.errands import ERRAND
from consumer.control.key_record import API_KEY
from consumer.control.portal_ends import PORTAL_END
from consumer.data_keys.key_record import DATA_KEY
from consumer.jobs.record import JOB, JOB_ASKED
from consumer.json import Json
from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.kafka.attempt_sealing import CONTENTS
from consumer.kafka.delivery_encoding import DELIVERY
from consumer.kafka.records import CHUNK, DEAD_LETTER, REPLAY
from consumer.kafka.republished import REPUBLISHED
from consumer.kafka.sealed import SEALED
from consumer.schemas import avro_histories
from consumer.webhooks.record import SUBSCRIPTION
from consumer.wire import RecordCorrupt, WireFormat

OLD: dict[str, Json] = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
NEW: dict[str, Json] = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int", "default": 7}],
}

# Fingerprints of schemas that were shipped: records of them lie on somebody's topics. A changed schema adds a line
# here; to remove one is to lose the records written under it. The old .avsc goes to schemas/avro/earlier/.
SHIPPED = {
    "ApiKey": (API_KEY, {"e3d6309cb56a385f", "e6adbdf5b2d56ee0"}),
    "AttemptContents": (CONTENTS, {"6ec1ab7d2976aaa8"}),
    "DataKey": (DATA_KEY, {"6e210dfbc77b3d6d"}),
    "Sealed": (SEALED, {"618d2822560ed9e6"}),
    "Attempt": (ATTEMPT, {"0863133cae639ef2", "24280b6f1720de4d", "ad1faeae0b170561"}),
    "Canary": (CANARY, {"89121448663dd35a"}),
    "Chunk": (CHUNK, {"0cda95340876175d", "ae70c844edb62935", "5439011e52c628c3"}),
    "DeadLetter": (
        DEAD_LETTER,
        {"21c67c3604f17417", "c489c8585b471029", "d26bc2195492ec8f", "2b9095a4028dc9f2", "5fc610fcb895bb14"},
    ),
    "Delivery": (
        DELIVERY,
        {"6b646291907c25eb", "d23bd9a234421d1f", "eff523ec86ab4784", "572af4996d89542a", "21ebb8f1fefd4edf"},
    ),
    "Deed": (AUDIT, {"04c2e150f26adbc4"}),
    "Errand": (ERRAND, {"069a708a503a0eea", "38a1528cccebdd5b", "2490008d1526f035"}),
    "Job": (JOB, {"6969c8e52e96bab2", "e0fe084e9c822a0b", "5591ba202d369fa3"}),
    "JobAsked": (JOB_ASKED, {"6062a0a5927c9dda"}),
    "PortalEnd": (PORTAL_END, {"a8ded789a8b8960f"}),
    "Replay": (REPLAY, {"5a47e67d31f7e4c1", "5223ef933ce4cfdb"}),
    "Republished": (REPUBLISHED, {"60b30f67e0f7a84e"}),
    "Subscription": (
        SUBSCRIPTION,
        {"2a42e7c69911d861", "7bf67803ff8aad9f", "eee5309c0f2ea69b", "7d5f5f365253f5b6", "821beb194b18cd3c"}
        | {"f11dde49415bd08b"},
    ),
}


def test_every_kind_of_record_is_looked_at_here() -> None:
    # Events have whatever schema their producers give them.
    assert {*SHIPPED, "Event"} == {str(history[0]["name"]) for history in avro_histories()}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_schema_that_was_shipped_can_still_be_read(name: str) -> None:
    wire, shipped = SHIPPED[name]
    assert {head[2:].hex() for head in wire.heads} == shipped


def test_the_head_is_the_fingerprint_of_the_specification() -> None:
    # The Avro project's own vector for the schema "int".
    wire = WireFormat([{"type": "int"}])
    assert to_parsing_canonical_form({"type": "int"}) == '"int"'
    assert wire.head == b"\xc3\x01" + (0x7275D51A3F395C8F).to_bytes(8, "little")


def test_a_record_of_an_earlier_schema_is_read_with_the_defaults_of_the_new() -> None:
    written = WireFormat([OLD]).encode({"a": "x"})
    assert WireFormat([NEW, OLD]).decode(written) == {"a": "x", "b": 7}


def test_a_record_of_a_schema_not_known_is_refused_by_its_head() -> None:
    written = WireFormat([NEW]).encode({"a": "x", "b": 1})
    with pytest.raises(RecordCorrupt, match="c3 01"):
        WireFormat([OLD]).decode(written)


def test_some_fields_alone_are_read_from_records_of_every_schema() -> None:
    read = WireFormat([NEW, OLD]).reading(["b"])
    assert read(WireFormat([NEW]).encode({"a": "x", "b": 1})) == {"b": 1}
    assert read(WireFormat([OLD]).encode({"a": "x"})) == {"b": 7}


def test_a_record_of_which_some_fields_are_read_is_checked_to_its_end() -> None:
    written = WireFormat([NEW]).encode({"a": "x", "b": 1})
    for broken in (written[:-1], written + b"!", b"{}"):
        with pytest.raises(RecordCorrupt):
            WireFormat([NEW]).reading(["a"])(broken)
