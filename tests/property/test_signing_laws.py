"""Laws of bodies and signatures, for any event."""

import hmac
import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.events.event import Event
from consumer.json import Json
from consumer.signing.payload import render
from consumer.signing.profiles import scheme
from consumer.signing.signer import Signer
from consumer.webhooks.headers import check_headers
from consumer.webhooks.subscription import PayloadFormat, SigningProfile
from tests.unit.signing.signing_parts import EVENT, HOOKLINE, KEYRING, NOW_MS, subscription

SIGNERS = {profile: Signer(subscription(profile), HOOKLINE, KEYRING) for profile in SigningProfile}
CLEAN = {name.lower() for profile in SigningProfile for name, _ in SIGNERS[profile].request(
    event=EVENT, body=b"", content_type="application/json", now_ms=0
).headers}  # fmt: skip

text = st.text(st.characters(), max_size=30)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    return replace(
        EVENT,
        id=draw(st.text(min_size=1, max_size=30)),
        type=draw(text),
        tenant=draw(text),
        product=draw(st.none() | text),
        time_ms=draw(st.integers(-(10**15), 10**15)),
        data=json.dumps(draw(anything), ensure_ascii=draw(st.booleans())).encode("utf-8", "replace"),
    )


@given(events(), st.sampled_from(PayloadFormat))
def test_a_body_is_json_and_the_same_each_time(event: Event, payload_format: PayloadFormat) -> None:
    body, content_type = render(payload_format, event, HOOKLINE)
    assert render(payload_format, event, HOOKLINE) == (body, content_type)
    read = json.loads(body)
    if isinstance(read, dict) and "data" in read and payload_format is not PayloadFormat.RAW:
        assert read["data"] == json.loads(event.data)


@given(events(), st.sampled_from(SigningProfile))
def test_no_event_can_break_a_header(event: Event, profile: SigningProfile) -> None:
    signer = SIGNERS[profile]
    body, content_type = signer.body(event)
    request = signer.request(event=event, body=body, content_type=content_type, now_ms=NOW_MS)
    for name, value in request.headers:
        assert name.isascii()
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()


@given(st.sampled_from(SigningProfile), st.binary(max_size=200), st.integers(0, 10**6))
def test_one_flipped_bit_changes_the_signature(profile: SigningProfile, body: bytes, at: int) -> None:
    changed = bytearray(body or b"\0")
    changed[at % len(changed)] ^= 1 << (at % 8)
    signer = SIGNERS[profile]
    one, two = (
        signer.request(event=EVENT, body=each, content_type="application/json", now_ms=NOW_MS).headers
        for each in (body or b"\0", bytes(changed))
    )
    assert one != two


@given(
    st.dictionaries(
        st.sampled_from(sorted(CLEAN)).map(str.title) | st.text(max_size=12) | st.from_regex(r"[A-Za-z-]{1,12}"),
        st.text(max_size=12),
        max_size=8,
    ),
    st.sampled_from(SigningProfile),
)
def test_no_headers_of_a_customer_s_change_ours(headers: dict[str, str], profile: SigningProfile) -> None:
    ours = SIGNERS[profile].request(event=EVENT, body=b"{}", content_type="application/json", now_ms=NOW_MS).headers
    signer = Signer(subscription(profile, headers=headers), HOOKLINE, KEYRING)
    request = signer.request(event=EVENT, body=b"{}", content_type="application/json", now_ms=NOW_MS)
    assert request.headers[: len(ours)] == ours
    own = request.headers[len(ours) :]
    assert {name.lower() for name, _ in own}.isdisjoint({name.lower() for name, _ in ours})
    for name, value in own:
        check_headers({name: value}, HOOKLINE)


@given(st.lists(anything, max_size=4), st.booleans(), st.sampled_from((None, 1)))
def test_a_message_shows_its_data_as_everybody_lays_it_out(
    data: list[Json], ascii_only: bool, indent: int | None
) -> None:
    written = json.dumps(data, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    body, _ = render(PayloadFormat.DISCORD, replace(EVENT, data=written), HOOKLINE)
    shown = json.loads(body)["embeds"][0]["description"].removeprefix("```json\n").removesuffix("\n```")
    laid_out = json.dumps(json.loads(written), ensure_ascii=ascii_only, indent=2)
    if len(laid_out) < 1_000:
        assert shown == laid_out.encode("utf-8", "replace").decode().replace("`", "\\u0060")


@given(st.text(min_size=1, max_size=150), st.binary(max_size=300), st.text(st.characters(codec="ascii"), max_size=20))
def test_a_mac_is_the_one_that_python_makes_whatever_the_length_of_its_key(key: str, body: bytes, at: str) -> None:
    [_, (_, value)] = scheme(SigningProfile.STRIPE, (key,), header="s").headers("id", at, body)
    assert value == f"t={at},v1={hmac.digest(key.encode(), at.encode() + b'.' + body, 'sha256').hex()}"
