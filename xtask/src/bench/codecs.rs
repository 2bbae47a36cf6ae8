//! Our decoders beside Cornerstone's, by the benchmark in `../shared/peer/codecs`: all in one process of node, a frame of each
//! in turn, measured by the processor's time.
//!
//! The benchmark is set up in `target/peer-codecs`; `SAGITTA_PEER_CODECS` names a copy that is set up already. Ours are
//! `viewer-ui/src/bin/codec_bench.rs`, compiled as the app's own, and `ours.mjs`, which stands between the two.

use super::beside::{self, Beside};
use super::report::{self, HEADS, Report};
use crate::steps::{check, part};
use crate::{bundle, prerequisites};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where the benchmark is.
const BENCHMARK: Beside = Beside {
    source: "shared/peer/codecs",
    holds: "bench.mjs",
    copy: "peer-codecs",
    variable: "SAGITTA_PEER_CODECS",
};
/// What asks our decoders.
const OURS: &str = include_str!("ours.mjs");
/// How long each decoder is measured in a round, in milliseconds of a sample; a slow one decodes three frames all the same.
const BUDGET_MS: &str = "300";

/// A codec, and how fast it is to be.
#[derive(Debug, PartialEq)]
struct Codec {
    /// How names of its samples begin, up to a `_`.
    sample: &'static str,
    /// How names of its cases begin.
    case: &'static str,
    /// The peer's decoder.
    peer: &'static str,
    /// The largest ratio, ours by the peer's, that will do.
    must: f64,
    /// The ratio that is aimed at.
    goal: f64,
}

const fn codec(
    sample: &'static str,
    case: &'static str,
    peer: &'static str,
    must: f64,
    goal: f64,
) -> Codec {
    Codec {
        sample,
        case,
        peer,
        must,
        goal,
    }
}

const CODECS: [Codec; 8] = [
    codec("htj2k", "htj2k", "openjph", 0.95, 0.85),
    codec("jls", "jls", "charls", 0.95, 0.8),
    codec("j2k", "j2k", "openjpeg", 0.85, 0.75),
    codec("ljpg", "jll", "jpeg-lossless-js", 0.5, 0.4),
    codec("jpg8", "jpeg8", "libjpeg-turbo", 1.0, 0.9),
    codec("jpg12", "jpeg12", "jpeg12-js", 0.6, 0.5),
    codec("rle", "rle", "rle-js", 0.6, 0.5),
    codec("jxl", "jxl", "libjxl", 1.25, 0.9),
];

/// One decoder on one sample in one round, as the benchmark writes it.
#[derive(Debug, Clone, Deserialize)]
struct Measured {
    sample: String,
    decoder: String,
    /// `exact`, how far it is from the reference, or why there is none.
    result: String,
    /// Median of the round; none where the decoder failed.
    ms: Option<f64>,
}

/// One sample: each run is a round's median.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    #[serde(flatten)]
    row: report::Row,
    must: f64,
    goal: f64,
    /// Every bit is the reference's.
    exact: bool,
    /// How far it is from the reference otherwise.
    result: String,
    peer_result: Option<String>,
}

impl Row {
    /// What its ratio reaches.
    fn reached(&self) -> &'static str {
        match self.row.ratio {
            Some(ratio) if ratio <= self.goal => "goal",
            Some(ratio) if ratio <= self.must => "must",
            Some(_) => "neither",
            None => "-",
        }
    }
}

/// Rows, and the cases that were not decoded as they have to be.
#[derive(Debug)]
struct Outcome {
    report: Report<Row>,
    wrong: Vec<String>,
}

/// Measures, prints a table, writes `target/bench/codecs.json`.
///
/// # Errors
/// It cannot be measured, or a frame is not decoded, or one without loss is not exact.
pub fn codecs(rounds: usize) -> Result<()> {
    beside::check_programs()?;
    let folder = prepared()?;
    let compiler = prerequisites::for_build()?;
    part("Building the decoders for node", || {
        bundle::build_decoders(&compiler, &folder.join("ours"))
    })?;
    std::fs::write(folder.join("ours.mjs"), OURS)?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        let raw = report::place("codecs-samples.json")?;
        part(
            &format!("Measuring all decoders, round {round} of {rounds}"),
            || {
                check(
                    Command::new("node")
                        .arg("bench.mjs")
                        .args(["--ours", "ours.mjs", "--budget", BUDGET_MS, "--json"])
                        .arg(&raw)
                        .current_dir(&folder)
                        .stdout(Stdio::null()),
                )
            },
        )?;
        let samples = std::fs::read_to_string(&raw).context("the benchmark wrote no samples")?;
        measured.push(samples);
    }
    let Outcome { report, wrong } = read(&measured)?;
    report::publish("codecs", &table(&report), &report)?;
    if !wrong.is_empty() {
        bail!("not decoded as they have to be: {}", wrong.join(", "));
    }
    Ok(())
}

