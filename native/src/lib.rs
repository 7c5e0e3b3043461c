//! The native step as Python sees it: `hookline_native.Engine`, behind `consumer/http/native.py`, and what it is given
//! by `consumer/signing/written.py`.
//!
//! The law: an engine belongs to one thread, which holds the interpreter's lock but for `poll`.

mod avro;
mod came;
mod endpoint;
mod envelope;
mod laws;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hookline_http::answer::{Answer, Failure, Kind, Timing};
use hookline_http::engine::Engine as Inner;
use hookline_http::exchange::Submitted;
use hookline_http::head::Head;
use hookline_http::target::{NoTarget, Target};
use hookline_http::trust::Trust;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::came::Came;
use crate::endpoint::Written;

const MOST_TARGETS: usize = 20_000;
const MOST_HEADS: usize = 256;
const MOST_KNOWN_BYTES: usize = 1_024; // of a head, and so 256 KiB of all: what strangers send is kept
const MOST_KNOWN_FIELDS: usize = 32;
const MOST_WAIT_S: f64 = 3_600.0;
const BEYOND_BODY: usize = 1_024; // about the size of a request's headers

type Polled<'py> = (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>);

/// One engine. `ca_file` holds the authorities that are trusted; at most so many connections are kept.
#[pyclass]
struct Engine {
    inner: Option<Inner>, // None: closed
    targets: HashMap<String, Target>,
    heads: HashMap<Head, Py<PyTuple>>, // an endpoint sends the same head, all but the date
}

#[pymethods]
impl Engine {
    #[new]
    fn new(ca_file: PathBuf, max_connections: usize) -> PyResult<Self> {
        let trust = Trust::of_file(&ca_file).map_err(PyValueError::new_err)?;
        Ok(Self { inner: Some(Inner::new(trust, max_connections)?), targets: HashMap::new(), heads: HashMap::new() })
    }

    /// Take a request. What cannot be sent raises `ValueError`; a URL that leads nowhere is a failure.
    fn submit(
        &mut self,
        token: i64,
        url: &str,
        headers: &Bound<'_, PyTuple>,
        body: &[u8],
        timeout_ms: u64,
        addresses: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let Some(inner) = &mut self.inner else { return Err(closed()) };
        let target = match target_of(&mut self.targets, url) {
            Ok(target) => target,
            Err(NoTarget(words)) => {
                inner.refuse(token, Failure::new(Kind::Protocol, words));
                return Ok(());
            }
        };
        let mut post = target.post(BEYOND_BODY + body.len());
        for header in headers.iter_borrowed() {
            let header = header.cast::<PyTuple>()?;
            let (name, value) = (header.get_borrowed_item(0)?, header.get_borrowed_item(1)?);
            let (name, value) = (name.cast::<PyString>()?, value.cast::<PyString>()?);
            post.header(name.to_str()?, value.to_str()?)
                .map_err(|_| PyValueError::new_err("a header has a name or a value that no header has"))?;
        }
        inner.submit(Submitted {
            token,
            origin: target.origin.clone(),
            addresses: addresses_of(addresses)?,
            bytes: Arc::new(post.with_body(&[body])),
            kept: false,
            timeout: Duration::from_millis(timeout_ms),
        });
        Ok(())
    }

    /// Take a request that was written here. Its answer is among the `came`.
    fn send(&mut self, token: i64, written: &Written, addresses: &Bound<'_, PyTuple>) -> PyResult<()> {
        let Some(inner) = &mut self.inner else { return Err(closed()) };
        inner.submit(Submitted {
            token,
            origin: written.request.origin.clone(),
            addresses: addresses_of(addresses)?,
            bytes: written.request.bytes.clone(),
            kept: true,
            timeout: written.endpoint.timeout,
        });
        Ok(())
    }

