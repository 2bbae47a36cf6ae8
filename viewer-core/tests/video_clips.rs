//! Videos taken apart, held to what ffprobe says of the same files: each coded picture's size, time, and whether it is a key.
//!
//! `video/README.md` says how the files were made.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use serde_json::Value;
use viewer_core::video::{Clip, VideoCodec, VideoError};

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/video");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

/// A coded picture as ffprobe lists it.
struct Listed {
    time: i64,
    bytes: usize,
    is_key: bool,
    position: usize,
}

fn listed(name: &str) -> Vec<Listed> {
    let list: Value = serde_json::from_slice(&file(&format!("{name}.json"))).unwrap();
    let packets = list["packets"].as_array().unwrap();
    let number = |text: &Value| text.as_str().unwrap().parse().unwrap();
    let packet = |it: &Value| Listed {
        time: it["pts"].as_i64().unwrap(),
        bytes: number(&it["size"]),
        is_key: it["flags"].as_str().unwrap().starts_with('K'),
        position: number(&it["pos"]),
    };
    packets.iter().map(packet).collect()
}

fn check(name: &str, codec: VideoCodec, codec_string: &str) -> Clip {
    let listed = listed(name);
    let clip = Clip::read(file(name)).unwrap();
    assert_eq!(
        (clip.codec, clip.codec_string.as_str()),
        (codec, codec_string)
    );
    assert_eq!((clip.samples.len(), clip.frames.len()), (24, listed.len()));
    // An edit list moves all times alike.
    let shift = clip.samples[0].time - listed[0].time;
    for (index, (sample, listed)) in clip.samples.iter().zip(&listed).enumerate() {
        // Of HEVC, ffprobe counts the zero before a start code to the picture before: it matters at both ends of the stream.
        let bytes = match (name, index) {
            ("hevc.ts", 0) => sample.range.len() + 1,
            ("hevc.ts", 23) => sample.range.len() - 1,
            _ => sample.range.len(),
        };
        let found = (bytes, sample.time - shift, sample.is_key);
        let expected = (listed.bytes, listed.time, listed.is_key);
        assert_eq!(found, expected, "{name}, picture {index}");
        let earlier = listed_before(&clip, sample.time);
        assert_eq!(sample.frame_index, Some(earlier), "{name}, picture {index}");
    }
    for (frame_index, place) in clip.frames.iter().enumerate() {
        // A picture that is shown before the key picture that it follows may need what came before that.
        let time = listed[*place].time;
        let starts = |at: &usize| listed[*at].is_key && listed[*at].time <= time;
        let key = (0..=*place).rev().find(starts);
        assert_eq!(
            clip.start_of(frame_index),
            key,
            "{name}, frame {frame_index}"
        );
    }
    assert_eq!(clip.start_of(24), None);
    clip
}

fn listed_before(clip: &Clip, time: i64) -> usize {
    let samples = clip.samples.iter();
    samples.filter(|sample| sample.time < time).count()
}

#[test]
fn an_mp4_is_taken_apart_as_ffprobe_does() {
    for (name, codec, codec_string) in [
        // High profile (100) at level 4.1; Main profile (1) at level 1.0 (30 in thirtieths).
        ("h264.mp4", VideoCodec::H264, "avc1.640029"),
        ("hevc.mp4", VideoCodec::Hevc, "hvc1.1.6.L30.90"),
    ] {
        let clip = check(name, codec, codec_string);
        let starts: Vec<usize> = clip.samples.iter().map(|it| it.range.start).collect();
        let expected: Vec<usize> = listed(name).iter().map(|it| it.position).collect();
        assert_eq!(starts, expected, "{name}");
        // The record's version is 1.
        assert_eq!(clip.description.unwrap()[0], 1);
    }
}

#[test]
fn a_transport_stream_is_taken_apart_as_ffprobe_does() {
    for (name, codec, codec_string) in [
        ("h264.ts", VideoCodec::H264, "avc1.640029"),
        ("hevc.ts", VideoCodec::Hevc, "hev1.1.6.L30.90"),
    ] {
        let clip = check(name, codec, codec_string);
        assert_eq!(clip.description, None);
        for sample in &clip.samples {
            let start = clip.bytes_of(sample).get(..4);
            assert_eq!(start, Some([0, 0, 0, 1].as_slice()), "{name}");
        }
    }
}

#[test]
fn packets_with_a_time_before_or_parity_after_them_are_read_alike() {
    let plain = file("h264.ts");
    let expected = Clip::read(plain.clone()).unwrap();
    let packets = || plain.chunks(188);
    let timed: Vec<u8> = packets()
        .flat_map(|it| [&[1, 2, 3, 4], it].concat())
        .collect();
    assert_eq!(Clip::read(timed), Ok(expected.clone()));
    let parity: Vec<u8> = packets().flat_map(|it| [it, &[9; 16]].concat()).collect();
    assert_eq!(Clip::read(parity), Ok(expected.clone()));
    // One sent twice counts once.
    let twice = [&plain[..4 * 188], &plain[3 * 188..]].concat();
    assert_eq!(Clip::read(twice), Ok(expected));
}

#[test]
fn what_browsers_do_not_decode_is_said() {
    let words = |bytes: Vec<u8>| Clip::read(bytes).unwrap_err().to_string();
    assert!(words(file("mpeg2.ts")).contains("MPEG-2"));
    assert!(words(vec![0, 0, 1, 0xBA, 0x44]).contains("MPEG-2"));
    assert!(words(vec![0, 0, 0, 1, 0x67, 0x64]).contains("no container"));
    assert_eq!(Clip::read(Vec::new()), Err(VideoError::Container));
    assert_eq!(Clip::read(vec![7; 4096]), Err(VideoError::Container));
}

#[test]
fn a_stream_with_a_gap_is_no_clip() {
    let bytes = file("h264.ts");
    // ffmpeg gives pictures this number.
    let is_picture = |packet: &[u8]| packet[1] & 0x1F == 1 && packet[2] == 0;
    let places = (0..bytes.len()).step_by(188);
    let places: Vec<usize> = places.filter(|at| is_picture(&bytes[*at..])).collect();
    for at in &places[1..places.len() - 1] {
        let cut = [&bytes[..*at], &bytes[at + 188..]].concat();
        let error = Clip::read(cut).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    }
}

#[test]
fn a_file_that_ends_early_is_no_clip() {
    for name in ["h264.mp4", "hevc.mp4"] {
        let whole = file(name);
        for end in 0..whole.len() {
            assert!(Clip::read(whole[..end].to_vec()).is_err(), "{name}: {end}");
        }
    }
}

/// Nothing panics, and no range lies outside, whatever byte is another one.
#[test]
fn damage_is_an_error_or_another_clip() {
    for name in ["h264.mp4", "h264.ts", "hevc.mp4", "hevc.ts"] {
        let whole = file(name);
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let Ok(clip) = Clip::read(bytes) else {
                    continue;
                };
                let length = clip.bytes.len();
                assert!(clip.samples.iter().all(|it| it.range.end <= length));
                assert!((0..clip.frames.len()).all(|it| clip.start_of(it).is_some()));
            }
        }
    }
}
