//! `hookline_native.Came`: an HTTP answer whose head and body stay here until somebody asks for them.

use hookline_delivery::record::{Attempt, record};
use hookline_http::answer::{Response, Timing};
use hookline_http::contained::contained;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::endpoint::Written;
use crate::headers_of;

/// The answer to a request that was written here.
#[pyclass(frozen)]
pub struct Came {
    pub response: Response,
    pub elapsed_ms: f64,
    pub timing: Timing,
}

#[pymethods]
impl Came {
    #[getter]
    fn status(&self) -> u16 {
        self.response.head.status
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        headers_of(py, self.response.head.fields())
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.response.body)
    }

    #[getter]
    fn body_truncated(&self) -> bool {
        self.response.truncated
    }

    /// The attempt's record, which begins with `head`: what was written, this answer, and what Python knows.
    #[pyo3(signature = (head, written, delivery_id, event_id, event_type, tenant, subscription_id, number, at_ms,
                        first_attempt_ms, outcome, next_tier, reason, replay_id, trigger, job_id, product, event_time_ms,
                        event_topic, event_partition, event_offset, first_due_ms, /))]
    #[expect(clippy::too_many_arguments, reason = "an object with these fields would be made for each attempt")]
    fn record<'py>(
        &self,
        py: Python<'py>,
        head: &[u8],
        written: &Bound<'py, Written>,
        delivery_id: &str,
        event_id: &str,
        event_type: &str,
        tenant: &str,
        subscription_id: &str,
        number: i64,
        at_ms: i64,
        first_attempt_ms: Option<i64>,
        outcome: &str,
        next_tier: Option<&str>,
        reason: Option<&str>,
        replay_id: Option<&str>,
        trigger: &str,
        job_id: Option<&str>,
        product: Option<&str>,
        event_time_ms: i64,
        event_topic: &str,
        event_partition: i64,
        event_offset: i64,
        first_due_ms: i64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let attempt = Attempt {
            names: [delivery_id, event_id, event_type, tenant, subscription_id],
            number,
            at_ms,
            first_attempt_ms,
            outcome,
            next_tier,
            reason,
            replay_id,
            trigger,
            job_id,
            product,
            event_time_ms,
            event_topic,
            event_partition,
            event_offset,
            first_due_ms,
        };
        let Written { request, endpoint, .. } = written.get();
        let times = (self.elapsed_ms, self.timing);
        let told = contained(|| record(head, &attempt, endpoint, request, &self.response, times));
        Ok(PyBytes::new(py, &told.map_err(PyRuntimeError::new_err)?))
    }
}
