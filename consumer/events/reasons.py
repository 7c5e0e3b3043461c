"""Why a record is poison.

The law: the words are a closed set that dashboards and filters may rely on; a detail names the field and the fix,
and never repeats a byte of the payload.
"""

from enum import StrEnum


class PoisonReason(StrEnum):
    """The words of `Poison.reason`."""

    UNDECODABLE = "undecodable"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNKNOWN_SCHEMA = "unknown_schema"
    UNSUPPORTED_SCHEMA = "unsupported_schema"
    EXPLODING_SCHEMA = "exploding_schema"
    MISSING_FIELD = "missing_field"
    DUPLICATE_FIELD = "duplicate_field"
    WRONG_TYPE = "wrong_type"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    DEADLY = "deadly"  # three processes died while their code ran for it
    BUG = "bug"  # an exception of ours while it was decoded or matched


class Refused(Exception):  # noqa: N818 - it is a verdict on a record, not an error of ours
    """This record or schema can never become an event.

    Raised and caught inside this room only: `decode` turns it into a Poison, `schema.parse` into a RefusedSchema.
    """

    def __init__(self, reason: PoisonReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
