"""A form is done once, however often it is sent.

The laws:
- each form carries a name of its own. Sent again it changes nothing, and leads to where it led before; so a button that
  is pressed twice acts once, and a secret that was shown is not shown again;
- the audit log has what was done before anybody is answered.
"""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.audit import Deed, new_id
from consumer.control.idempotency import Answer, Asked
from consumer.kafka.client import KafkaBroken
from consumer.portal.answering import Done, see
from consumer.portal.routes import Do
from consumer.portal.visit import Visit

_NAME: int = 32
_TARGETS: Final = ("delivery", "job", "key", "webhook")


def done(visit: Visit, do: Do, action: str) -> Response:
    """What comes of the visit's form. `action` is what the audit log calls it.

    Raises:
        Refusal: it carries no name.
        InProgress, KeyReused, KafkaBroken, SecretUnreadable: see `Idempotency.begin`.
        Exception: whatever `do` raises: then nothing is remembered.
    """
    name = visit.form.get("once")
    if not (name.isascii() and name.isalnum() and len(name) == _NAME):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the form lacks a part of it: open it again")
    once = visit.services.once
    parts = ("\0".join(pair) for pair in visit.form.pairs)
    asked = Asked.of(
        visit.caller.asker, name, visit.path.encode(), *(each.encode("utf-8", "replace") for each in parts)
    )
    begun = once.begin(asked)
    if isinstance(begun, Answer):
        return see(dict(begun.headers)["Location"])
    try:
        outcome = do(visit, begun.work)
        if isinstance(outcome, Done):
            visit.services.audit.tell(_deed(visit, action, outcome))
    except KafkaBroken:
        raise  # done or not: only the same work may be tried again
    except Exception:
        once.give_up(asked, begun)
        raise
    if isinstance(outcome, Response):
        once.give_up(asked, begun)
        return outcome
    kept = Answer(status=HTTPStatus.SEE_OTHER, headers=(("Location", outcome.address(visit)),), body=b"")
    once.keep(asked, begun, kept)
    return outcome.response(visit)


def _deed(visit: Visit, action: str, outcome: Done) -> Deed:
    """What was done, by whoever opened the link. A form always has all of its fields, so they are not told."""
    target = next((visit.params[name] for name in _TARGETS if name in visit.params), "")
    return Deed(
        id=new_id(),
        at_ms=visit.now_ms,
        tenant=visit.owner.tenant,
        brand=visit.owner.brand,
        by=f"link:{visit.session.link}",
        action=action,
        target=target,
        made=outcome.made,
        user=visit.session.grant.user,
        request_id=visit.request_id,
    )
