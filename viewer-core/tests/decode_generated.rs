//! Every decoder against thousands of streams that other projects' encoders made of known pictures (`generated/`).
//!
//! `cargo xtask test` makes the streams. What is lossless has to come back to the last bit; what is not has to be what
//! another decoder makes of it, within a level on 999 of 1000 samples and two at most.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::pixel::{Frame, Photometric, PixelFormat, SampleType, format::sample_at};

#[derive(Deserialize)]
struct Manifest {
    streams: Vec<Entry>,
}

/// One stream, as `generated/container.py` describes it.
#[derive(Deserialize)]
struct Entry {
    codec: String,
    syntax: String,
    about: String,
    rows: u32,
    columns: u32,
    samples: u16,
    allocated: u16,
    stored: u16,
    high_bit: u16,
    signed: bool,
    planar: bool,
    photometric: String,
    means: String,
    compare: Compare,
    stream: (usize, usize),
    expected: (usize, usize),
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Compare {
    /// Bit by bit.
    Exact,
    /// Within a level on 999 of 1000 samples, two at most.
    Close,
    /// Within four levels of 65536.
    Deep,
    /// As [`Compare::Close`], but the first component alone.
    First,
}

fn container() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| root.join("target"));
    target.join("generated-streams/streams.bin")
}

fn photometric(term: &str) -> Photometric {
    match term {
        "MONOCHROME2" => Photometric::Monochrome2,
        "RGB" => Photometric::Rgb,
        "YBR_FULL" => Photometric::YbrFull,
        "YBR_FULL_422" => Photometric::YbrFull422,
        "YBR_RCT" => Photometric::YbrRct,
        "YBR_ICT" => Photometric::YbrIct,
        other => panic!("{other} is not known here"),
    }
}

fn format(entry: &Entry) -> PixelFormat {
    PixelFormat {
        rows: entry.rows,
        columns: entry.columns,
        samples_per_pixel: entry.samples,
        bits_allocated: entry.allocated,
        bits_stored: entry.stored,
        high_bit: entry.high_bit,
        signed: entry.signed,
        float: false,
        planar: entry.planar,
        photometric: photometric(&entry.photometric),
    }
}

fn sample_type(entry: &Entry) -> SampleType {
    match (entry.allocated, entry.signed) {
        (..=8, false) => SampleType::U8,
        (..=8, true) => SampleType::I8,
        (9..=16, false) => SampleType::U16,
        (9..=16, true) => SampleType::I16,
        (_, false) => SampleType::U32,
        (_, true) => SampleType::I32,
    }
}

/// What is wrong with a decoded frame, in words.
fn fault(entry: &Entry, frame: &Frame, expected: &[u8]) -> Option<String> {
    let shape = (frame.rows, frame.columns, frame.samples_per_pixel);
    if shape != (entry.rows, entry.columns, entry.samples)
        || frame.sample_type != sample_type(entry)
        || frame.data.len() != expected.len()
    {
        return Some(format!("the frame is {shape:?} of {:?}", frame.sample_type));
    }
    if frame.bits_stored != entry.stored {
        return Some(format!("{} bits are said to be stored", frame.bits_stored));
    }
    if frame.photometric != photometric(&entry.means) {
        return Some(format!("it is said to be {:?}", frame.photometric));
    }
    if frame.data == expected {
        return None;
    }
    let count = expected.len() / frame.sample_type.size_bytes();
    let step = match entry.compare {
        Compare::First => usize::from(entry.samples),
        _ => 1,
    };
    let value = |data: &[u8], index| sample_at(data, frame.sample_type, index).unwrap() as i64;
    let (mut first, mut wrong, mut far, mut worst) = (None, 0_usize, 0_usize, 0);
    for index in (0..count).step_by(step) {
        let (ours, theirs) = (value(&frame.data, index), value(expected, index));
        let difference = (ours - theirs).abs();
        if difference > 0 {
            first.get_or_insert((index, ours, theirs));
            wrong += 1;
            far += usize::from(difference > 1);
            worst = worst.max(difference);
        }
    }
    let compared = count.div_ceil(step);
    let is_near_enough = match entry.compare {
        Compare::Exact => false,
        Compare::Close | Compare::First => worst <= 2 && far * 1000 <= compared,
        Compare::Deep => worst <= 4,
    };
    if is_near_enough {
        return None;
    }
    let (index, ours, theirs) = first?;
    Some(format!(
        "{wrong} of {compared} samples differ, {far} by more than one, by {worst} at most; sample {index} is {ours}, \
         not {theirs}"
    ))
}

fn check(entry: &Entry, bytes: &[u8]) -> Result<(), String> {
    let part = |(start, length): (usize, usize)| &bytes[start..start + length];
    let decoded = decode_frame(
        part(entry.stream),
        &entry.syntax,
        &format(entry),
        &Limits::default(),
    );
    match decoded {
        Ok(frame) => fault(entry, &frame, part(entry.expected)).map_or(Ok(()), Err),
        Err(error) => Err(error.to_string()),
    }
}

