//! MP4: boxes, and the tables that say where samples lie and when they are shown.
//!
//! One track of pictures with one sample description. Files in movie fragments are refused.
//! Source: ISO/IEC 14496-12 section 8, ISO/IEC 14496-15 sections 5.3.3 (avcC) and 8.3.3 (hvcC).

use super::bytes::{i32_at, u16_at, u32_at, u64_at};
use super::codec::{NalKind, h264_string, hevc_string};
use super::h264::Sequence;
use super::{Parts, Sample, VideoCodec, VideoError};
use std::ops::Range;

/// Most samples of a track: ten hours at 25 a second.
const MOST_SAMPLES: usize = 1 << 20;
/// Bytes of a visual sample entry before its boxes.
const VISUAL_ENTRY_BYTES: usize = 78;

fn corrupt(reason: &'static str) -> VideoError {
    VideoError::Corrupt { reason }
}

/// True for the first box of an MP4 file.
pub(super) fn is_mp4(bytes: &[u8]) -> bool {
    matches!(
        bytes.get(4..8),
        Some(b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide")
    )
}

/// Boxes that follow each other: kind and payload of each. Ends at what is no box.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let size = u32_at(bytes, at)?;
        let kind: [u8; 4] = bytes.get(at + 4..at + 8)?.try_into().ok()?;
        let (header, size) = match size {
            0 => (8, bytes.len() - at),
            1 => (16, usize::try_from(u64_at(bytes, at + 8)?).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        let end = at.checked_add(size)?;
        let payload = bytes.get(at + header..end)?;
        at = end;
        Some((kind, payload))
    })
}

fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|(found, _)| found == kind)
        .map(|(_, payload)| payload)
}

/// Takes an MP4 file apart.
pub(super) fn read(bytes: Vec<u8>) -> Result<Parts, VideoError> {
    let track = Track::find(&bytes)?;
    let tables = track.tables;
    let ranges = sample_ranges(tables, bytes.len())?;
    let times = sample_times(tables, ranges.len())?;
    let keys = KeySamples::of(tables);
    let begins_at = track.begins_at;
    let (codec, codec_string) = (track.codec, track.codec_string);
    let description = track.description.to_vec();
    let mut field = FieldWatch::of(&description, codec);
    let mut samples = Vec::with_capacity(ranges.len());
    for (index, (range, time)) in ranges.into_iter().zip(times).enumerate() {
        let sample = bytes.get(range.clone()).unwrap_or_default();
        let is_coded_key = first_slice(codec, track.length_bytes, sample, &mut field)?;
        samples.push(Sample {
            range,
            time,
            is_key: is_coded_key && keys.holds(index),
            frame_index: None,
        });
    }
    Ok(Parts {
        codec,
        codec_string,
        description: Some(description),
        bytes,
        samples,
        begins_at,
    })
}

/// Looks for pictures that are fields.
struct FieldWatch(Option<Sequence>);

impl FieldWatch {
    fn of(description: &[u8], codec: VideoCodec) -> Self {
        // avcC: five bytes, their number, and the first sequence parameter set after its length.
        let first = || {
            let length = usize::from(u16_at(description, 6)?);
            Sequence::read(description.get(8..8 + length)?)
        };
        Self(match codec {
            VideoCodec::H264 => first(),
            VideoCodec::Hevc => None,
        })
    }
}

/// True where a sample's picture is one that decoding can begin with.
fn first_slice(
    codec: VideoCodec,
    length_bytes: usize,
    sample: &[u8],
    field: &mut FieldWatch,
) -> Result<bool, VideoError> {
    let mut at = 0;
    while let Some(length) = sample.get(at..at + length_bytes) {
        let length = length
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        at += length_bytes;
        let nal = at
            .checked_add(length)
            .and_then(|end| sample.get(at..end))
            .ok_or(corrupt("a picture ends early"))?;
        match NalKind::of(codec, nal) {
            NalKind::Slice { is_key, .. } => {
                let is_field = field.0.and_then(|sequence| sequence.is_field(nal));
                return match is_field {
                    Some(true) => Err(VideoError::Unsupported {
                        feature: super::transport::FIELDS,
                    }),
                    _ => Ok(is_key),
                };
            }
            NalKind::Sequence if codec == VideoCodec::H264 => {
                field.0 = Sequence::read(nal).or(field.0);
            }
            _ => {}
        }
        at += length;
    }
    Err(corrupt("a frame holds no picture"))
}

/// The track of pictures.
struct Track<'a> {
    codec: VideoCodec,
    codec_string: String,
    description: &'a [u8],
    /// Bytes of the length before each unit.
    length_bytes: usize,
    /// The box `stbl`.
    tables: &'a [u8],
    begins_at: i64,
}

