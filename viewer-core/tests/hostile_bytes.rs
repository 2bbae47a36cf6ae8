//! Hostile frames: thousands of damaged copies of real ones, and every stream that once did harm.
//!
//! A damaged frame is an error or a frame of the right size. It never panics, never takes more memory than twice its frame
//! and 64 MiB, and never more than 20 times the work of the undamaged frame, by the counter of `decode::work`. The crates
//! that decode JPEG XL and DEFLATE do not count their work; a panic in them is caught, and said at the end.
//!
//! `SAGITTA_MUTANTS` is the number of damaged copies for each codec.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;
mod hostile;

use std::collections::BTreeMap;

use hostile::crafted::{self, Size, code_stream, grey8, scan, short_tables, start};
use hostile::meter::{MOST_TIMES, SPARE_BYTES, alone, measure, output_bytes, peak_of};
use hostile::mutate::{Random, mutant};
use hostile::samples::{CODECS, Codec, HTJ2K, JPEG, Sample, of};
use viewer_core::decode::Limits;
use viewer_core::model::Stack;

/// Damaged copies for each codec where nothing else is said.
const MUTANTS: usize = 2000;

fn mutants() -> usize {
    let said = std::env::var("SAGITTA_MUTANTS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(MUTANTS)
}

/// Small frames are damaged more often than large ones, for what one costs.
fn share(sample: &Sample, all: &[Sample], total: usize) -> usize {
    let weight = |sample: &Sample| 1.0 / (output_bytes(&sample.format) as f64).sqrt();
    let sum: f64 = all.iter().map(weight).sum();
    (total as f64 * weight(sample) / sum).ceil() as usize
}

/// What happened to the damaged copies of a codec.
#[derive(Default)]
struct Outcome {
    copies: usize,
    frames: usize,
    peak_bytes: usize,
    most_times: f64,
    caught: BTreeMap<String, usize>,
}

fn damage(codec: Codec, sample: &Sample, other: &Sample, copies: usize, outcome: &mut Outcome) {
    let limits = Limits::default();
    let Sample {
        name,
        syntax,
        bytes,
        format,
    } = sample;
    let clean = measure(bytes, syntax, format, &limits);
    clean.result.unwrap();
    assert!(!codec.is_counted || clean.work > 0, "{name} counts nothing");
    let most_bytes = 2 * output_bytes(format) + SPARE_BYTES;
    let seed = name
        .bytes()
        .fold(7_u64, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte));
    for copy in 0..copies {
        let mut random = Random(seed ^ (copy as u64) << 32);
        let damaged = mutant(bytes, &other.bytes, &mut random);
        let cost = measure(&damaged, syntax, format, &limits);
        let what = format!("{} {name}, copy {copy}", codec.name);
        if let Ok(frame) = &cost.result {
            assert_eq!((frame.rows, frame.columns), (format.rows, format.columns));
            assert_eq!(frame.data.len(), frame.expected_bytes(), "{what}");
            outcome.frames += 1;
        }
        assert!(
            cost.peak_bytes <= most_bytes,
            "{what}: {} bytes of memory",
            cost.peak_bytes
        );
        if codec.is_counted {
            assert!(cost.panics.is_empty(), "{what}: {:?}", cost.panics);
            let most = MOST_TIMES * clean.work;
            assert!(
                cost.work <= most,
                "{what}: {} units, undamaged {}",
                cost.work,
                clean.work
            );
            outcome.most_times = outcome.most_times.max(cost.work as f64 / clean.work as f64);
        }
        for place in cost.panics {
            *outcome.caught.entry(place).or_default() += 1;
        }
        outcome.copies += 1;
        outcome.peak_bytes = outcome.peak_bytes.max(cost.peak_bytes);
    }
}

#[test]
fn damaged_copies_cost_little_and_are_refused_or_whole() {
    let _alone = alone();
    for codec in CODECS {
        let samples = of(codec);
        let mut outcome = Outcome::default();
        for (index, sample) in samples.iter().enumerate() {
            let other = &samples[(index + 1) % samples.len()];
            let copies = share(sample, &samples, mutants());
            damage(codec, sample, other, copies, &mut outcome);
        }
        println!(
            "{}: {} copies of {} frames, {} decoded, at most {:.1} times the work and {:.1} MB",
            codec.name,
            outcome.copies,
            samples.len(),
            outcome.frames,
            outcome.most_times,
            outcome.peak_bytes as f64 / 1e6
        );
        for (place, count) in outcome.caught {
            println!("  {count} times a panic was caught: {place}");
        }
    }
}

