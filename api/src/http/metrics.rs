//! What the program counts. Names and kinds only: no label holds an id, and none a value of a request.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use metrics::{Counter, Histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusRecorder};

/// The recorder of one server. It is not installed for the whole process, so one process can hold many.
#[derive(Clone)]
pub struct Metrics(Arc<PrometheusRecorder>);

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Result<Self, BuildError> {
        let seconds = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
        let recorder = PrometheusBuilder::new().set_buckets(&seconds)?.build_recorder();
        Ok(Self(Arc::new(recorder)))
    }

    /// Lets the macros of the crate `metrics` in `register` make counters, gauges and histograms of this recorder.
    pub fn register<T>(&self, register: impl FnOnce() -> T) -> T {
        with_local_recorder(&*self.0, register)
    }

    /// All of it, in the Prometheus text format.
    pub fn render(&self) -> String {
        self.0.handle().render()
    }

    /// Folds what was measured into its buckets. To be called every few seconds, else it piles up.
    pub fn fold(&self) {
        self.0.handle().run_upkeep();
    }
}

/// What the GraphQL handler counts.
pub struct Requests {
    queries: Answered,
    mutations: Answered,
    refused: Counter,
}

struct Answered {
    whole: Counter,
    with_errors: Counter,
    seconds: Histogram,
}

impl Requests {
    /// Registers its counters.
    pub fn new(metrics: &Metrics) -> Self {
        metrics.register(|| {
            metrics::describe_counter!("lethe_requests", "GraphQL requests, by operation and outcome");
            metrics::describe_histogram!("lethe_request_seconds", "From the head of a request to its answer");
            let refused = metrics::counter!("lethe_requests", "operation" => "none", "outcome" => "refused");
            Self { queries: Answered::new("query"), mutations: Answered::new("mutation"), refused }
        })
    }

    /// Counts a request that was not executed.
    pub fn refused(&self) {
        self.refused.increment(1);
    }

    /// Counts one that was.
    pub fn answered(&self, operation: OperationType, whole: bool, took: Duration) {
        let answered = if operation == OperationType::Mutation { &self.mutations } else { &self.queries };
        if whole { &answered.whole } else { &answered.with_errors }.increment(1);
        answered.seconds.record(took);
    }
}

impl Answered {
    fn new(operation: &'static str) -> Self {
        Self {
            whole: metrics::counter!("lethe_requests", "operation" => operation, "outcome" => "answered"),
            with_errors: metrics::counter!("lethe_requests", "operation" => operation, "outcome" => "errors"),
            seconds: metrics::histogram!("lethe_request_seconds", "operation" => operation),
        }
    }
}