impl<'a> Track<'a> {
    fn find(bytes: &'a [u8]) -> Result<Self, VideoError> {
        let movie = child(bytes, b"moov").ok_or(corrupt("it has no index (moov)"))?;
        if boxes(bytes).any(|(kind, _)| kind == *b"moof") || child(movie, b"mvex").is_some() {
            return Err(VideoError::Unsupported {
                feature: "is cut into movie fragments",
            });
        }
        let mut tracks = boxes(movie)
            .filter(|(kind, _)| kind == b"trak")
            .filter(|(_, track)| {
                let media = child(track, b"mdia");
                let handler = media.and_then(|media| child(media, b"hdlr"));
                handler.and_then(|handler| handler.get(8..12)) == Some(b"vide".as_slice())
            });
        let (_, track) = tracks
            .next()
            .ok_or(corrupt("it has no track of pictures"))?;
        if tracks.next().is_some() {
            return Err(VideoError::Unsupported {
                feature: "has several tracks of pictures",
            });
        }
        let tables = child(track, b"mdia")
            .and_then(|media| child(media, b"minf"))
            .and_then(|media| child(media, b"stbl"))
            .ok_or(corrupt("it has no tables of samples"))?;
        let missing = || corrupt("it does not say its codec");
        let entries = child(tables, b"stsd").ok_or_else(missing)?;
        let (kind, entry) = boxes(entries.get(8..).ok_or_else(missing)?)
            .next()
            .ok_or_else(missing)?;
        let inside = entry.get(VISUAL_ENTRY_BYTES..).ok_or_else(missing)?;
        let (codec, codec_string, description, length_byte) = match &kind {
            b"avc1" | b"avc3" => {
                let record = child(inside, b"avcC").ok_or_else(missing)?;
                let profile = record
                    .get(1..4)
                    .and_then(|three| three.try_into().ok())
                    .ok_or_else(missing)?;
                (VideoCodec::H264, h264_string(profile), record, 4)
            }
            b"hvc1" | b"hev1" => {
                let record = child(inside, b"hvcC").ok_or_else(missing)?;
                let profile = record
                    .get(1..13)
                    .and_then(|twelve| twelve.try_into().ok())
                    .ok_or_else(missing)?;
                let name = if kind == *b"hvc1" { "hvc1" } else { "hev1" };
                (VideoCodec::Hevc, hevc_string(name, profile), record, 21)
            }
            _ => {
                return Err(VideoError::Unsupported {
                    feature: "is neither H.264 nor HEVC",
                });
            }
        };
        let length_bytes = record_byte(description, length_byte).ok_or_else(missing)? & 3;
        Ok(Self {
            codec,
            codec_string,
            description,
            length_bytes: usize::from(length_bytes) + 1,
            tables,
            begins_at: begins_at(track)?,
        })
    }
}

fn record_byte(record: &[u8], at: usize) -> Option<u8> {
    record.get(at).copied()
}

/// Media time at which the presentation begins, by the edit list: one edit, perhaps after an empty one.
fn begins_at(track: &[u8]) -> Result<i64, VideoError> {
    let Some(list) = child(track, b"edts").and_then(|edits| child(edits, b"elst")) else {
        return Ok(i64::MIN);
    };
    let broken = || corrupt("its edit list ends early");
    let is_long = list.first() == Some(&1);
    let count = u32_at(list, 4).ok_or_else(broken)?;
    let step = if is_long { 20 } else { 12 };
    let mut begins = None;
    for index in 0..count {
        let at = usize::try_from(index)
            .ok()
            .and_then(|index| index.checked_mul(step)?.checked_add(8))
            .ok_or_else(broken)?;
        let media_time = if is_long {
            u64_at(list, at + 8).map(u64::cast_signed)
        } else {
            i32_at(list, at + 4).map(i64::from)
        }
        .ok_or_else(broken)?;
        // An empty edit: the presentation begins late.
        if media_time == -1 && begins.is_none() {
            continue;
        }
        let rate = i32_at(list, at + step - 4).ok_or_else(broken)?;
        if begins.is_some() || rate != 1 << 16 || media_time < 0 {
            return Err(VideoError::Unsupported {
                feature: "is put together of several pieces",
            });
        }
        begins = Some(media_time);
    }
    Ok(begins.unwrap_or(i64::MIN))
}

/// A table of entries with 32-bit fields after its count: the entry's bytes for each index.
fn entries<'a>(
    tables: &'a [u8],
    kind: &[u8; 4],
    entry_bytes: usize,
) -> Option<std::slice::ChunksExact<'a, u8>> {
    let table = child(tables, kind)?;
    let count = usize::try_from(u32_at(table, 4)?).ok()?;
    let bytes = table.get(8..8_usize.checked_add(count.checked_mul(entry_bytes)?)?)?;
    Some(bytes.chunks_exact(entry_bytes))
}

