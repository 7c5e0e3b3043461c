"""The API put together, from settings and a control plane to one ASGI application."""

from collections.abc import Mapping

import msgspec

from consumer.api.brand_app import brand_app
from consumer.api.front import Front
from consumer.api.services import Services
from consumer.brands.brand import Brand


def application(services: Services, brands: Mapping[str, Brand]) -> Front:
    """The application of one process: an app for each brand, by its name, behind one front."""
    apps = {name: brand_app(brand, services) for name, brand in brands.items()}
    documents = {name: msgspec.json.encode(app.openapi()) for name, app in apps.items()}
    return Front(services, apps, brands, documents)
