//! Records of Avro, for `consumer/kafka/avro_bytes.py`, `avro_text.py` beside it, and `consumer/rows.py`.

use hookline_delivery::avro::{Malformed, Reader, Shape, Tree, Value, Writer};
use hookline_http::contained::contained;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString, PyTuple};

type Named = Shape<Py<PyString>>;

/// Reads rows of one schema. A shape is the letter of a kind, `("?", shape)` for it or null, `("[", shape)` for an array,
/// `("{", shape)` for a map, and for a record the list of its names with their shapes.
#[pyclass(frozen)]
pub struct Rows(Vec<(Py<PyString>, Named)>);

#[pymethods]
impl Rows {
    #[new]
    fn new(record: &Bound<'_, PyList>) -> PyResult<Self> {
        Ok(Self(fields_of(record)?))
    }

    /// The row that stands from a place on, and where it ends. What is none raises `ValueError`.
    #[pyo3(signature = (value, at, /))]
    fn read<'py>(&self, py: Python<'py>, value: &[u8], at: usize) -> PyResult<(Bound<'py, PyDict>, usize)> {
        let read = contained(|| {
            let mut reader = Reader::new(value, at);
            let trees = self.0.iter().map(|(_, shape)| reader.tree(shape)).collect::<Result<Vec<_>, Malformed>>()?;
            Ok((trees, reader.at()))
        });
        let read = read.map_err(PyRuntimeError::new_err)?;
        let (trees, end) = read.map_err(|Malformed(why)| PyValueError::new_err(why))?;
        Ok((row(py, &self.0, trees)?, end))
    }
}

fn fields_of(record: &Bound<'_, PyList>) -> PyResult<Vec<(Py<PyString>, Named)>> {
    let fields = record.iter().map(|field| {
        let (name, shape): (Bound<'_, PyString>, Bound<'_, PyAny>) = field.extract()?;
        Ok((PyString::intern(record.py(), name.to_str()?).unbind(), shape_of(&shape)?))
    });
    fields.collect()
}

fn shape_of(told: &Bound<'_, PyAny>) -> PyResult<Named> {
    if let Ok(record) = told.cast::<PyList>() {
        return Ok(Shape::Record(fields_of(record)?));
    }
    if let Ok(letter) = told.cast::<PyString>() {
        return match letter.to_str()?.as_bytes() {
            &[kind @ (b's' | b'b' | b'l' | b'd' | b't')] => Ok(Shape::One(kind)),
            _ => Err(PyValueError::new_err("no such kind")),
        };
    }
    let (mark, inner): (String, Bound<'_, PyAny>) = told.extract()?;
    let inner = Box::new(shape_of(&inner)?);
    match mark.as_str() {
        "?" => Ok(Shape::OrNull(inner)),
        "[" => Ok(Shape::List(inner)),
        "{" => Ok(Shape::Map(inner)),
        _ => Err(PyValueError::new_err("no such shape")),
    }
}

fn row<'py>(py: Python<'py>, fields: &[(Py<PyString>, Named)], trees: Vec<Tree<'_>>) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    for ((name, shape), tree) in fields.iter().zip(trees) {
        row.set_item(name, told(py, shape, tree)?)?;
    }
    Ok(row)
}

fn told<'py>(py: Python<'py>, shape: &Named, tree: Tree<'_>) -> PyResult<Bound<'py, PyAny>> {
    match (shape, tree) {
        (_, Tree::One(value)) => shown(py, value),
        (Shape::OrNull(inner), tree) => told(py, inner, tree),
        (Shape::List(item), Tree::List(items)) => {
            let found = items.into_iter().map(|each| told(py, item, each)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, found)?.into_any())
        }
        (Shape::Map(item), Tree::Map(pairs)) => {
            let found = PyDict::new(py);
            for (key, each) in pairs {
                found.set_item(key, told(py, item, each)?)?;
            }
            Ok(found.into_any())
        }
        (Shape::Record(fields), Tree::Record(trees)) => Ok(row(py, fields, trees)?.into_any()),
        _ => Err(PyRuntimeError::new_err("what was read has another shape")),
    }
}

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

/// A record: its head, and behind it values of these kinds. Of another kind, or no Unicode, they raise.
#[pyfunction]
#[pyo3(signature = (head, kinds, values, /))]
pub fn write_avro<'py>(
    py: Python<'py>,
    head: &[u8],
    kinds: &str,
    values: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyBytes>> {
    if kinds.len() != values.len() {
        return Err(PyValueError::new_err("as many values as kinds"));
    }
    let all = values.iter().collect::<Vec<_>>();
    let values = all.iter().zip(kinds.bytes());
    let values = values.map(|(value, kind)| Ok((kind, given(value, kind)?))).collect::<PyResult<Vec<_>>>()?;
    let written = contained(|| {
        let mut writer = Writer::new(head, values.iter().map(|&(_, value)| room(value)).sum());
        for &(kind, value) in &values {
            writer.value(kind, value)?;
        }
        Ok(writer.written())
    });
    let written = written.map_err(PyRuntimeError::new_err)?;
    Ok(PyBytes::new(py, &written.map_err(|Malformed(why)| PyValueError::new_err(why))?))
}

fn given<'a>(value: &'a Bound<'_, PyAny>, kind: u8) -> PyResult<Value<'a>> {
    if kind.is_ascii_uppercase() && value.is_none() {
        return Ok(Value::Null);
    }
    Ok(match kind.to_ascii_lowercase() {
        b's' => Value::Text(value.cast::<PyString>()?.to_str()?),
        b'b' => Value::Bytes(value.cast::<PyBytes>()?.as_bytes()),
        b'l' => Value::Long(value.extract()?),
        b'd' => Value::Double(value.extract()?),
        b't' => Value::Boolean(value.cast::<PyBool>()?.is_true()),
        _ => return Err(PyValueError::new_err("no such kind")),
    })
}

fn room(value: Value<'_>) -> usize {
    const NUMBER: usize = 11; // the longest, and the byte of a union
    NUMBER
        + match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
}