/// Where each sample lies.
fn sample_ranges(tables: &[u8], file_bytes: usize) -> Result<Vec<Range<usize>>, VideoError> {
    let sizes = sample_sizes(tables)?;
    let missing = || corrupt("it does not say where its frames lie");
    let chunks: Vec<u64> = match entries(tables, b"stco", 4) {
        Some(offsets) => offsets
            .filter_map(|entry| u32_at(entry, 0).map(u64::from))
            .collect(),
        None => entries(tables, b"co64", 8)
            .ok_or_else(missing)?
            .filter_map(|entry| u64_at(entry, 0))
            .collect(),
    };
    let runs: Vec<[u32; 3]> = entries(tables, b"stsc", 12)
        .ok_or_else(missing)?
        .filter_map(|entry| Some([u32_at(entry, 0)?, u32_at(entry, 4)?, u32_at(entry, 8)?]))
        .collect();
    if runs.first().is_none_or(|first| first[0] != 1) || !runs.is_sorted_by(|a, b| a[0] < b[0]) {
        return Err(missing());
    }
    if runs.iter().any(|run| run[2] != 1) {
        return Err(VideoError::Unsupported {
            feature: "changes its codec's settings within",
        });
    }
    let mut ranges = Vec::with_capacity(sizes.len());
    let mut sizes = sizes.into_iter();
    let mut run = 0;
    for (index, offset) in chunks.iter().enumerate() {
        while runs
            .get(run + 1)
            .is_some_and(|next| usize::try_from(next[0]).is_ok_and(|first| first <= index + 1))
        {
            run += 1;
        }
        let mut at = usize::try_from(*offset).map_err(|_| missing())?;
        let count = usize::try_from(runs[run][1]).map_err(|_| missing())?;
        for size in sizes.by_ref().take(count) {
            let end = at.checked_add(size).filter(|end| *end <= file_bytes);
            let end = end.ok_or(corrupt("it ends before its last frame"))?;
            ranges.push(at..end);
            at = end;
        }
    }
    if sizes.next().is_some() {
        return Err(missing());
    }
    Ok(ranges)
}

fn sample_sizes(tables: &[u8]) -> Result<Vec<usize>, VideoError> {
    let broken = || corrupt("it does not say how large its frames are");
    let table = child(tables, b"stsz").ok_or_else(broken)?;
    let whole = |at| usize::try_from(u32_at(table, at).ok_or_else(broken)?).map_err(|_| broken());
    let (same, count) = (whole(4)?, whole(8)?);
    if count > MOST_SAMPLES {
        return Err(VideoError::Unsupported {
            feature: "has more frames than are read",
        });
    }
    if same > 0 {
        return Ok(vec![same; count]);
    }
    (0..count).map(|index| whole(12 + 4 * index)).collect()
}

/// When each sample is shown: its time of decoding and its offset to that.
fn sample_times(tables: &[u8], count: usize) -> Result<Vec<i64>, VideoError> {
    let broken = || corrupt("it does not say the times of its frames");
    let steps = entries(tables, b"stts", 8).ok_or_else(broken)?;
    let mut times = Vec::with_capacity(count);
    let mut now = 0_i64;
    for entry in steps {
        let (Some(repeats), Some(step)) = (u32_at(entry, 0), u32_at(entry, 4)) else {
            return Err(broken());
        };
        let left = count - times.len();
        for _ in 0..usize::try_from(repeats).unwrap_or(usize::MAX).min(left) {
            times.push(now);
            // A million steps of 32 bits do not overflow 64.
            now += i64::from(step);
        }
    }
    if times.len() != count {
        return Err(broken());
    }
    if child(tables, b"ctts").is_none() {
        return Ok(times);
    }
    let mut at = 0;
    for entry in entries(tables, b"ctts", 8).ok_or_else(broken)? {
        let (Some(repeats), Some(offset)) = (u32_at(entry, 0), i32_at(entry, 4)) else {
            return Err(broken());
        };
        let repeats = usize::try_from(repeats).unwrap_or(usize::MAX);
        let end = at + repeats.min(count - at);
        for time in &mut times[at..end] {
            *time += i64::from(offset);
        }
        at = end;
    }
    Ok(times)
}

/// Samples that the table names as those to begin with; all, where there is no table.
struct KeySamples(Option<Vec<u32>>);

impl KeySamples {
    fn of(tables: &[u8]) -> Self {
        let numbers = entries(tables, b"stss", 4);
        Self(numbers.map(|numbers| numbers.filter_map(|entry| u32_at(entry, 0)).collect()))
    }

    fn holds(&self, index: usize) -> bool {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        (self.0.as_ref()).is_none_or(|numbers| numbers.binary_search(&number).is_ok())
    }
}