/// The benchmark's folder, set up.
fn prepared() -> Result<PathBuf> {
    let folder = BENCHMARK.folder()?;
    beside::packages_of_node(&folder, "install")?;
    // The last file that is made.
    if !folder.join("out/conf.json").is_file() {
        let python = beside::python(&folder, "requirements.txt")?;
        beside::run(
            &folder,
            "Encoding the samples",
            Command::new(python).arg("gen.py"),
        )?;
    }
    Ok(folder)
}

/// Reads all rounds.
///
/// # Errors
/// They cannot be read, or hold nothing of ours, or a sample of an unknown codec.
fn read(rounds: &[String]) -> Result<Outcome> {
    let rounds: Vec<Vec<Measured>> = rounds
        .iter()
        .map(|round| serde_json::from_str(round).context("the samples cannot be read"))
        .collect::<Result<_>>()?;
    let all: Vec<&Measured> = rounds.iter().flatten().collect();
    let mut outcome = Outcome {
        report: Report {
            rows: Vec::new(),
            notes: Vec::new(),
        },
        wrong: Vec::new(),
    };
    let first = rounds.first().into_iter().flatten();
    for ours in first.filter(|measured| measured.decoder == "ours") {
        add(ours, &all, &mut outcome)?;
    }
    if outcome.report.rows.is_empty() && outcome.wrong.is_empty() {
        bail!("no sample was given to our decoders");
    }
    Ok(outcome)
}

/// Adds what all rounds say of a sample.
fn add(ours: &Measured, all: &[&Measured], outcome: &mut Outcome) -> Result<()> {
    let sample = ours.sample.as_str();
    let (codec, case) = case(sample).with_context(|| format!("{sample} is of no known codec"))?;
    let of = |decoder: &str| {
        let found = all.iter().copied();
        found
            .filter(|measured| measured.sample == sample && measured.decoder == decoder)
            .collect::<Vec<_>>()
    };
    let times = |measured: &[&Measured]| measured.iter().filter_map(|each| each.ms).collect();
    let (mine, theirs) = (of("ours"), of(codec.peer));
    let (my_times, their_times): (Vec<f64>, Vec<f64>) = (times(&mine), times(&theirs));
    // One round that differs is enough.
    let mut results = mine.iter().map(|each| each.result.as_str());
    let result = results.find(|result| *result != "exact").unwrap_or("exact");
    let exact = result == "exact";
    let report = &mut outcome.report;
    if their_times.is_empty() {
        report
            .notes
            .push(format!("{} has no figure of {case}", codec.peer));
    }
    if my_times.len() < mine.len() || (!exact && is_lossless(sample)) {
        report.notes.push(format!("{case} is wrong: {result}"));
        outcome.wrong.push(case.clone());
    }
    let row = report::Row::of(
        &case,
        ("decode", "ms"),
        ("ours", &my_times),
        (codec.peer, &their_times),
    );
    report.rows.extend(row.map(|row| Row {
        row,
        must: codec.must,
        goal: codec.goal,
        exact,
        result: result.to_owned(),
        peer_result: theirs.first().map(|each| each.result.clone()),
    }));
    Ok(())
}

/// The codec of a sample, and the sample's name as a case.
fn case(sample: &str) -> Option<(&'static Codec, String)> {
    let (start, rest) = sample.split_once('_')?;
    let codec = CODECS.iter().find(|codec| codec.sample == start)?;
    Some((codec, format!("{}_{rest}", codec.case)))
}

/// True where a sample's name says that nothing was lost.
fn is_lossless(sample: &str) -> bool {
    sample.contains("_ll_") || sample.starts_with("ljpg_") || sample.starts_with("rle_")
}

