//! The readers alone, so that Python's tests can compare them with `consumer/http/head.py` and `chunks.py`, and can make
//! records of answers that nobody sent.

use hookline_http::answer::Timing;
use hookline_http::chunks::ChunkReader;
use hookline_http::head::{HeadReader, Malformed};
use hookline_http::reading::{Progress, Reading};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::came::Came;
use crate::headers_of;

type Read<'py> = (u8, u16, Bound<'py, PyTuple>, bool, Option<u64>, bool);

/// What these lines are: a head's version, status, headers, whether its body is chunked, its
/// length, and whether the connection is of no use behind it, None while it is not whole,
/// or the words that say what is wrong.
#[pyfunction]
pub fn read_head(py: Python<'_>, lines: Vec<Vec<u8>>) -> PyResult<(Option<Read<'_>>, Option<&'static str>)> {
    let mut reader = HeadReader::default();
    let mut whole = false;
    for line in &lines {
        match reader.line(line) {
            Ok(now) => whole = now,
            Err(Malformed(words)) => return Ok((None, Some(words))),
        }
    }
    if !whole {
        return Ok((None, None));
    }
    let head = reader.take();
    let headers = headers_of(py, head.fields())?;
    Ok((Some((head.minor, head.status, headers, head.chunked, head.length, head.closes())), None))
}

/// The body among these pieces of a chunked one, or the words that say what is wrong.
#[pyfunction]
pub fn read_chunks(py: Python<'_>, pieces: Vec<Vec<u8>>) -> (Bound<'_, PyBytes>, Option<&'static str>) {
    let mut reader = ChunkReader::default();
    let mut body = Vec::new();
    let mut wrong = None;
    for piece in &pieces {
        if let Err(Malformed(words)) = reader.read(piece, |part| body.extend_from_slice(part)) {
            wrong = Some(words);
            break;
        }
    }
    (PyBytes::new(py, &body), wrong)
}

/// The answer that these bytes are, with such times, or None: they are none. For the records that are made of it.
#[pyfunction]
pub fn read_answer(sent: &[u8], elapsed_ms: f64, times: (Option<f64>, Option<f64>, Option<f64>)) -> Option<Came> {
    let mut reading = Reading::default();
    let mut progress = reading.feed(sent);
    if progress == Progress::More {
        progress = reading.end();
    }
    let (connect_ms, tls_ms, first_byte_ms) = times;
    let timing = Timing { connect_ms, tls_ms, first_byte_ms };
    matches!(progress, Progress::Whole { .. }).then(|| Came { response: reading.response(), elapsed_ms, timing })
}
