//! Where a code stream and the attributes beside it disagree, so that readers of the image are told.
//!
//! Told is what one who believed the other side would see otherwise: a radiograph of 12 bits under a Bits Stored of 16
//! has the same values either way, and nothing is said of it. Which side was believed stands in [`crate::decode`].
//!
//! Source: DICOM PS3.5 8.2 (attributes of compressed images); the segments are those of ITU-T T.81 B.2, T.87 C.1 and T.800 A.

use serde::{Deserialize, Serialize};

use super::sniff;
use super::transfer_syntax::{self, Codec};
use crate::pixel::{Frame, Photometric, PixelFormat, SampleType};

/// What a code stream and its attributes disagree in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Disagreement {
    /// Pixel Representation, and whether the stream says that values have a sign.
    Sign,
    /// Bits Stored, and the precision of the stream.
    Depth,
    /// Photometric Interpretation, and what the stream says of its colours.
    Colors,
    /// The transfer syntax keeps every value, and the stream does not.
    Loss,
    /// The transfer syntax, and the codec of the stream.
    Codec,
}

impl Disagreement {
    /// What is told, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Sign => {
                "The compressed image and its attributes disagree about negative values: the attributes were believed."
            }
            Self::Depth => {
                "The compressed image has other bits than Bits Stored says: the image was believed."
            }
            Self::Colors => {
                "The compressed image and its attributes disagree about colours: the image was believed."
            }
            Self::Loss => {
                "The transfer syntax promises an image without loss, but it was compressed with loss."
            }
            Self::Codec => {
                "The transfer syntax names another compression than the image has: it was read by its own."
            }
        }
    }
}

/// What `frame` is decoded from says otherwise than `transfer_syntax` and `format`, gravest first.
pub fn disagreements(
    bytes: &[u8],
    transfer_syntax: &str,
    format: &PixelFormat,
    frame: &Frame,
) -> Vec<Disagreement> {
    let Some((labelled, stream)) = coded(bytes, transfer_syntax, frame) else {
        return Vec::new();
    };
    let loses = !transfer_syntax::is_lossy(transfer_syntax) && stream.loses;
    let values = Values::new(frame, format, &stream);
    [
        (Disagreement::Sign, values.differ_by_sign()),
        (Disagreement::Depth, values.differ_by_depth()),
        (Disagreement::Colors, colors_differ(&stream, format, frame)),
        (Disagreement::Loss, loses),
        (
            Disagreement::Codec,
            family(labelled) != family(stream.codec),
        ),
    ]
    .into_iter()
    .filter_map(|(which, is_so)| is_so.then_some(which))
    .collect()
}

/// What a code stream says of itself.
struct Stream {
    codec: Codec,
    /// It holds rounded values.
    loses: bool,
    /// Its values have a sign; `None` where it cannot say so.
    signed: Option<bool>,
    /// Components went through a transform of JPEG 2000.
    color_transform: bool,
}

/// The codec of the label and the stream, where the frame is a code stream of the JPEG family.
fn coded(bytes: &[u8], transfer_syntax: &str, frame: &Frame) -> Option<(Codec, Stream)> {
    let labelled = transfer_syntax::codec(transfer_syntax)?;
    match labelled {
        Codec::Rle | Codec::Deflated => return None,
        // Pixels whose length is right were never looked at.
        Codec::LittleEndian | Codec::BigEndian if !is_shorter(bytes, frame) => return None,
        _ => {}
    }
    let codec = sniff::codec(bytes)?;
    let mut stream = Stream {
        codec,
        loses: false,
        signed: None,
        color_transform: false,
    };
    match codec {
        // Near: how far values may be off (T.87 C.2.3). It stands behind two bytes for each component.
        Codec::JpegLs => {
            let scan = sniff::segment(bytes, &[0xDA])?.1;
            let near = scan.get(1 + 2 * usize::from(*scan.first()?))?;
            stream.loses = *near > 0;
        }
        // SOF3 alone is the lossless process that is read here.
        Codec::Jpeg => stream.loses = sniff::start_of_frame(bytes)? != 0xC3,
        Codec::Jpeg2000 | Codec::HighThroughput => {
            let bare = sniff::bare_jpeg2000(bytes)?;
            stream.signed = Some(sniff::segment(bare, &[0x51])?.1.get(36)? & 0x80 != 0);
            let style = sniff::segment(bare, &[0x52])?.1;
            stream.color_transform = *style.get(4)? == 1;
            stream.loses = *style.get(9)? == 0;
        }
        _ => {}
    }
    Some((labelled, stream))
}

