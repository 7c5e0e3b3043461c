//! `hookline_native.Endpoint` and `Written`: a webhook prepared for the requests that are written to it, and one of them.
//!
//! The laws: neither shows what it has; a panic is an exception that names its place. Texts that are not Unicode and
//! numbers that are no `i64` raise, and Python makes the request.

use std::sync::Arc;
use std::time::Duration;

use hookline_delivery::endpoint::{Endpoint as Inner, Written as Request};
use hookline_delivery::payload::{Body, Event, Format};
use hookline_delivery::signing::{Profile, Scheme};
use hookline_http::contained::contained;
use hookline_http::target::Target;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::{headers_of, latin_1};

/// A webhook's revision, with its keys.
#[pyclass(frozen)]
pub struct Endpoint(Arc<Inner>);

/// A request that was written here, to be sent from here.
#[pyclass(frozen)]
pub struct Written {
    pub request: Request,
    pub endpoint: Arc<Inner>,
    /// The only ones that may be connected to.
    #[pyo3(get)]
    pub addresses: Py<PyTuple>,
}

#[pymethods]
impl Endpoint {
    /// `schemes` are the keys that sign together, at one time or another; `payload_format` None where Python renders.
    /// What nothing can be sent to raises `ValueError`.
    #[new]
    #[pyo3(signature = (*, url, timeout_ms, brand, user_agent, signing, header, schemes, event_header, payload_format,
                        with_workspace, own, redacted))]
    #[expect(clippy::too_many_arguments, reason = "each is named where it is called")]
    fn new(
        url: String,
        timeout_ms: u64,
        brand: String,
        user_agent: String,
        signing: &str,
        header: &str,
        schemes: Vec<Vec<PyBackedBytes>>,
        event_header: Option<String>,
        payload_format: Option<&str>,
        with_workspace: bool,
        own: Vec<(String, String)>,
        redacted: String,
    ) -> PyResult<Self> {
        let target = Target::of(&url).map_err(|refused| PyValueError::new_err(refused.0))?;
        let profile = Profile::of(signing).ok_or_else(|| PyValueError::new_err("no such signing profile"))?;
        let schemes = schemes.iter().map(|keys| {
            let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
            Scheme::new(profile, &keys, header).map_err(|_| PyValueError::new_err("a key does not fit its profile"))
        });
        let format = match payload_format {
            None => None,
            Some("standard") => Some(Format::Standard),
            Some("event") => Some(Format::Event { with_workspace }),
            Some("cloudevents") => Some(Format::CloudEvents { brand: brand.clone() }),
            Some("raw") => Some(Format::Raw),
            Some(_) => return Err(PyValueError::new_err("no such payload format")),
        };
        Ok(Self(Arc::new(Inner {
            target,
            url,
            timeout: Duration::from_millis(timeout_ms),
            brand,
            user_agent,
            schemes: schemes.collect::<PyResult<_>>()?,
            event_header,
            format,
            own: own.into_iter().map(|(name, value)| (name, value.into())).collect(),
            redacted,
        })))
    }

    /// The request of one attempt at `now_ms`, signed with the keys of this number. Without a body it is rendered.
    /// `mark` stands for the source of a `CloudEvent`.
    #[pyo3(signature = (id, kind, tenant, product, time_ms, data, traceparent, mark, body, content_type, scheme, now_ms,
                        addresses, /))]
    #[expect(clippy::too_many_arguments, reason = "an object with these fields would be made for each request")]
    fn request(
        &self,
        id: &str,
        kind: &str,
        tenant: &str,
        product: Option<&str>,
        time_ms: i64,
        data: &[u8],
        traceparent: Option<&str>,
        mark: Option<&str>,
        body: Option<&[u8]>,
        content_type: &str,
        scheme: usize,
        now_ms: i64,
        addresses: Py<PyTuple>,
    ) -> PyResult<Written> {
        let event = Event { id, kind, tenant, product, time_ms, data, traceparent, mark };
        let body = match (body, &self.0.format) {
            (Some(body), _) => Body::whole(body, content_type),
            (None, Some(format)) => contained(|| format.render(&event)).map_err(PyRuntimeError::new_err)?,
            (None, None) => return Err(PyValueError::new_err("a body of this format is rendered in Python")),
        };
        let written = contained(|| self.0.write(&event, &body, scheme, now_ms)).map_err(PyRuntimeError::new_err)?;
        let written =
            written.map_err(|_| PyValueError::new_err("a header has a name or a value that no header has"))?;
        let request = written.ok_or_else(|| PyValueError::new_err("no such keys"))?;
        Ok(Written { request, endpoint: self.0.clone(), addresses })
    }
}

#[pymethods]
impl Written {
    /// Its headers but for Host and Content-Length, the customer's own among them.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        headers_of(py, self.request.headers())
    }

    /// The same for the log: the customer's own values are replaced.
    #[getter]
    fn shown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        headers_of(py, self.request.shown(&self.endpoint))
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.request.body())
    }

    #[getter]
    fn content_type<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        latin_1(py, self.request.content_type())
    }

    /// All its bytes, as they go out.
    #[getter]
    fn whole<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.request.bytes)
    }
}
