//! Samples of a benchmark as rows: minimum, median, maximum, and the ratio to each peer; as a table and as a file.

use crate::steps::{output_of, root, target};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// One figure of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    case: String,
    metric: &'static str,
    unit: &'static str,
    /// What of ours was measured.
    viewer: &'static str,
    /// How many samples of ours count.
    runs: usize,
    min: f64,
    median: f64,
    max: f64,
    peer: &'static str,
    peer_median: Option<f64>,
    /// Our median by the peer's.
    pub(super) ratio: Option<f64>,
}

impl Row {
    /// A figure of ours, by metric and unit, beside a peer's; `None` where nothing of ours was measured.
    pub(super) fn of(
        case: &str,
        (metric, unit): (&'static str, &'static str),
        (viewer, values): (&'static str, &[f64]),
        (peer, of_peer): (&'static str, &[f64]),
    ) -> Option<Self> {
        let middle = median(values)?;
        let peer_median = median(of_peer);
        Some(Self {
            case: case.to_owned(),
            metric,
            unit,
            viewer,
            runs: values.len(),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            median: middle,
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            peer,
            peer_median,
            ratio: peer_median
                .filter(|peer| *peer > 0.0)
                .map(|peer| rounded(middle / peer)),
        })
    }

    /// What the table says of it, under [`HEADS`].
    pub(super) fn words(&self) -> [String; 11] {
        [
            self.case.clone(),
            self.metric.to_owned(),
            self.unit.to_owned(),
            self.viewer.to_owned(),
            self.runs.to_string(),
            number(self.min),
            number(self.median),
            number(self.max),
            self.peer.to_owned(),
            self.peer_median.map_or_else(|| "-".into(), number),
            self.ratio
                .map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
        ]
    }
}

/// Heads of the table's columns.
pub(super) const HEADS: [&str; 11] = [
    "case",
    "metric",
    "unit",
    "viewer",
    "runs",
    "min",
    "median",
    "max",
    "peer",
    "its median",
    "ratio",
];

/// Columns that hold words; the others hold numbers.
const WORDS: [&str; 7] = [
    "case", "metric", "unit", "viewer", "peer", "reached", "result",
];

/// Rows, and what went wrong beside them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report<R = Row> {
    pub(super) rows: Vec<R>,
    pub(super) notes: Vec<String>,
}

/// Metric, unit, and how it is read from a sample.
type Metric = (&'static str, &'static str, fn(&Value) -> Option<f64>);

const METRICS: [Metric; 16] = [
    ("first", "ms", |sample| sample["first"].as_f64()),
    ("firstEvent", "ms", |sample| sample["firstEvent"].as_f64()),
    ("all", "ms", |sample| sample["all"].as_f64()),
    ("cpuAtFirst", "s", |sample| sum(&sample["cpuAtFirst"])),
    ("cpuAtAll", "s", |sample| sum(&sample["cpuAtAll"])),
    ("rssPeakRenderer", "MB", |sample| {
        sample["rssPeakRenderer"].as_f64()
    }),
    ("rssPeakGpu", "MB", |sample| sample["rssPeakGpu"].as_f64()),
    ("bytesAppAtFirst", "bytes", |sample| {
        sample["bytesAppAtFirst"].as_f64()
    }),
    ("mprFull", "ms", |sample| sample["mprFull"].as_f64()),
    ("rssPeakBoth", "MB", |sample| {
        Some(sample["rssPeakRenderer"].as_f64()? + sample["rssPeakGpu"].as_f64()?)
    }),
    ("turn512", "ms", |sample| {
        sample["rotate512"]["done"]["p50"].as_f64()
    }),
    ("turn512Cpu", "ms", |sample| {
        cpu(&sample["rotate512Sustained"])
    }),
    ("turn1024", "ms", |sample| {
        sample["rotate1024"]["done"]["p50"].as_f64()
    }),
    ("turn1024Cpu", "ms", |sample| {
        cpu(&sample["rotate1024Sustained"])
    }),
    ("slab20", "ms", |sample| {
        sample["slab20"]["done"]["p50"].as_f64()
    }),
    ("contention", "wall/cpu", |sample| {
        sample["contention"].as_f64()
    }),
];

/// Sum over the browser's processes.
fn sum(parts: &Value) -> Option<f64> {
    Some(parts.as_object()?.values().filter_map(Value::as_f64).sum())
}

/// CPU time of a picture.
fn cpu(sustained: &Value) -> Option<f64> {
    Some(sustained["cpuRenderer"].as_f64()? + sustained["cpuGpu"].as_f64()?)
}

/// Reads the samples of our viewers and of the peers; the first of each warmed up and does not count.
///
/// # Errors
/// They cannot be read, or a case has no sample of ours.
pub(super) fn read(
    samples: &str,
    cases: &[&str],
    viewers: &[&'static str],
    peers: &[&'static str],
) -> Result<Report> {
    let file: Value = serde_json::from_str(samples).context("the samples are no JSON")?;
    let mut report = Report {
        rows: Vec::new(),
        notes: Vec::new(),
    };
    for case in cases {
        let measured = |viewer, notes: &mut Vec<String>| counted(&file, viewer, case, notes);
        let of_peers: Vec<_> = peers
            .iter()
            .map(|peer| (*peer, measured(peer, &mut report.notes)))
            .collect();
        let mut is_measured = false;
        for viewer in viewers {
            let ours = measured(viewer, &mut report.notes);
            is_measured |= !ours.is_empty();
            for (peer, theirs) in &of_peers {
                // A peer that does not show this case, beside one that does, has no rows.
                if theirs.is_empty() && *peer != peers[0] {
                    continue;
                }
                let rows = METRICS
                    .iter()
                    .filter_map(|metric| row(case, metric, (viewer, &ours), (peer, theirs)));
                report.rows.extend(rows);
            }
        }
        if !is_measured {
            bail!("no sample of {case} succeeded: {}", report.notes.join("; "));
        }
    }
    report.notes.dedup();
    Ok(report)
}

/// One figure of ours beside a peer's; `None` where no sample has it.
fn row(
    case: &str,
    (metric, unit, value): &Metric,
    (viewer, ours): (&'static str, &[Value]),
    (peer, theirs): (&'static str, &[Value]),
) -> Option<Row> {
    let values: Vec<f64> = ours.iter().filter_map(value).collect();
    let of_peer: Vec<f64> = theirs.iter().filter_map(value).collect();
    Row::of(case, (metric, unit), (viewer, &values), (peer, &of_peer))
}

/// Samples that succeeded, without the first; what went wrong is noted.
fn counted(file: &Value, viewer: &str, case: &str, notes: &mut Vec<String>) -> Vec<Value> {
    let all = file["samples"][format!("{viewer}/{case}")]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for sample in &all {
        if let Some(error) = sample["error"].as_str() {
            notes.push(format!("{viewer} {case} failed: {error}"));
        }
        for error in sample["errors"].as_array().into_iter().flatten() {
            notes.push(format!("{viewer} {case} had an error on its page: {error}"));
        }
    }
    all.into_iter()
        .skip(1)
        .filter(|sample| sample["error"].is_null())
        .collect()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(rounded(f64::midpoint(sorted[middle - 1], sorted[middle]))),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Where a benchmark puts a file of this name; an older one must not pass for this run's, and is removed.
pub(super) fn place(name: &str) -> Result<PathBuf> {
    let folder = std::path::absolute(target().join("bench"))?;
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    if file.exists() {
        std::fs::remove_file(&file)?;
    }
    Ok(file)
}

/// Prints the table, writes `target/bench/NAME.json`.
pub(super) fn publish<R: Serialize>(name: &str, table: &str, report: &Report<R>) -> Result<()> {
    print!("{table}");
    let file = place(&format!("{name}.json"))?;
    std::fs::write(&file, json(name, report)? + "\n")?;
    println!("\u{2022} Written to {}", file.display());
    Ok(())
}

/// The result file.
fn json<R: Serialize>(name: &str, report: &Report<R>) -> Result<String> {
    let of_git =
        |arguments: &[&str]| output_of(Command::new("git").args(arguments).current_dir(root()));
    let commit = of_git(&["rev-parse", "HEAD"]).map(|text| text.trim().to_owned());
    let is_changed = of_git(&["status", "--porcelain"]).is_some_and(|text| !text.trim().is_empty());
    let commit = commit.map(|hash| {
        if is_changed {
            format!("{hash}-changed")
        } else {
            hash
        }
    });
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let file = json!({
        "name": name,
        "commit": commit,
        "machine": { "cores": cores, "gpu": "none (SwiftShader)" },
        "rows": report.rows,
        "notes": report.notes,
    });
    Ok(serde_json::to_string_pretty(&file)?)
}

/// The rows for people.
pub(super) fn table(report: &Report) -> String {
    let rows: Vec<_> = report.rows.iter().map(Row::words).collect();
    columns(HEADS, &rows, &report.notes)
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

/// Rows below their heads in columns, words from the left and numbers to the right; then the notes.
pub(super) fn columns<const N: usize>(
    heads: [&str; N],
    rows: &[[String; N]],
    notes: &[String],
) -> String {
    let head = heads.map(str::to_owned);
    let lines = || std::iter::once(&head).chain(rows);
    let width = |column: usize| lines().map(|line| line[column].len()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for line in lines() {
        let padded = std::array::from_fn::<_, N, _>(|column| {
            let (word, width) = (&line[column], widths[column]);
            if WORDS.contains(&heads[column]) {
                format!("{word:<width$}")
            } else {
                format!("{word:>width$}")
            }
        });
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    for note in notes {
        text.push_str(note);
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn sample(first: f64) -> Value {
        json!({ "first": first, "cpuAtFirst": { "renderer": 0.5, "gpu": 0.25 }, "bytesAppAtFirst": 1000 })
    }

    #[test]
    fn the_ratio_is_between_medians_without_the_first_round() {
        let samples = json!({ "samples": {
            "ours/a": [sample(900.0), sample(100.0), { "error": "late" }, sample(300.0)],
            "cs3d/a": [sample(900.0), sample(100.0), sample(500.0), sample(400.0)],
        } });
        let report = read(&samples.to_string(), &["a"], &["ours"], &["cs3d"]).unwrap();
        let row = &report.rows[0];
        assert_eq!(
            (row.metric, row.runs, row.min, row.median, row.max),
            ("first", 2, 100.0, 200.0, 300.0)
        );
        assert_eq!((row.peer_median, row.ratio), (Some(400.0), Some(0.5)));
        let row = report
            .rows
            .iter()
            .find(|row| row.metric == "cpuAtFirst")
            .unwrap();
        assert_eq!((row.median, row.ratio), (0.75, Some(1.0)));
        assert_eq!(report.notes, ["ours a failed: late"]);
        assert!(table(&report).contains("first"));
    }

    #[test]
    fn each_viewer_of_ours_stands_beside_each_peer() {
        let sample = json!({
            "mprFull": 10.0,
            "rotate512Sustained": { "cpuRenderer": 1.0, "cpuGpu": 5.0 },
            "slab20": { "done": { "p50": 8.0 } },
        });
        let slow = json!({ "mprFull": 40.0, "slab20": { "done": { "p50": 16.0 } } });
        let samples = json!({ "samples": {
            "ours/m": [sample, sample], "webgl2/m": [sample, sample], "cs3d/m": [slow, slow],
            "ohif/m": [{ "mprFull": 80.0 }, { "mprFull": 80.0 }],
        } });
        let viewers = ["ours", "webgl2"];
        let report = read(&samples.to_string(), &["m"], &viewers, &["cs3d", "ohif"]).unwrap();
        let ratio = |viewer, peer, metric| {
            let mut rows = report.rows.iter();
            let found =
                rows.find(|row| (row.viewer, row.peer, row.metric) == (viewer, peer, metric));
            found.unwrap().ratio
        };
        assert_eq!(ratio("webgl2", "cs3d", "mprFull"), Some(0.25));
        assert_eq!(ratio("ours", "ohif", "mprFull"), Some(0.125));
        assert_eq!(ratio("ours", "cs3d", "slab20"), Some(0.5));
        assert_eq!(ratio("ours", "cs3d", "turn512Cpu"), None);
    }

    #[test]
    fn a_case_without_samples_is_an_error() {
        let samples = json!({ "samples": { "ours/a": [sample(1.0), { "error": "late" }] } });
        let error = read(&samples.to_string(), &["a"], &["ours"], &["cs3d"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no sample of a succeeded: ours a failed: late"
        );
    }

    #[test]
    fn words_stand_at_the_left_and_numbers_at_the_right() {
        let row = |case: &str, runs: &str| [case.to_owned(), runs.to_owned()];
        let text = columns(
            ["case", "runs"],
            &[row("a", "1"), row("longer", "10")],
            &["A note.".into()],
        );
        assert_eq!(text, "case    runs\na          1\nlonger    10\nA note.\n");
    }
}
