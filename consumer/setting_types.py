"""The types of settings: how each is read from what its user writes, and what it may be. Pure.

The law: a value is refused with a ValueError that says how to write it, and one that is left blank is not set, as in
`HOOKLINE_OPERATOR_KEY=` of a container's file.
"""

from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from consumer.granted import grant
from consumer.setting_values import (
    an_origin,
    data_path,
    listed,
    network,
    one_origin,
    proxy,
    rising_delays,
    server,
    strong,
    token_source,
)


def _each(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda values: tuple(map(check, values)))


def _unless_blank(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda value: check(value) if value else None)


def _secret_unless_blank(check: Callable[[str], str]) -> AfterValidator:
    def checked(value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _granted(values: tuple[str, ...]) -> tuple[str, ...]:
    for each in values:
        grant(each)
    return values


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("must be at least 1, or -1 to leave it to the broker")
    return value


Listed: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)]
Secrets: TypeAlias = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(listed)]
Delays: TypeAlias = Annotated[Listed, AfterValidator(rising_delays)]
Networks: TypeAlias = Annotated[Listed, _each(network)]
GrantedNetworks: TypeAlias = Annotated[Listed, AfterValidator(_granted)]
Origins: TypeAlias = Annotated[Listed, _each(an_origin)]
Paths: TypeAlias = Annotated[Listed, _each(data_path)]
Servers: TypeAlias = Annotated[Listed, _each(server)]
OwnOrigin: TypeAlias = Annotated[str | None, _unless_blank(one_origin)]
TokenSource: TypeAlias = Annotated[str | None, _unless_blank(token_source)]
StrongKey: TypeAlias = Annotated[SecretStr | None, _secret_unless_blank(strong)]
Proxy: TypeAlias = Annotated[SecretStr | None, _secret_unless_blank(proxy)]
SecretUrl: TypeAlias = Annotated[SecretStr | None, _secret_unless_blank(str)]
Replicas: TypeAlias = Annotated[int, AfterValidator(_not_zero)]