/// Native pixels of that frame would be longer: what was decoded is a code stream.
fn is_shorter(bytes: &[u8], frame: &Frame) -> bool {
    // The least that native pixels take: shared chroma, or a bit each.
    let full = frame.data.len();
    let least = [full, full / 3 * 2, full.div_ceil(8), full / 4 * 3];
    !least
        .iter()
        .any(|length| bytes.len().abs_diff(*length) <= 1)
}

/// Labels that name the same values: which block coder there is decides nothing.
fn family(codec: Codec) -> Codec {
    match codec {
        Codec::HighThroughput => Codec::Jpeg2000,
        Codec::JpegXlOfJpeg => Codec::JpegXl,
        other => other,
    }
}

fn colors_differ(stream: &Stream, format: &PixelFormat, frame: &Frame) -> bool {
    if format.samples_per_pixel != 3 {
        return false;
    }
    let transformed = matches!(
        format.photometric,
        Photometric::YbrIct | Photometric::YbrRct
    );
    match stream.codec {
        // A transform that is said or undone leaves RGB; RGB by the tag is what it leaves.
        Codec::Jpeg2000 | Codec::HighThroughput if stream.color_transform => {
            !transformed && format.photometric != Photometric::Rgb
        }
        Codec::Jpeg2000 | Codec::HighThroughput => transformed,
        // Its colours are always asked for as RGB, whatever they are kept as.
        Codec::JpegXl => false,
        _ => {
            let is_rgb = transformed || format.photometric == Photometric::Rgb;
            is_rgb != (frame.photometric == Photometric::Rgb)
        }
    }
}

/// The least and the greatest value of a frame, where they matter.
struct Values {
    range: Option<(i64, i64)>,
    signed: bool,
    stream_signed: Option<bool>,
    precision: u16,
    stored: u16,
}

impl Values {
    fn new(frame: &Frame, format: &PixelFormat, stream: &Stream) -> Self {
        let (precision, stored) = (frame.bits_stored, format.bits_stored);
        let sign_matters = stream.signed.is_some_and(|signed| signed != format.signed);
        let matters = precision != stored || sign_matters;
        Self {
            range: if matters { range(frame) } else { None },
            signed: format.signed,
            stream_signed: stream.signed,
            precision,
            stored,
        }
    }

    /// Some value has the bit set that is the sign for one side alone.
    fn differ_by_sign(&self) -> bool {
        let (Some((least, greatest)), Some(stream_signed)) = (self.range, self.stream_signed)
        else {
            return false;
        };
        if stream_signed == self.signed {
            return false;
        }
        least < 0 || greatest >= 1 << (self.precision.clamp(1, 32) - 1)
    }

    /// Some value is another one when its bits are read as Bits Stored says.
    fn differ_by_depth(&self) -> bool {
        let Some((least, greatest)) = self.range else {
            return false;
        };
        let stored = self.stored.clamp(1, 32);
        match (self.signed, self.precision > stored) {
            (true, true) => least < -(1 << (stored - 1)) || greatest >= 1 << (stored - 1),
            // The sign is the highest bit of the stream's; by Bits Stored there would be none.
            (true, false) => self.precision < stored && self.stream_signed.is_none() && least < 0,
            (false, true) => greatest >= 1 << stored,
            (false, false) => false,
        }
    }
}

