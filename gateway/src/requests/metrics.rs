//! Numbers for operators, as Prometheus reads them (OpenMetrics 1.0).
//!
//! Labels are templates of routes, methods, statuses, sources of the configuration and reasons of ours: so many and no more,
//! whatever is asked for.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::limits::Limited;
use super::log::Line;

/// Media type of the metrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

type Histograms = Family<OfRoute, Histogram, fn() -> Histogram>;

/// All numbers.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Histograms,
    bytes: Family<OfRoute, Counter>,
    limited: Family<ByReason, Counter>,
    under_way: Gauge,
    panics: Counter,
    left_out: Counter,
    now: Now,
}

/// Numbers that are looked up when they are asked for.
#[derive(Debug, Default, Clone)]
struct Now {
    sessions: Gauge,
    audit_waiting: Gauge,
    files_found: Gauge,
    files_read: Gauge,
    senders: Gauge,
    source_up: Family<OfSource, Gauge>,
}

/// What [`Metrics::text`] is told.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Sessions that live.
    pub sessions: i64,
    /// Events that wait to be written.
    pub audit_waiting: i64,
    /// Files found and looked at.
    pub files: [i64; 2],
    /// Senders that limits tell apart.
    pub senders: i64,
    /// Sources, and whether each answered when it was last asked.
    pub sources: Vec<(String, bool)>,
}

fn histogram() -> Histogram {
    // From what memory answers to what a slow line takes.
    Histogram::new([0.002, 0.01, 0.05, 0.2, 1.0, 5.0, 30.0, 120.0])
}

/// Counts down when it is dropped.
#[derive(Debug)]
pub struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sagitta");
        let metrics = |registry: &mut Registry| {
            let requests = Family::<Answered, Counter>::default();
            registry.register("requests", "Requests answered", requests.clone());
            let seconds = Histograms::new_with_constructor(histogram);
            let words = "Time until the whole answer was gone";
            registry.register_with_unit("answer", words, Unit::Seconds, seconds.clone());
            let bytes = Family::<OfRoute, Counter>::default();
            registry.register_with_unit("sent", "Bytes of bodies", Unit::Bytes, bytes.clone());
            let limited = Family::<ByReason, Counter>::default();
            registry.register("limited", "Requests refused by limits", limited.clone());
            let (under_way, panics) = (Gauge::default(), Counter::default());
            registry.register(
                "requests_under_way",
                "Requests without answer yet",
                under_way.clone(),
            );
            registry.register("bugs", "Requests that ended in a bug", panics.clone());
            (requests, seconds, bytes, limited, under_way, panics)
        };
        let (requests, seconds, bytes, limited, under_way, panics) = metrics(&mut registry);
        let left_out = Counter::default();
        registry.register(
            "log_left_out",
            "Lines of the log that nobody took",
            left_out.clone(),
        );
        let now = Now::default();
        registry.register("sessions", "Sessions that live", now.sessions.clone());
        let words = "Events that wait to be written";
        registry.register("audit_waiting", words, now.audit_waiting.clone());
        registry.register(
            "files_found",
            "Files in the data folders",
            now.files_found.clone(),
        );
        registry.register("files_read", "Of them looked at", now.files_read.clone());
        registry.register(
            "senders",
            "Senders that limits tell apart",
            now.senders.clone(),
        );
        let words = "Whether a source answered when it was last asked";
        registry.register("source_up", words, now.source_up.clone());
        Self {
            registry,
            requests,
            seconds,
            bytes,
            limited,
            under_way,
            panics,
            left_out,
            now,
        }
    }
}

impl Metrics {
    /// A request is under way until the answer is dropped.
    pub fn under_way(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    /// A request has been answered.
    pub(super) fn answered(&self, line: &Line<'_>) {
        let (method, route, status) = line.what();
        let (bytes, seconds) = line.how_much();
        let route = route.as_str().to_owned();
        let of_route = OfRoute {
            route: route.clone(),
        };
        self.bytes.get_or_create(&of_route).inc_by(bytes);
        self.seconds.get_or_create(&of_route).observe(seconds);
        let answered = Answered {
            route,
            method: method.name(),
            status: status.into(),
        };
        self.requests.get_or_create(&answered).inc();
    }

    /// A request was refused by a limit.
    pub(super) fn limited(&self, limited: Limited) {
        let reason = match limited {
            Limited::Wait(_) => "sender",
            Limited::Overload => "overload",
        };
        self.limited.get_or_create(&ByReason { reason }).inc();
    }

    /// A line of the log was left out, as nobody takes them.
    pub(super) fn left_out(&self) {
        self.left_out.inc();
    }

    /// A request ended in a bug.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// All of them as text.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn text(&self, snapshot: &Snapshot) -> Result<String, std::fmt::Error> {
        self.now.sessions.set(snapshot.sessions);
        self.now.audit_waiting.set(snapshot.audit_waiting);
        let [found, read] = snapshot.files;
        self.now.files_found.set(found);
        self.now.files_read.set(read);
        self.now.senders.set(snapshot.senders);
        for (source, is_up) in &snapshot.sources {
            let source = OfSource {
                source: source.clone(),
            };
            self.now
                .source_up
                .get_or_create(&source)
                .set((*is_up).into());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
