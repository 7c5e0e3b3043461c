"""What is wrong with the fields of a form, in the page's language.

The law: the words are the API's, which say exactly what is wrong. In another language than theirs, the kind of fault
is said in that language first.
"""

from collections.abc import Iterable

from consumer.portal.words import words
from consumer.webhooks.wrong import Wrong


def by_field(found: Iterable[Wrong], *, within: str = "") -> dict[str, str]:
    """By the field's name; what is wrong inside of one is its own. `within` is cut off in front of a name."""
    said: dict[str, list[str]] = {}
    for each in found:
        said.setdefault(each.field.removeprefix(within).partition(".")[0], []).append(_said(each))
    return {name: "; ".join(messages) for name, messages in said.items()}


def _said(wrong: Wrong) -> str:
    kind = f"fault.{wrong.code}"
    return f"{words().say(kind)} ({wrong.message})" if kind in words() else wrong.message
