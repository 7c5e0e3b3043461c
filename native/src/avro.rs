//! Records of Kafka, for `consumer/kafka/avro_bytes.py`.

use hookline_delivery::avro::{Malformed, Reader, Value};
use hookline_http::contained::contained;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// The values of these kinds from a place on, and where the last one ends. What is none raises `ValueError`.
#[pyfunction]
#[pyo3(signature = (kinds, value, at, /))]
pub fn read_avro<'py>(py: Python<'py>, kinds: &str, value: &[u8], at: usize) -> PyResult<(Bound<'py, PyTuple>, usize)> {
    let read = contained(|| {
        let mut reader = Reader::new(value, at);
        let values = kinds.bytes().map(|kind| reader.value(kind)).collect::<Result<Vec<_>, Malformed>>()?;
        Ok((values, reader.at()))
    });
    let (values, end) = read.map_err(PyRuntimeError::new_err)?.map_err(|Malformed(why)| PyValueError::new_err(why))?;
    let found = values.into_iter().map(|each| shown(py, each)).collect::<PyResult<Vec<_>>>()?;
    Ok((PyTuple::new(py, found)?, end))
}

fn shown<'py>(py: Python<'py>, value: Value<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Text(text) => text.into_pyobject(py)?.into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Long(number) => number.into_pyobject(py)?.into_any(),
        Value::Double(number) => number.into_pyobject(py)?.into_any(),
        Value::Boolean(truth) => truth.into_pyobject(py)?.to_owned().into_any(),
    })
}
