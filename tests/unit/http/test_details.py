"""What a failed attempt's detail may hold: an engine quotes what the endpoint sent."""

import pycurl
import pytest

from consumer.delivery.answer import UNTIMED
from consumer.http.curl_errors import failure

QUOTED = b"Unsupported transfer encoding type 'chu\xffked\x1b[2J\n'".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("code", [pycurl.E_RECV_ERROR, pycurl.E_BAD_CONTENT_ENCODING, pycurl.E_GOT_NOTHING, 999])
def test_libcurls_words_are_one_line_that_can_be_written(code: int) -> None:
    detail = failure(code, QUOTED, 1.0, UNTIMED).detail
    assert detail.isprintable()
    assert detail.encode()
    assert "chu\\udcffked\\u001b[2J\\n" in detail


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert failure(999, "", 1.0, UNTIMED).detail == "libcurl error 999"