    /// Work for at most so long; the answers that stay here, the responses and the failures that came.
    fn poll<'py>(&mut self, py: Python<'py>, wait_s: f64) -> PyResult<Polled<'py>> {
        let (came, responses, failures) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
        let Some(inner) = &mut self.inner else { return Ok((came, responses, failures)) };
        let wait = Duration::from_secs_f64(wait_s.clamp(0.0, MOST_WAIT_S));
        for Answer { token, kept, outcome, elapsed_ms, timing } in py.detach(|| inner.poll(wait))? {
            let Timing { connect_ms, tls_ms, first_byte_ms } = timing;
            let times = (connect_ms, tls_ms, first_byte_ms);
            match outcome {
                Ok(response) if kept => {
                    let status = response.head.status;
                    let answer = Py::new(py, Came { response, elapsed_ms, timing })?;
                    came.append((token, status, answer, elapsed_ms, times))?;
                }
                Ok(response) => {
                    let status = response.head.status;
                    let headers = known_headers_of(py, &mut self.heads, response.head)?;
                    let body = PyBytes::new(py, &response.body);
                    responses.append((token, status, headers, body, response.truncated, elapsed_ms, times))?;
                }
                Err(Failure { kind, detail }) => {
                    failures.append((token, kind.word(), detail.as_ref(), elapsed_ms, times))?;
                }
            }
        }
        Ok((came, responses, failures))
    }

    /// Forget a request.
    fn cancel(&mut self, token: i64) {
        if let Some(inner) = &mut self.inner {
            inner.cancel(token);
        }
    }

    /// End a wait also when this descriptor becomes readable.
    fn watch(&mut self, fd: i32) -> PyResult<()> {
        let Some(inner) = &mut self.inner else { return Err(closed()) };
        Ok(inner.watch(fd)?)
    }

    /// Requests submitted and not yet returned.
    #[getter]
    fn in_flight(&self) -> usize {
        self.inner.as_ref().map_or(0, Inner::in_flight)
    }

    /// Destroy every connection.
    fn close(&mut self) {
        self.inner = None;
    }
}

/// The native step.
#[pymodule]
mod hookline_native {
    #[pymodule_export]
    use super::Engine;
    #[pymodule_export]
    use super::avro::{Rows, read_avro, write_avro};
    #[pymodule_export]
    use super::came::Came;
    #[pymodule_export]
    use super::endpoint::{Endpoint, Written};
    #[pymodule_export]
    use super::envelope::read_envelope;
    #[pymodule_export]
    use super::laws::{read_answer, read_chunks, read_head};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// What an answer is cut at: `consumer/http/transport.py` says the same.
    #[pymodule_export]
    const LIMITS: (usize, usize, usize, usize) = {
        use hookline_http::limits::{DRAIN_BYTES, MAX_BODY_BYTES, MAX_FRAMING_BYTES, MAX_HEAD_BYTES};
        (MAX_BODY_BYTES, MAX_HEAD_BYTES, DRAIN_BYTES, MAX_FRAMING_BYTES)
    };
}

fn closed() -> PyErr {
    PyValueError::new_err("the engine is closed")
}

fn addresses_of(addresses: &Bound<'_, PyTuple>) -> PyResult<Vec<IpAddr>> {
    let parsed =
        addresses.iter_borrowed().map(|address| Ok(address.cast::<PyString>()?.to_str()?.parse::<IpAddr>()?));
    parsed.collect()
}

/// What a URL says, read once.
fn target_of<'a>(targets: &'a mut HashMap<String, Target>, url: &str) -> Result<&'a Target, NoTarget> {
    if !targets.contains_key(url) {
        let target = Target::of(url)?;
        if targets.len() >= MOST_TARGETS {
            targets.clear();
        }
        targets.insert(url.to_owned(), target);
    }
    targets.get(url).ok_or(NoTarget("unknown"))
}

fn known_headers_of<'py>(
    py: Python<'py>,
    heads: &mut HashMap<Head, Py<PyTuple>>,
    head: Head,
) -> PyResult<Bound<'py, PyTuple>> {
    if let Some(known) = heads.get(&head) {
        return Ok(known.bind(py).clone());
    }
    let headers = headers_of(py, head.fields())?;
    if heads.len() >= MOST_HEADS {
        heads.clear();
    }
    if head.text_bytes() <= MOST_KNOWN_BYTES && head.fields().len() <= MOST_KNOWN_FIELDS {
        heads.insert(head, headers.clone().unbind());
    }
    Ok(headers)
}

fn headers_of<'py, 'a>(
    py: Python<'py>,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> PyResult<Bound<'py, PyTuple>> {
    let fields = fields.map(|(name, value)| (latin_1(py, name), latin_1(py, value)).into_pyobject(py));
    PyTuple::new(py, fields.collect::<PyResult<Vec<_>>>()?)
}

fn latin_1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|&byte| char::from(byte)).collect::<String>()),
    }
}
