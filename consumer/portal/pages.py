"""The table of pages."""

from typing import Final

from consumer.control.keys import Scope
from consumer.portal import (
    activity,
    attempt_page,
    catalogue_page,
    changing,
    creating,
    delivery_page,
    failed_page,
    jobs_page,
    keys_page,
    log_live,
    log_page,
    looking,
    own_tls,
    sending_page,
    sending_selected,
    stopped,
    testing,
    verifying,
    webhook_list,
    webhook_page,
)
from consumer.portal.routes import Route

_ONE: Final = "webhooks/{webhook}"

ROUTES: Final = (
    Route("", show=webhook_list.show),
    Route("webhooks", show=webhook_list.show),
    Route(
        "webhooks/new",
        show=creating.show,
        do=creating.create,
        deed="createWebhook",
        draft=creating.drafted,
        needs=Scope.WRITE,
    ),
    Route(_ONE, show=webhook_page.show),
    Route(f"{_ONE}/verify", show=verifying.show),
    Route(f"{_ONE}/activity", show=activity.show, needs=Scope.ADMIN),
    Route(f"{_ONE}/secret", show=creating.shown_before, needs=Scope.WRITE),
    Route(
        f"{_ONE}/edit",
        show=changing.show_edit,
        do=changing.edit,
        deed="updateWebhook",
        draft=changing.drafted,
        needs=Scope.WRITE,
    ),
    Route(
        f"{_ONE}/rotate", show=changing.ask_rotate, do=changing.rotate, deed="rotateWebhookSecret", needs=Scope.WRITE
    ),
    Route(f"{_ONE}/tls", show=own_tls.show, do=own_tls.change, deed="updateWebhook", needs=Scope.WRITE),
    Route(f"{_ONE}/delete", show=changing.ask_delete, do=changing.delete, deed="deleteWebhook", needs=Scope.WRITE),
    Route(f"{_ONE}/pause", do=changing.pause, deed="pauseWebhook"),
    Route(f"{_ONE}/resume", do=changing.resume, deed="resumeWebhook"),
    Route(f"{_ONE}/unblock", do=stopped.decide, deed="unblockWebhook"),
    Route(
        f"{_ONE}/test", show=testing.show, do=testing.send, deed="testWebhook", draft=testing.drafted, needs=Scope.WRITE
    ),
    Route(
        f"{_ONE}/recover",
        show=sending_page.show_recover,
        do=sending_page.count_recover,
        deed="recoverWebhook",
        needs=Scope.REPLAY,
        do_needs=Scope.REPLAY,
    ),
    Route(
        f"{_ONE}/replay",
        show=sending_page.show_replay,
        do=sending_page.count_replay,
        deed="replayWebhook",
        needs=Scope.REPLAY,
        do_needs=Scope.REPLAY,
    ),
    Route(
        f"{_ONE}/resume-and-recover", do=sending_page.resume_and_recover, deed="resumeWebhook", do_needs=Scope.REPLAY
    ),
    Route(f"{_ONE}/deliveries/{{delivery}}", show=delivery_page.show),
    Route(
        f"{_ONE}/deliveries/{{delivery}}/resend", do=delivery_page.resend, deed="resendDelivery", do_needs=Scope.REPLAY
    ),
    Route(
        f"{_ONE}/deliveries/{{delivery}}/now", do=delivery_page.try_now, deed="resendDelivery", do_needs=Scope.REPLAY
    ),
    Route("log", show=log_page.show),
    Route("log/export", show=log_page.export),
    Route("log/newer", show=log_live.show),
    Route("log/resend", do=sending_selected.send, deed="replayWebhook", do_needs=Scope.REPLAY),
    Route("attempts/{attempt}", show=attempt_page.show),
    Route("attempts/{attempt}/request-body", show=attempt_page.request_body, needs=Scope.BODIES),
    Route("attempts/{attempt}/response-body", show=attempt_page.response_body, needs=Scope.BODIES),
    Route("failed", show=failed_page.show),
    Route("jobs", show=jobs_page.show_list),
    Route("jobs/{job}", show=jobs_page.show),
    Route("jobs/{job}/start", do=jobs_page.start, deed="startJob", do_needs=Scope.REPLAY),
    Route("jobs/{job}/pause", do=jobs_page.pause, deed="pauseJob", do_needs=Scope.REPLAY),
    Route("jobs/{job}/resume", do=jobs_page.resume, deed="resumeJob", do_needs=Scope.REPLAY),
    Route("jobs/{job}/cancel", do=jobs_page.cancel, deed="cancelJob", do_needs=Scope.REPLAY),
    Route("event-types", show=catalogue_page.show),
    Route("event-types/{type}", show=catalogue_page.show_one),
    Route("keys", show=keys_page.show, do=keys_page.create, deed="createKey", needs=Scope.ADMIN, do_needs=Scope.ADMIN),
    Route("keys/made", show=keys_page.shown_before, needs=Scope.ADMIN),
    Route(
        "keys/{key}/revoke",
        show=keys_page.ask_revoke,
        do=keys_page.revoke,
        deed="revokeKey",
        needs=Scope.ADMIN,
        do_needs=Scope.ADMIN,
    ),
    Route("look", draft=looking.choose, do_needs=Scope.READ),
)