fn read_container() -> (Manifest, Vec<u8>) {
    let path = container();
    let Ok(file) = std::fs::read(&path) else {
        panic!("{} is missing: `cargo xtask test` makes it", path.display());
    };
    let (length, rest) = file
        .strip_prefix(b"SGSTREAM")
        .and_then(<[u8]>::split_first_chunk::<8>)
        .unwrap();
    let (manifest, bytes) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    (serde_json::from_slice(manifest).unwrap(), bytes.to_vec())
}

#[test]
fn streams_of_other_encoders_become_the_pictures_that_they_were_made_of() {
    let (manifest, bytes) = read_container();
    let bytes = bytes.as_slice();
    let streams = &manifest.streams;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some(entry) = streams.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = check(entry, bytes) {
                failed.push((entry, why));
            }
        }
        failed
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut failed: Vec<(&Entry, String)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results = workers.into_iter();
        results.flat_map(|each| each.join().unwrap()).collect()
    });
    failed.sort_by(|(a, _), (b, _)| a.about.cmp(&b.about));

    let mut counts = BTreeMap::new();
    for entry in streams {
        *counts.entry(entry.codec.as_str()).or_insert(0) += 1;
    }
    println!("{} streams: {counts:?}", streams.len());
    let mut report = String::new();
    for (entry, why) in &failed {
        writeln!(report, "{}: {why}", entry.about).unwrap();
    }
    assert!(
        failed.is_empty(),
        "{} of {} streams are decoded wrongly:\n{report}",
        failed.len(),
        streams.len()
    );
    assert!(streams.len() > 2_000, "{} streams", streams.len());
}

/// A JPEG 2000 stream whose packets have SOP and EPH, with the headers of its packets in the main header (PPM) or in
/// those of the tile parts (PPT), cut into short segments that do not stand in their order (ISO/IEC 15444-1 A.7.4, A.7.5).
fn with_headers_apart(stream: &[u8], in_main_header: bool) -> Vec<u8> {
    let find = |from: usize, marker: &[u8]| {
        let at = stream[from..].windows(marker.len());
        at.into_iter()
            .position(|each| each == marker)
            .map(|at| from + at)
    };
    let segments = |marker: u8, packed: &[u8]| {
        let cut = packed.chunks(50).enumerate().rev();
        cut.flat_map(|(index, part)| {
            let length = u8::try_from(part.len() + 3).unwrap();
            let start = [0xFF, marker, 0, length, u8::try_from(index).unwrap()];
            [&start, part].concat()
        })
        .collect::<Vec<u8>>()
    };
    let first_part = find(0, &[0xFF, 0x90, 0, 10]).unwrap();
    let (mut main_packed, mut parts) = (Vec::new(), Vec::new());
    let mut at = first_part;
    while stream[at + 1] == 0x90 {
        let length = u32::from_be_bytes(stream[at + 6..at + 10].try_into().unwrap());
        let end = at + length as usize;
        let start = find(at, &[0xFF, 0x93]).unwrap();
        let (mut packed, mut bodies) = (Vec::new(), Vec::new());
        let mut packet = start + 2;
        while packet < end {
            let next = find(packet + 4, &[0xFF, 0x91, 0, 4]);
            let next = next.map_or(end, |next| next.min(end));
            let body = find(packet, &[0xFF, 0x92]).unwrap() + 2;
            packed.extend_from_slice(&stream[packet + 6..body]);
            bodies.extend_from_slice(&stream[packet..packet + 6]);
            bodies.extend_from_slice(&stream[body..next]);
            packet = next;
        }
        let mut header = stream[at..start].to_vec();
        if in_main_header {
            main_packed.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
            main_packed.extend(packed);
        } else {
            header.extend(segments(0x61, &packed));
        }
        let length = u32::try_from(header.len() + 2 + bodies.len()).unwrap();
        header[6..10].copy_from_slice(&length.to_be_bytes());
        parts.extend([header, vec![0xFF, 0x93], bodies].concat());
        at = end;
    }
    let main = &stream[..first_part];
    let main_packed = segments(0x60, &main_packed);
    [main, &main_packed, &parts, &stream[at..]].concat()
}

#[test]
fn packet_headers_may_stand_apart_from_their_packets() {
    let (manifest, bytes) = read_container();
    let (mut count, mut tile_parts) = (0, 0);
    for entry in &manifest.streams {
        if !entry.about.contains("'sop': True, 'eph': True") {
            continue;
        }
        let stream = &bytes[entry.stream.0..entry.stream.0 + entry.stream.1];
        let expected = &bytes[entry.expected.0..entry.expected.0 + entry.expected.1];
        for in_main_header in [true, false] {
            let apart = with_headers_apart(stream, in_main_header);
            let (syntax, format) = (&entry.syntax, format(entry));
            let frame = decode_frame(&apart, syntax, &format, &Limits::default()).unwrap();
            assert_eq!(fault(entry, &frame, expected), None, "{}", entry.about);
        }
        count += 1;
        let parts = stream
            .windows(4)
            .filter(|each| each == &[0xFF, 0x90, 0, 10]);
        tile_parts += parts.count();
    }
    println!("{count} streams with {tile_parts} tile parts");
    assert!(count >= 3, "{count} streams");
}
