"""Why a write was not done. Each of these changed nothing."""


class WebhookUnknown(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """There is no webhook with this id, or no longer."""

    def __init__(self, subscription_id: str) -> None:
        super().__init__(f"there is no webhook {subscription_id}")


class Conflict(Exception):  # noqa: N818 # same
    """Another write of the same revision came first, so this one does not hold."""

    def __init__(self, subscription_id: str) -> None:
        super().__init__(f"{subscription_id} was changed by somebody else meanwhile: look at it and try again")


class Mismatch(Exception):  # noqa: N818 # same
    """The webhook is not at the revision which the caller named; `revision` is the one it is at."""

    def __init__(self, subscription_id: str, revision: int) -> None:
        super().__init__(f"{subscription_id} was changed by somebody else meanwhile: look at it and try again")
        self.revision = revision


class UidTaken(Exception):  # noqa: N818 # same
    """The owner has a webhook of this uid."""

    def __init__(self, uid: str) -> None:
        super().__init__(f"there is a webhook with the uid {uid}: change that one, or take another uid")


class QuotaReached(Exception):  # noqa: N818 # same
    """The tenant has as many webhooks as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"there may be at most {most} webhooks: delete one first")
        self.most = most
