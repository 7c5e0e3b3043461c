"""The catalogues list what the companies' pages list, and each sample is what its schema says."""

import json

import jsonschema_rs
import pytest

from consumer.brands.brand import SENT_BY_HOOKLINE, CatalogueEntry
from consumer.brands.loader import brand, load_brands
from consumer.events.event import Record
from consumer.log.suspension import notice
from consumer.webhooks.subscription import Status
from tests.brands_page import OWN_EVENTS
from tests.webhook_samples import NOW_MS, subscription

ENTRIES = [(name, entry) for name, of in load_brands().items() for entry in of.catalogue]

# Convo, "Webhooks", section "Events": the table as it stands there.
CONVO_PAGE = """
conversation.created | conversationId |
conversation.updated | conversationId, title |
conversation.keypoints.ready | conversationId, title |
conversation.summary.ready | conversationId, title, sectionCount |
conversation.action_items.ready | conversationId, actionItemCount |
conversation.feedback.ready | conversationId, overallScore |
conversation.shared | conversationId, shareUrl |
conversation.deleted | conversationId |
transcript.ready | conversationId, segmentCount |
transcript.failed | conversationId, error |
webhook.test | message |
"""

# Conclude, "Webhooks", section "What you can subscribe to": the types there.
CONCLUDE_PAGE = "feedback.created feedback.updated feedback.linked_to_linear roadmap.shipped insight.created"

# Trackelio, "Webhooks": the table's types.
TRACKELIO_PAGE = (
    "post.created post.status_changed post.assigned comment.created nps.submitted csat.submitted conversation.completed"
)

# Featurebase, API reference, "Webhooks", field `topics`: "One of the following".
FEATUREBASE_PAGE = """
post.created post.updated post.deleted post.voted ticket.created ticket.updated ticket.deleted changelog.published
comment.created comment.updated comment.deleted conversation.user.created conversation.user.replied
conversation.admin.replied conversation.admin.closed conversation.handover_requested conversation.admin.assigned
conversation.admin.noted conversation.admin.snoozed conversation.admin.unsnoozed conversation.admin.opened
conversation.priority.updated conversation.deleted conversation.contact.attached conversation.contact.detached
conversation.read conversation_part.redacted
"""


def valid(entry: CatalogueEntry, data: object) -> bool:
    validator = jsonschema_rs.Draft202012Validator(dict(entry.schema), validate_formats=True)
    return validator.is_valid(data)


@pytest.mark.parametrize(("name", "entry"), [pytest.param(*each, id=f"{each[0]}-{each[1].type}") for each in ENTRIES])
def test_each_sample_is_what_its_schema_says(name: str, entry: CatalogueEntry) -> None:
    jsonschema_rs.meta.validate(dict(entry.schema))
    assert valid(entry, entry.sample)


@pytest.mark.parametrize(("name", "entry"), [pytest.param(*each, id=f"{each[0]}-{each[1].type}") for each in ENTRIES])
def test_each_schema_misses_each_field_of_the_sample(name: str, entry: CatalogueEntry) -> None:
    assert isinstance(entry.sample, dict)
    for missing in entry.sample:
        assert not valid(entry, {field: value for field, value in entry.sample.items() if field != missing}), missing


@pytest.mark.parametrize(
    ("name", "page"), [("conclude", CONCLUDE_PAGE), ("trackelio", TRACKELIO_PAGE), ("featurebase", FEATUREBASE_PAGE)]
)
def test_a_closed_catalogue_lists_its_page_s_types_in_their_order(name: str, page: str) -> None:
    assert [entry.type for entry in brand(name).catalogue] == [
        *page.split(),
        *OWN_EVENTS,
    ]


def test_convo_s_catalogue_is_its_page_s_table() -> None:
    rows = [line.split("|")[:2] for line in CONVO_PAGE.strip().splitlines()]
    page = {event.strip(): [field.strip() for field in fields.split(",")] for event, fields in rows}
    assert {
        entry.type: list(entry.sample)
        for entry in brand("convo").catalogue
        if entry.type not in SENT_BY_HOOKLINE - {"webhook.test"} and isinstance(entry.sample, dict)
    } == page


def test_convo_s_sample_is_the_one_its_page_shows() -> None:
    entry = brand("convo").announced("conversation.keypoints.ready")
    assert entry is not None
    assert entry.sample == {"conversationId": "sess_a1b2c3", "title": "Q1 Planning Review"}


def test_conclude_s_feedback_has_the_fields_its_page_shows() -> None:
    entry = brand("conclude").announced("feedback.created")
    assert entry is not None
    assert isinstance(entry.sample, dict)
    assert list(entry.sample) == ["id", "title", "body", "submitter", "created_at"]
    assert isinstance(entry.sample["submitter"], dict)
    assert list(entry.sample["submitter"]) == ["external_id", "email"]


def test_what_is_told_of_a_suspension_is_what_its_schema_says() -> None:
    entry = brand("hookline").announced("webhook.suspended")
    assert entry is not None
    suspended = subscription(status=Status.SUSPENDED, status_reason="failed", status_since_ms=NOW_MS)
    record = Record(topic="s", partition=0, offset=1, timestamp_ms=NOW_MS, key=b"wh_1", value=b"", headers=())
    data = json.loads(notice(suspended, record).data)
    assert valid(entry, data)
    assert isinstance(entry.sample, dict)
    assert list(data) == list(entry.sample)


@pytest.mark.parametrize("name", ["hookline", "mintlify"])
def test_an_open_catalogue_gives_examples(name: str) -> None:
    assert len(brand(name).catalogue) > 2
