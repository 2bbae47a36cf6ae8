//! MPEG transport streams: packets, the tables that say which of them are the pictures', and the pictures in them.
//!
//! One programme, and its first stream of pictures. A packet that is missing is an error: a decoder would hide the gap, and
//! the picture would be wrong.
//! Source: ISO/IEC 13818-1 sections 2.4.3 (packets and PES) and 2.4.4 (tables), ITU-T H.264 annex B, ITU-T H.265 annex B.

use super::bytes::u16_at;
use super::codec::{NalKind, string_of_sequence};
use super::h264::Sequence;
use super::{Parts, Sample, VideoCodec, VideoError};
use std::ops::Range;

/// Bytes of a packet.
const PACKET_BYTES: usize = 188;
/// Bits of a time stamp.
const TIME_BITS: u32 = 33;
/// What is said of pictures that are fields.
pub(super) const FIELDS: &str = "codes the two fields of a frame apart (interlaced)";

fn corrupt(reason: &'static str) -> VideoError {
    VideoError::Corrupt { reason }
}

/// How packets lie: first one, and bytes from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packets {
    first: usize,
    step: usize,
}

impl Packets {
    /// Plain, with a time before each as on Blu-ray discs, or with parity after each.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        let all = [(0, PACKET_BYTES), (4, 192), (0, 204)];
        let fits = |(first, step): &(usize, usize)| {
            let starts = (*first..bytes.len()).step_by(*step).take(4);
            bytes.len() >= first + PACKET_BYTES && starts.clone().all(|at| bytes[at] == 0x47)
        };
        let (first, step) = all.into_iter().find(fits)?;
        Some(Self { first, step })
    }
}

/// One packet.
struct Packet<'a> {
    id: u16,
    begins_unit: bool,
    counter: u8,
    /// A gap before it is on purpose.
    is_discontinuous: bool,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn read(packet: &'a [u8]) -> Result<Self, VideoError> {
        let [0x47, high, low, control, ..] = *packet else {
            return Err(corrupt("a transport packet does not begin where it should"));
        };
        if high & 0x80 != 0 {
            return Err(corrupt("a transport packet is marked as faulty"));
        }
        if control & 0xC0 != 0 {
            return Err(VideoError::Unsupported {
                feature: "is encrypted",
            });
        }
        let adaptation = match control & 0x20 {
            0 => 0,
            _ => usize::from(packet[4]) + 1,
        };
        let has_flags = adaptation > 1;
        let payload = match control & 0x10 {
            0 => &[],
            _ => packet
                .get(4 + adaptation..)
                .ok_or(corrupt("a transport packet is longer than it can be"))?,
        };
        Ok(Self {
            id: u16::from(high & 0x1F) << 8 | u16::from(low),
            begins_unit: high & 0x40 != 0,
            counter: control & 0x0F,
            is_discontinuous: has_flags && packet[5] & 0x80 != 0,
            payload,
        })
    }
}

/// The stream of pictures without its packets.
struct Elementary {
    codec: VideoCodec,
    bytes: Vec<u8>,
    /// Where each PES packet begins, and its time of presentation.
    starts: Vec<(usize, Option<i64>)>,
}

/// Takes a transport stream apart.
pub(super) fn read(bytes: &[u8], packets: Packets) -> Result<Parts, VideoError> {
    let stream = elementary(bytes, packets)?;
    let (codec, found) = (stream.codec, pictures(&stream)?);
    let codec_string = found
        .codec_string
        .ok_or(corrupt("it does not say its codec's settings"))?;
    Ok(Parts {
        codec,
        codec_string,
        description: None,
        bytes: stream.bytes,
        samples: found.samples,
        begins_at: i64::MIN,
    })
}