/// A table of the whole series and thousands of frames that say nothing of their own, in a few hundred kilobytes of metadata.
#[test]
fn frames_share_the_tables_of_their_instance() {
    let _alone = alone();
    let values = vec!["1.5"; 65_536].join(",");
    let frames = vec!["{}"; 5000].join(",");
    let text = format!(
        r#"[{{"00080018": {{"Value": ["1.2"]}}, "00280008": {{"Value": [5000]}},
            "00280010": {{"Value": [1]}}, "00280011": {{"Value": [1]}}, "00280100": {{"Value": [16]}},
            "00409096": {{"Value": [{{"00409211": {{"Value": [65535]}}, "00409216": {{"Value": [0]}},
                "00409212": {{"Value": [{values}]}}, "004008EA": {{"Value": [{{"00080100": {{"Value": ["1"]}}}}]}}}}]}},
            "52009230": {{"Value": [{frames}]}}}}]"#
    );
    let sets = protocol::dicomweb::json::parse(&text).unwrap();
    let (stack, peak_bytes) = peak_of(|| Stack::from_metadata(&sets));
    let attributes = stack.instances[0].frame(4999);
    assert_eq!(attributes.grey.real_world[0].apply(65_535.0), Some(1.5));
    assert!(peak_bytes <= SPARE_BYTES, "{peak_bytes} bytes");
}

/// What a refused header may cost: far less than a frame of what it claims.
const REFUSED_BYTES: usize = 1 << 20;

#[test]
fn headers_that_claim_too_much_are_refused_in_words_before_there_is_room_for_them() {
    let _alone = alone();
    let all = crafted::all();
    assert!(all.len() >= 30);
    for each in all {
        let cost = measure(&each.bytes, each.syntax, &each.format, &Limits::default());
        let name = each.name;
        let words = cost.result.unwrap_err().to_string();
        assert!(words.contains(each.says), "{name}: {words}");
        assert!(cost.panics.is_empty(), "{name}: {:?}", cost.panics);
        let most = REFUSED_BYTES + 2 * each.bytes.len();
        assert!(cost.peak_bytes <= most, "{name}: {} bytes", cost.peak_bytes);
    }
}

/// Progressive scans that refine nothing take hardly a byte, and each touches every block.
#[test]
fn progressive_scans_of_nothing_cost_no_more_than_a_few_frames() {
    let _alone = alone();
    let (rows, columns) = (256, 256);
    let blocks_bytes = 32 * 32 / 8;
    let with = |scans: &[Vec<u8>]| {
        let data = vec![0; blocks_bytes];
        let mut stream = [start(0xC2, rows, columns, 1), short_tables()].concat();
        for scan in scans {
            stream.extend([scan.as_slice(), &data].concat());
        }
        stream.extend([0xFF, 0xD9]);
        stream
    };
    let format = grey8(rows.into(), columns.into());
    let usual = [scan(0, 0, 0, 0), scan(1, 63, 0, 0)];
    let clean = measure(&with(&usual), JPEG, &format, &Limits::default());
    clean.result.unwrap();
    // Each coefficient is refined from bit 13 down.
    let mut scans = vec![scan(0, 0, 0, 0)];
    for place in 1..64 {
        scans.push(scan(place, place, 0, 13));
        scans.extend((0..13).rev().map(|low| scan(place, place, low + 1, low)));
    }
    let cost = measure(&with(&scans), JPEG, &format, &Limits::default());
    assert_eq!(cost.result.unwrap_err().to_string(), "JPEG: too many scans");
    assert!(
        cost.work <= MOST_TIMES * clean.work,
        "{} and {}",
        cost.work,
        clean.work
    );
    // As many as are allowed do decode.
    let cost = measure(&with(&scans[..256]), JPEG, &format, &Limits::default());
    cost.result.unwrap();
    assert!(
        cost.work <= MOST_TIMES * clean.work,
        "{} and {}",
        cost.work,
        clean.work
    );
}

/// Layers whose packets say of all blocks that they come later take a byte each.
#[test]
fn layers_of_nothing_cost_no_more_than_their_bytes() {
    let _alone = alone();
    let size = Size::of(true, 256, 256);
    let format = grey8(256, 256);
    let with = |layers: u16, packet: u8| {
        let data = vec![packet; layers.into()];
        code_stream(size, layers, 0, &[], &data)
    };
    // Empty packets, and packets whose tag tree says at its root that no block is in the layer.
    for packet in [0, 0x80] {
        let one = measure(&with(1, packet), HTJ2K, &format, &Limits::default());
        one.result.unwrap();
        let cost = measure(&with(1000, packet), HTJ2K, &format, &Limits::default());
        assert_eq!(cost.result.unwrap().data, vec![128; 256 * 256]);
        assert!(
            cost.work <= MOST_TIMES * one.work,
            "{} and {}",
            cost.work,
            one.work
        );
        assert!(cost.peak_bytes <= 2 * 256 * 256 + SPARE_BYTES);
    }
}
