"""docs/log.md tells every cause there is and all that stands in a job's way, and its examples do what they say."""

from consumer.api.job_refusals import Hindrance
from consumer.control.keys import Scope
from consumer.jobs.reasons import TABLE
from make.log_page import PAGE, page
from tests import curls
from tests.dead_letters import dead_letter
from tests.memory_api import MemoryApi


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_reason_and_every_hindrance_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    codes = {each.code for each in TABLE.values()} | {*Hindrance}
    assert [code for code in codes if f"| `{code}` |" not in text] == []


def test_what_it_shows_of_sending_again_can_be_done_as_it_stands() -> None:
    api = MemoryApi()
    client = api.client(*Scope)
    buried = dead_letter(webhook=str(api.webhook(client)["id"]))
    api.dead_letters.add(buried)
    held = {"WEBHOOK_ID": buried.delivery.subscription_id, "DELIVERY_ID": buried.delivery.id}
    states = []
    for command in curls.commands(PAGE):
        answer = curls.asked(client, command, held)
        assert answer.is_success, (command, answer.text)
        held["JOB_ID"] = answer.json()["id"]
        states.append(answer.json()["state"])
    assert states == ["done", "counted", "counted", "done", "done"]