fn elementary(bytes: &[u8], packets: Packets) -> Result<Elementary, VideoError> {
    let (mut map_id, mut pictures_id) = (None, None);
    let mut out = Vec::new();
    let mut starts: Vec<(usize, Option<i64>)> = Vec::new();
    let mut counter: Option<u8> = None;
    let mut last_time = None;
    let mut at = packets.first;
    while let Some(packet) = bytes.get(at..at + PACKET_BYTES) {
        at += packets.step;
        let packet = Packet::read(packet)?;
        if packet.id == 0 && packet.begins_unit && map_id.is_none() {
            map_id = map_of_programme(packet.payload);
        } else if Some(packet.id) == map_id && packet.begins_unit && pictures_id.is_none() {
            pictures_id = stream_of_pictures(packet.payload)?;
        }
        let is_picture = pictures_id.is_some_and(|(id, _)| id == packet.id);
        if !is_picture || packet.payload.is_empty() {
            continue;
        }
        let is_again = counter == Some(packet.counter) && !packet.is_discontinuous;
        let is_next = counter.is_none_or(|last| (last + 1) & 0x0F == packet.counter);
        counter = Some(packet.counter);
        if is_again {
            // A packet may be sent twice.
            continue;
        }
        if !is_next && !packet.is_discontinuous {
            return Err(corrupt("a part of it is missing"));
        }
        let mut payload = packet.payload;
        if packet.begins_unit {
            let (time, header) = pes_header(payload)?;
            payload = payload
                .get(header..)
                .ok_or(corrupt("the header of a picture ends early"))?;
            let time = time.map(|time| unwrapped(time, last_time));
            last_time = time.or(last_time);
            starts.push((out.len(), time));
        }
        // What comes before the first start is the rest of a picture.
        if !starts.is_empty() {
            out.extend_from_slice(payload);
        }
    }
    let (_, codec) = pictures_id.ok_or(corrupt("it names no stream of pictures"))?;
    Ok(Elementary {
        codec,
        bytes: out,
        starts,
    })
}

/// The section in a packet that begins one: of a table with this number, without its checksum.
fn section(payload: &[u8], table: u8) -> Option<&[u8]> {
    let start = usize::from(*payload.first()?) + 1;
    let section = payload.get(start..)?;
    if *section.first()? != table {
        return None;
    }
    let length = usize::from(u16_at(section, 1)? & 0x0FFF);
    section.get(..(3 + length).checked_sub(4)?)
}

/// The packets of the first programme's map.
fn map_of_programme(payload: &[u8]) -> Option<u16> {
    let section = section(payload, 0)?;
    let mut programmes = section.get(8..)?.chunks_exact(4);
    let programme = programmes.find(|entry| u16_at(entry, 0) != Some(0))?;
    Some(u16_at(programme, 2)? & 0x1FFF)
}

/// The packets of the first stream of pictures, and its codec.
fn stream_of_pictures(payload: &[u8]) -> Result<Option<(u16, VideoCodec)>, VideoError> {
    let Some(section) = section(payload, 2) else {
        return Ok(None);
    };
    let broken = || corrupt("the map of its streams ends early");
    let skipped = u16_at(section, 10).ok_or_else(broken)? & 0x0FFF;
    let mut at = 12 + usize::from(skipped);
    let mut is_mpeg2 = false;
    while let Some(kind) = section.get(at) {
        let id = u16_at(section, at + 1).ok_or_else(broken)? & 0x1FFF;
        let length = u16_at(section, at + 3).ok_or_else(broken)? & 0x0FFF;
        match kind {
            0x1B => return Ok(Some((id, VideoCodec::H264))),
            0x24 => return Ok(Some((id, VideoCodec::Hevc))),
            1 | 2 => is_mpeg2 = true,
            _ => {}
        }
        at += 5 + usize::from(length);
    }
    Err(VideoError::Unsupported {
        feature: if is_mpeg2 {
            "is MPEG-2"
        } else {
            "is neither H.264 nor HEVC"
        },
    })
}

/// The time of presentation of a PES packet, and the bytes before its payload.
fn pes_header(bytes: &[u8]) -> Result<(Option<u64>, usize), VideoError> {
    let broken = || corrupt("the header of a picture is none");
    if bytes.get(..3) != Some(&[0, 0, 1]) {
        return Err(broken());
    }
    let (flags, length) = (bytes.get(7), bytes.get(8));
    let (flags, length) = (flags.ok_or_else(broken)?, length.ok_or_else(broken)?);
    let time = match flags & 0x80 {
        0 => None,
        _ => {
            let five = bytes.get(9..14).ok_or_else(broken)?;
            let part = |at: usize, mask: u8| u64::from(five[at] & mask);
            let time = part(0, 0x0E) << 29
                | part(1, 0xFF) << 22
                | part(2, 0xFE) << 14
                | part(3, 0xFF) << 7
                | part(4, 0xFE) >> 1;
            Some(time)
        }
    };
    Ok((time, 9 + usize::from(*length)))
}

