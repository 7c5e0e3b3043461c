//! The usual envelope of an event, for `consumer/events/envelope.py`.

use hookline_delivery::envelope::{Envelope, usual};
use hookline_http::contained::contained;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

type Read<'a, 'py> = (Option<&'a str>, &'a str, &'a str, Option<&'a str>, Option<i64>, Bound<'py, PyBytes>);

/// The id, type, tenant, product, time and data of a usual envelope whose data nests no deeper; None: it is no such one.
#[pyfunction]
#[pyo3(signature = (value, max_depth, /))]
pub fn read_envelope<'a, 'py>(py: Python<'py>, value: &'a [u8], max_depth: usize) -> PyResult<Option<Read<'a, 'py>>> {
    let read = contained(|| usual(value, max_depth)).map_err(PyRuntimeError::new_err)?;
    Ok(read.map(|Envelope { id, kind, tenant, product, time_ms, data }| {
        (id, kind, tenant, product, time_ms, PyBytes::new(py, data))
    }))
}
