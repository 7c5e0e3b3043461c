"""Which brand a key speaks for, and what is refused before anything is sent."""

import os

import pytest

from consumer.brands.loader import BrandUnknown, load_brands
from consumer.cli.credentials import key_brand
from consumer.cli.exits import CommandFailed
from consumer.control.keys import USUAL_SCOPES, mint
from tests.commands import call

BRANDS = load_brands()
OPERATOR = "o" * 40


def key_of(name: str) -> str:
    _, text = mint(
        tenant="acme",
        brand=BRANDS[name],
        scopes=USUAL_SCOPES,
        name="",
        expires_at_ms=None,
        now_ms=1,
        entropy=os.urandom,
    )
    return text


@pytest.mark.parametrize("name", sorted(BRANDS))
def test_a_key_s_prefix_tells_its_brand(name: str) -> None:
    assert key_brand(key_of(name), None, BRANDS).name == name
    assert key_brand(key_of(name), name, BRANDS).name == name


def test_a_key_of_another_brand_is_refused_by_name() -> None:
    with pytest.raises(CommandFailed, match="a key of the brand convo") as caught:
        key_brand(key_of("convo"), "hookline", BRANDS)
    assert caught.value.code == os.EX_USAGE


def test_a_brand_that_is_not_known_here_is_said_to_be_missing() -> None:
    known = {name: each for name, each in BRANDS.items() if name != "convo"}
    with pytest.raises(CommandFailed, match=r"'convo_'.*HOOKLINE_BRANDS_DIR"):
        key_brand(key_of("convo"), None, known)
    with pytest.raises(BrandUnknown):
        key_brand(OPERATOR, "nobody", BRANDS)


def test_the_operator_s_key_speaks_for_the_brand_that_is_named() -> None:
    assert key_brand(OPERATOR, None, BRANDS).name == "hookline"
    assert key_brand(OPERATOR, "mintlify", BRANDS).name == "mintlify"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--api", "https://a.example"), "--api needs a key"),
        (("--key", OPERATOR), "--key is for an API"),
        (("--api", "nonsense", "--key", OPERATOR), "--api is a URL"),
        (("--api", "https://a.example", "--key", "é" * 40), "characters that no key has"),
        (("--api", "https://a.example", "--key", OPERATOR, "--tenant", " é"), "--tenant must not begin"),
    ],
)
def test_flags_that_make_no_sense_are_a_wrong_use(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["webhooks", "list", *arguments]) == os.EX_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert OPERATOR not in err


@pytest.mark.parametrize("way", [(), ("--api", "https://a.example", "--key", OPERATOR)])
@pytest.mark.parametrize("group", ["webhooks", "keys"])
def test_a_brand_that_does_not_exist_is_refused_either_way(
    group: str, way: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([group, "list", "--brand", "nobody", *way]) == os.EX_DATAERR
    assert "there is no brand 'nobody'" in capsys.readouterr().err


def test_the_key_may_come_from_its_setting(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_API_KEY", OPERATOR)
    # Nobody listens at port 1: that it was asked shows that a key was found.
    assert call(["webhooks", "list", "--api", "http://127.0.0.1:1", "--tenant", "acme"]) == os.EX_UNAVAILABLE
    assert "the API at http://127.0.0.1:1 is out of reach" in capsys.readouterr().err