/// A time that does not begin again after 26 hours: the one nearest to the time before.
fn unwrapped(time: u64, last: Option<i64>) -> i64 {
    let time = time.cast_signed();
    let Some(last) = last else { return time };
    let round = 1_i64 << TIME_BITS;
    let ahead = (time - last).rem_euclid(round);
    last + if ahead >= round / 2 {
        ahead - round
    } else {
        ahead
    }
}

/// Units of Annex B: each without its start code, and where that begins. A zero before a start code belongs to it.
fn units(bytes: &[u8]) -> Vec<(usize, Range<usize>)> {
    let mut codes: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(three) = bytes.get(at..at + 3) {
        match three {
            [0, 0, 1] => {
                // A zero before it belongs to the start code.
                let last = codes.last().map_or(0, |(_, unit)| *unit);
                let has_zero = at > last && bytes[at - 1] == 0;
                codes.push((at - usize::from(has_zero), at + 3));
                at += 3;
            }
            // No start code begins before what is not 0.
            [_, _, last] if *last > 1 => at += 3,
            _ => at += 1,
        }
    }
    let ends = codes.iter().skip(1).map(|(code, _)| *code);
    let ends = ends.chain([bytes.len()]);
    let units = codes.iter().zip(ends);
    units
        .map(|((code, unit), end)| (*code, *unit..end))
        .collect()
}

/// Pictures, and what the first parameter set says.
#[derive(Default)]
struct Pictures {
    samples: Vec<Sample>,
    codec_string: Option<String>,
}

fn pictures(stream: &Elementary) -> Result<Pictures, VideoError> {
    let mut found = Pictures::default();
    let mut sequence = None;
    // A decoder that begins at a picture finds its settings before it.
    let mut has_sequence = false;
    // Where the units began that belong to the next picture.
    let mut front: Option<usize> = None;
    let mut times = stream.starts.iter().peekable();
    for (code, range) in units(&stream.bytes) {
        let nal = &stream.bytes[range.clone()];
        let kind = NalKind::of(stream.codec, nal);
        match kind {
            NalKind::Slice {
                is_first: false, ..
            }
            | NalKind::Other => {
                if let Some(last) = found.samples.last_mut() {
                    last.range.end = range.end;
                }
                continue;
            }
            NalKind::Sequence | NalKind::Front => {
                if kind == NalKind::Sequence {
                    let named = || string_of_sequence(stream.codec, nal);
                    found.codec_string = found.codec_string.take().or_else(named);
                    sequence = Sequence::read(nal).or(sequence);
                    has_sequence = true;
                }
                front.get_or_insert(code);
            }
            NalKind::Slice { is_key, .. } => {
                let is_field = |sequence: Sequence| sequence.is_field(nal);
                if stream.codec == VideoCodec::H264 && sequence.and_then(is_field) == Some(true) {
                    return Err(VideoError::Unsupported { feature: FIELDS });
                }
                let start = front.take().unwrap_or(code);
                // The time of a packet is that of the first picture that begins in it.
                let mut own = None;
                while let Some((_, time)) = times.next_if(|(at, _)| *at <= start) {
                    own = Some(*time);
                }
                let Some(Some(time)) = own else {
                    return Err(VideoError::Unsupported {
                        feature: "does not say the time of each frame",
                    });
                };
                found.samples.push(Sample {
                    range: start..range.end,
                    time,
                    is_key: is_key && has_sequence,
                    frame_index: None,
                });
                has_sequence = false;
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_goes_on_after_its_largest_value() {
        let largest = (1_i64 << 33) - 1;
        assert_eq!(unwrapped(5, Some(largest)), largest + 6);
        assert_eq!(unwrapped(largest.cast_unsigned(), Some(5)), -1);
        assert_eq!(unwrapped(7, None), 7);
    }

    /// 13818-1 table 2-21: three marker bits between 3, 15 and 15 bits of the time.
    #[test]
    fn a_time_is_put_together_of_three_parts() {
        let header = [
            0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5, 0x2F, 0xFF, 0xFF, 0xFF, 0xFD,
        ];
        assert_eq!(pes_header(&header), Ok((Some((1 << 33) - 2), 14)));
    }

    #[test]
    fn units_end_where_the_next_start_code_begins() {
        let bytes = [0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x65, 2, 0, 0, 1];
        assert_eq!(units(&bytes), [(0, 4..6), (6, 9..11), (11, 14..14)]);
    }
}