/// The least and the greatest value; `None` of real numbers.
fn range(frame: &Frame) -> Option<(i64, i64)> {
    fn of<const N: usize, T: Ord + Copy + Into<i64>>(
        data: &[u8],
        read: impl Fn([u8; N]) -> T,
    ) -> Option<(i64, i64)> {
        let (samples, _) = data.as_chunks::<N>();
        let first = read(*samples.first()?);
        let (least, greatest) = samples
            .iter()
            .fold((first, first), |(least, greatest), bytes| {
                let value = read(*bytes);
                (least.min(value), greatest.max(value))
            });
        Some((least.into(), greatest.into()))
    }
    let data = &frame.data;
    match frame.sample_type {
        SampleType::U8 => of(data, u8::from_le_bytes),
        SampleType::I8 => of(data, i8::from_le_bytes),
        SampleType::U16 => of(data, u16::from_le_bytes),
        SampleType::I16 => of(data, i16::from_le_bytes),
        SampleType::U32 => of(data, u32::from_le_bytes),
        SampleType::I32 => of(data, i32::from_le_bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &str = "1.2.840.10008.1.2.4.50";
    const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
    const JPEG_LS_NEAR: &str = "1.2.840.10008.1.2.4.81";
    const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
    const JPEG_2000_LOSSY: &str = "1.2.840.10008.1.2.4.91";
    const NATIVE: &str = "1.2.840.10008.1.2.1";

    fn segment(code: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, code], &length[..], body].concat()
    }

    /// The beginning of a JPEG of one process: an application segment, a quantization table, a frame header.
    fn jpeg(process: u8) -> Vec<u8> {
        let frame = segment(process, &[8, 0, 1, 0, 2, 1, 1, 0x11, 0]);
        [
            vec![0xFF, 0xD8],
            segment(0xE0, b"JFIF\0"),
            segment(0xDB, &[0; 65]),
            frame,
        ]
        .concat()
    }

    fn jpeg_ls(near: u8) -> Vec<u8> {
        let frame = segment(0xF7, &[8, 0, 1, 0, 2, 1, 1, 0x11, 0]);
        let scan = segment(0xDA, &[1, 1, 0, near, 0, 0]);
        [vec![0xFF, 0xD8], frame, scan].concat()
    }

    /// SOC, SIZ and COD of a stream: T.800 A.5.1 and A.6.1.
    fn jpeg_2000(signed: bool, color_transform: u8, reversible: bool) -> Vec<u8> {
        let mut size = vec![0; 36];
        size[35] = 1;
        size.extend([u8::from(signed) << 7 | 11, 1, 1]);
        let style = [
            0,
            0,
            0,
            1,
            color_transform,
            5,
            4,
            4,
            0,
            u8::from(reversible),
        ];
        [
            vec![0xFF, 0x4F],
            segment(0x51, &size),
            segment(0x52, &style),
        ]
        .concat()
    }

    fn format(signed: bool, stored: u16) -> PixelFormat {
        PixelFormat {
            rows: 1,
            columns: 2,
            samples_per_pixel: 1,
            bits_allocated: 16,
            bits_stored: stored,
            high_bit: stored - 1,
            signed,
            planar: false,
            photometric: Photometric::Monochrome2,
            float: false,
        }
    }

    /// Two pixels that a decoder made of `precision` bits.
    fn frame(values: [i32; 2], precision: u16, signed: bool) -> Frame {
        Frame {
            rows: 1,
            columns: 2,
            samples_per_pixel: 1,
            sample_type: if signed {
                SampleType::I16
            } else {
                SampleType::U16
            },
            bits_stored: precision,
            photometric: Photometric::Monochrome2,
            data: values
                .iter()
                .flat_map(|value| value.to_le_bytes()[..2].to_vec())
                .collect(),
        }
    }

    #[test]
    fn a_stream_that_says_the_same_is_nothing_to_tell_of() {
        let stream = jpeg_2000(true, 0, true);
        let (format, frame) = (format(true, 12), frame([-3, 5], 12, true));
        assert!(disagreements(&stream, JPEG_2000, &format, &frame).is_empty());
    }

    #[test]
    fn a_sign_is_told_of_where_some_value_is_another_without_it() {
        for (stream, attribute, values, told) in [
            (false, true, [-3, 5], true),
            (false, true, [3, 5], false),
            (true, false, [2048, 5], true),
            (true, false, [2047, 5], false),
            (true, true, [-3, 5], false),
            (false, false, [4095, 5], false),
        ] {
            let bytes = jpeg_2000(stream, 0, true);
            let (format, frame) = (format(attribute, 12), frame(values, 12, attribute));
            let expected: &[Disagreement] = if told { &[Disagreement::Sign] } else { &[] };
            assert_eq!(disagreements(&bytes, JPEG_2000, &format, &frame), expected);
        }
    }

    #[test]
    fn a_depth_is_told_of_where_some_value_needs_the_other() {
        for (signed, precision, stored, values, told) in [
            // Twelve bits in a stream of sixteen, and a value that has more.
            (false, 16, 12, [4095, 0], false),
            (false, 16, 12, [4096, 0], true),
            (true, 16, 12, [-2048, 2047], false),
            (true, 16, 12, [-2049, 0], true),
            // Fifteen bits under a Bits Stored of sixteen: the sign lies in different bits.
            (true, 15, 16, [-1, 0], true),
            (true, 15, 16, [1, 0], false),
            (false, 12, 16, [4095, 0], false),
        ] {
            let (format, frame) = (format(signed, stored), frame(values, precision, signed));
            let expected: &[Disagreement] = if told { &[Disagreement::Depth] } else { &[] };
            let found = disagreements(&jpeg_ls(0), JPEG_LS, &format, &frame);
            assert_eq!(
                found, expected,
                "{precision} bits, {stored} stored, {values:?}"
            );
        }
    }

    #[test]
    fn loss_under_a_label_that_promises_none_is_told_of() {
        let (format, frame) = (format(false, 12), frame([1, 2], 12, false));
        for (bytes, label, told) in [
            (jpeg(0xC1), JPEG_LOSSLESS, true),
            (jpeg(0xC3), JPEG_LOSSLESS, false),
            (jpeg(0xC1), JPEG, false),
            (jpeg(0xC1), NATIVE, true),
            (jpeg_ls(2), JPEG_LS, true),
            (jpeg_ls(2), JPEG_LS_NEAR, false),
            (jpeg_ls(0), JPEG_LS, false),
            (jpeg_2000(false, 0, false), JPEG_2000, true),
            (jpeg_2000(false, 0, false), JPEG_2000_LOSSY, false),
            (jpeg_2000(false, 0, true), JPEG_2000, false),
        ] {
            let found = disagreements(&bytes, label, &format, &frame);
            assert_eq!(found.contains(&Disagreement::Loss), told, "{label}");
        }
    }

    #[test]
    fn another_codec_than_the_label_names_is_told_of() {
        let (format, frame) = (format(false, 12), frame([1, 2], 12, false));
        for (label, told) in [
            (JPEG_LS, false),
            (JPEG_2000, true),
            (NATIVE, true),
            ("1.2.3", false),
        ] {
            let found = disagreements(&jpeg_ls(0), label, &format, &frame);
            assert_eq!(found.contains(&Disagreement::Codec), told, "{label}");
        }
    }

    #[test]
    fn pixels_that_begin_like_a_code_stream_are_pixels() {
        let (format, mut frame) = (format(false, 16), frame([1, 2], 16, false));
        frame.data = jpeg(0xC1);
        let bytes = frame.data.clone();
        assert!(disagreements(&bytes, NATIVE, &format, &frame).is_empty());
    }

    #[test]
    fn colours_are_told_of_where_tag_and_stream_name_others() {
        use Photometric::{Rgb, YbrFull, YbrFull422, YbrIct, YbrRct};
        let of = |bytes: &[u8], label, tag, decoded| {
            let mut format = format(false, 8);
            (format.samples_per_pixel, format.photometric) = (3, tag);
            let mut frame = frame([1, 2], 8, false);
            frame.photometric = decoded;
            disagreements(bytes, label, &format, &frame).contains(&Disagreement::Colors)
        };
        assert!(of(&jpeg(0xC0), JPEG, Rgb, YbrFull));
        assert!(of(&jpeg(0xC0), JPEG, YbrFull422, Rgb));
        assert!(!of(&jpeg(0xC0), JPEG, YbrFull422, YbrFull));
        assert!(!of(&jpeg(0xC0), JPEG, Rgb, Rgb));
        let transformed = jpeg_2000(false, 1, true);
        let plain = jpeg_2000(false, 0, true);
        assert!(!of(&transformed, JPEG_2000, YbrRct, Rgb));
        assert!(!of(&transformed, JPEG_2000, Rgb, Rgb));
        assert!(of(&transformed, JPEG_2000, YbrFull, Rgb));
        assert!(of(&plain, JPEG_2000, YbrIct, Rgb));
        assert!(!of(&plain, JPEG_2000, YbrFull, YbrFull));
    }
}
