//! What of a codec's units a container's reader has to understand: their kinds, and the codec's name with profile and level.
//!
//! Source: ITU-T H.264 section 7.3.1 and table 7-1, ITU-T H.265 section 7.3.1.2 and table 7-1, ISO/IEC 14496-15 annex E (codec
//! strings), RFC 6381 section 3.3.

use super::VideoCodec;
use super::bytes::Bits;
use std::fmt::Write as _;

/// What a NAL unit is, as far as that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NalKind {
    /// Part of a coded picture.
    Slice {
        /// The picture is one that decoding can begin with.
        is_key: bool,
        /// It is the first part of its picture.
        is_first: bool,
    },
    /// A sequence parameter set.
    Sequence,
    /// Something that stands before a picture and belongs to it.
    Front,
    /// Anything else: belongs to the picture before.
    Other,
}

impl NalKind {
    /// Reads the header of a unit.
    pub(super) fn of(codec: VideoCodec, nal: &[u8]) -> Self {
        let Some(first) = nal.first() else {
            return Self::Other;
        };
        match codec {
            VideoCodec::H264 => match first & 31 {
                kind @ (1 | 5) => Self::Slice {
                    is_key: kind == 5,
                    // first_mb_in_slice is 0: one bit that is set.
                    is_first: nal.get(1).is_some_and(|byte| byte & 0x80 != 0),
                },
                // Data partitions belong to a profile that DICOM does not allow.
                7 => Self::Sequence,
                6 | 8 | 9 | 14..=18 => Self::Front,
                _ => Self::Other,
            },
            VideoCodec::Hevc => match first >> 1 & 63 {
                kind @ (0..=9 | 16..=21) => Self::Slice {
                    is_key: kind >= 16,
                    // first_slice_segment_in_pic_flag.
                    is_first: nal.get(2).is_some_and(|byte| byte & 0x80 != 0),
                },
                33 => Self::Sequence,
                32 | 34 | 35 | 39 | 41..=44 | 48..=55 => Self::Front,
                _ => Self::Other,
            },
        }
    }
}

/// `avc1.` with profile, constraints and level.
pub(super) fn h264_string([profile, constraints, level]: [u8; 3]) -> String {
    format!("avc1.{profile:02X}{constraints:02X}{level:02X}")
}

/// The codec string of a sequence parameter set in the stream.
pub(super) fn string_of_sequence(codec: VideoCodec, nal: &[u8]) -> Option<String> {
    match codec {
        VideoCodec::H264 => Some(h264_string(nal.get(1..4)?.try_into().ok()?)),
        VideoCodec::Hevc => {
            let mut bits = Bits::of_nal(nal, 2);
            // Of the video parameter set, sub-layers, and how they nest.
            bits.take(8)?;
            let mut profile = [0; 12];
            for byte in &mut profile {
                *byte = u8::try_from(bits.take(8)?).ok()?;
            }
            Some(hevc_string("hev1", &profile))
        }
    }
}

/// The codec string of twelve bytes of profile, tier and level.
pub(super) fn hevc_string(kind: &str, profile: &[u8; 12]) -> String {
    let [first, a, b, c, d, constraints @ .., level] = profile;
    let space = ["", "A", "B", "C"][usize::from(first >> 6)];
    let tier = if first & 0x20 == 0 { 'L' } else { 'H' };
    let compatible = u32::from_be_bytes([*a, *b, *c, *d]).reverse_bits();
    let mut text = format!("{kind}.{space}{}.{compatible:X}.{tier}{level}", first & 31);
    let used = constraints.iter().rposition(|byte| *byte != 0);
    for byte in &constraints[..used.map_or(0, |last| last + 1)] {
        // Writing to a text does not fail.
        let _ = write!(text, ".{byte:X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of ISO/IEC 14496-15 annex E.3: HEVC Main, level 3.1, with and without constraints.
    #[test]
    fn codec_strings_are_those_of_the_standard() {
        let mut profile = [1, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc_string("hev1", &profile), "hev1.1.6.L93.B0");
        profile[0] = 0x20 | 0x40 | 4;
        profile[1..5].copy_from_slice(&[0x08, 0, 0, 0]);
        profile[5..8].copy_from_slice(&[0xB0, 0x23, 0]);
        assert_eq!(hevc_string("hvc1", &profile), "hvc1.A4.10.H93.B0.23");
        assert_eq!(h264_string([100, 0, 41]), "avc1.640029");
    }

    #[test]
    fn units_are_told_apart_by_their_header() {
        let h264 = |nal: &[u8]| NalKind::of(VideoCodec::H264, nal);
        let slice = |is_key, is_first| NalKind::Slice { is_key, is_first };
        assert_eq!(h264(&[0x65, 0x88]), slice(true, true));
        assert_eq!(h264(&[0x41, 0x9A]), slice(false, true));
        assert_eq!(h264(&[0x41, 0x40]), slice(false, false));
        assert_eq!(h264(&[0x67, 100]), NalKind::Sequence);
        assert_eq!(h264(&[0x09, 0xF0]), NalKind::Front);
        assert_eq!(h264(&[]), NalKind::Other);
        let hevc = |nal: &[u8]| NalKind::of(VideoCodec::Hevc, nal);
        assert_eq!(hevc(&[0x26, 1, 0xAF]), slice(true, true));
        assert_eq!(hevc(&[0x02, 1, 0x50]), slice(false, false));
        assert_eq!(hevc(&[0x42, 1]), NalKind::Sequence);
        assert_eq!(hevc(&[0x46, 1]), NalKind::Front);
    }
}
