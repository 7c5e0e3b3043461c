"""One brand's API: its routes, its models, its OpenAPI.

The law: what is special about a brand is in its file; the routes ask its habits and know no brand by name.
"""

from typing import Any

from fastapi import FastAPI

from consumer.api import documents
from consumer.api.attempts import add_attempts
from consumer.api.audit import add_audit
from consumer.api.brand_models import BrandModels
from consumer.api.call import GuardedRoute
from consumer.api.dead_letters import add_dead_letters
from consumer.api.deliveries import add_deliveries
from consumer.api.event_types import add_event_types
from consumer.api.filter_trial import add_filter_trial
from consumer.api.jobs import add_jobs
from consumer.api.keys import add_keys
from consumer.api.portal_ends import add_portal_ends
from consumer.api.portal_links import add_portal_links
from consumer.api.refusals import add_refusals
from consumer.api.sending_again import add_sending_again
from consumer.api.services import Services
from consumer.api.site import Site
from consumer.api.webhook_actions import add_webhook_actions
from consumer.api.webhook_stats import add_webhook_stats
from consumer.api.webhooks import add_webhooks
from consumer.brands.brand import Brand


def brand_app(brand: Brand, services: Services) -> FastAPI:
    """The app, to be run behind the front, which tells it who calls."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.router.route_class = GuardedRoute
    site = Site(app=app, brand=brand, shapes=BrandModels.of(brand), services=services)
    add_webhooks(site)
    add_filter_trial(site)
    add_webhook_actions(site)
    add_webhook_stats(site)
    add_event_types(site)
    add_deliveries(site)
    add_attempts(site)
    add_dead_letters(site)
    add_sending_again(site)
    add_jobs(site)
    add_keys(site)
    add_portal_links(site)
    add_portal_ends(site)
    add_audit(site)
    add_refusals(app, brand, site.meanings)
    told: dict[str, Any] = {}  # Any: an OpenAPI document, as FastAPI has it

    def openapi() -> dict[str, Any]:
        if not told:
            told.update(documents.document(app, brand))
        return told

    app.openapi = openapi  # type: ignore[method-assign] # the way FastAPI wants it
    return app