/// The rows for people.
fn table(report: &Report<Row>) -> String {
    let [case, _, unit, _, runs, min, median, max, peer, its, ratio] = HEADS;
    let heads = [
        case, unit, runs, min, median, max, peer, its, ratio, "must", "goal", "reached", "result",
    ];
    let rows: Vec<_> = report
        .rows
        .iter()
        .map(|row| {
            let [case, _, unit, _, runs, min, median, max, peer, its, ratio] = row.row.words();
            let wanted = [row.must, row.goal].map(|ratio| format!("{ratio:.2}"));
            let [must, goal] = wanted;
            let reached = row.reached().to_owned();
            let result = row.result.clone();
            [
                case, unit, runs, min, median, max, peer, its, ratio, must, goal, reached, result,
            ]
        })
        .collect();
    report::columns(heads, &rows, &report.notes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(sample: &str, decoder: &str, ms: f64) -> Value {
        json!({ "sample": sample, "decoder": decoder, "result": "exact", "ms": ms, "mb_s": 1.0 })
    }

    #[test]
    fn cases_begin_with_their_codec() {
        for (sample, expected) in [
            ("htj2k_ll_ct12", "htj2k_ll_ct12"),
            ("j2k_lossy_rgb8", "j2k_lossy_rgb8"),
            ("ljpg_p6_cr16", "jll_p6_cr16"),
            ("jpg8_420_rgb8", "jpeg8_420_rgb8"),
            ("jpg12_ct12", "jpeg12_ct12"),
        ] {
            assert_eq!(case(sample).unwrap().1, expected);
        }
        assert!(case("h264_ct12").is_none());
        assert!(case("jls").is_none());
    }

    #[test]
    fn each_round_is_a_run_and_the_ratio_is_between_medians() {
        let round = |ours: f64, theirs: f64| {
            let rows = [
                of("jls_ll_ct12", "charls", theirs),
                of("jls_ll_ct12", "ours", ours),
            ];
            json!(rows).to_string()
        };
        let rounds = [round(3.0, 4.0), round(2.0, 8.0), round(9.0, 4.0)];
        let Outcome { report, wrong } = read(&rounds).unwrap();
        let row = serde_json::to_value(&report.rows[0]).unwrap();
        for (name, expected) in [
            ("case", json!("jls_ll_ct12")),
            ("metric", json!("decode")),
            ("unit", json!("ms")),
            ("runs", json!(3)),
            ("min", json!(2.0)),
            ("median", json!(3.0)),
            ("max", json!(9.0)),
            ("peer", json!("charls")),
            ("peer_median", json!(4.0)),
            ("ratio", json!(0.75)),
            ("must", json!(0.95)),
            ("goal", json!(0.8)),
            ("exact", json!(true)),
        ] {
            assert_eq!(row[name], expected, "{name}");
        }
        assert_eq!((wrong.len(), report.notes.len()), (0, 0));
        let table = table(&report);
        assert_eq!(table.lines().count(), 2);
        assert!(table.contains("charls"), "{table}");
        assert!(
            table.ends_with("0.75  0.95  0.80  goal     exact\n"),
            "{table}"
        );
    }

    #[test]
    fn a_ratio_reaches_the_goal_or_what_it_must_or_neither() {
        let reached = |ours: f64| {
            let rows = json!([of("rle_ct12", "rle-js", 10.0), of("rle_ct12", "ours", ours)]);
            read(&[rows.to_string()]).unwrap().report.rows[0].reached()
        };
        assert_eq!([5.0, 6.0, 6.1].map(reached), ["goal", "must", "neither"]);
    }

    #[test]
    fn a_frame_that_is_not_decoded_is_wrong() {
        let failed = json!({ "sample": "j2k_ll_ct12", "decoder": "ours", "result": "failed: x" });
        let rows = json!([of("j2k_ll_ct12", "openjpeg", 1.0), failed]);
        let Outcome { report, wrong } = read(&[rows.to_string()]).unwrap();
        assert_eq!(wrong, ["j2k_ll_ct12"]);
        assert_eq!(report.notes, ["j2k_ll_ct12 is wrong: failed: x"]);
        assert!(report.rows.is_empty());
    }

    #[test]
    fn only_a_frame_with_loss_may_differ() {
        let differs = |sample: &str| {
            let mut ours = of(sample, "ours", 1.0);
            ours["result"] = json!("max 1, 0.5 %");
            read(&[json!([ours]).to_string()]).unwrap()
        };
        let lossy = differs("jpg8_444_rgb8");
        assert!(lossy.wrong.is_empty());
        assert!(!lossy.report.rows[0].exact);
        assert_eq!(lossy.report.rows[0].reached(), "-");
        assert_eq!(
            lossy.report.notes,
            ["libjpeg-turbo has no figure of jpeg8_444_rgb8"]
        );
        assert_eq!(differs("htj2k_ll_cr16").wrong, ["htj2k_ll_cr16"]);
        assert_eq!(differs("rle_rgb8").wrong, ["rle_rgb8"]);
    }

    #[test]
    fn samples_without_ours_or_of_an_unknown_codec_are_errors() {
        let rows = json!([of("jls_ll_ct12", "charls", 1.0)]);
        let error = read(&[rows.to_string()]).unwrap_err();
        assert_eq!(error.to_string(), "no sample was given to our decoders");
        let rows = json!([of("h264_ct12", "ours", 1.0)]);
        let error = read(&[rows.to_string()]).unwrap_err();
        assert_eq!(error.to_string(), "h264_ct12 is of no known codec");
    }
}
