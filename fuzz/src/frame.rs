//! Bytes that become a frame of some shape, and what every answer has to keep.
//!
//! The bytes of a target for a decoder are [`SHAPE_BYTES`] bytes of attributes and the frame as a file holds it. Where the
//! stream names its own size and number of components, the attributes take them from there, as else nearly every change
//! of a size would only prove that both are compared.

use viewer_core::decode::{Limits, decode_frame, work};
use viewer_core::pixel::{Photometric, PixelFormat};

/// Bytes of attributes before the frame: rows, columns (little endian), depth, flags.
pub const SHAPE_BYTES: usize = 6;

/// Small enough that a frame is cheap, so that what costs more than its frame stands out.
pub const LIMITS: Limits = Limits {
    frame_bytes: 4 << 20,
    edge: 65_535,
};

/// Units of work that each byte and sample may cost; and what tables and empty levels may cost besides.
const UNITS_EACH: u64 = 64;
const FEW_UNITS: u64 = 1 << 20;

/// Bits Allocated, Bits Stored and High Bit of what the fifth byte selects; floats have no Bits Stored of their own.
const DEPTHS: [(u16, u16, u16, bool); 16] = [
    (8, 8, 7, false),
    (16, 16, 15, false),
    (16, 12, 11, false),
    (16, 10, 9, false),
    (16, 12, 15, false),
    (8, 6, 5, false),
    (1, 1, 0, false),
    (32, 32, 31, false),
    (32, 24, 27, false),
    (32, 32, 31, true),
    (64, 64, 63, true),
    (16, 1, 0, false),
    (8, 9, 8, false),
    (64, 64, 63, false),
    (16, 16, 0, false),
    (0, 0, 0, false),
];

/// Decodes the frame behind the attributes and checks what comes out.
pub fn decode(bytes: &[u8], transfer_syntax: &str) {
    let Some((&shape, stream)) = bytes.split_first_chunk::<SHAPE_BYTES>() else {
        return;
    };
    let format = format(shape, stream);
    work::taken();
    match decode_frame(stream, transfer_syntax, &format, &LIMITS) {
        Ok(frame) => {
            assert_eq!((frame.rows, frame.columns), (format.rows, format.columns));
            assert_eq!(frame.samples_per_pixel, format.samples_per_pixel);
            assert_eq!(frame.data.len(), frame.expected_bytes());
            assert!(frame.data.len() <= LIMITS.frame_bytes);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // No frame has more than the limit.
    let samples = u64::from(format.rows)
        .saturating_mul(format.columns.into())
        .saturating_mul(format.samples_per_pixel.into())
        .min(LIMITS.frame_bytes as u64);
    let most = FEW_UNITS + UNITS_EACH * (stream.len() as u64 + samples);
    let units = work::taken().unwrap_or_default();
    assert!(units <= most, "{units} units of work, {most} at most");
}

/// True where the flags ask for the second transfer syntax of a target.
pub fn is_second(bytes: &[u8]) -> bool {
    bytes
        .get(SHAPE_BYTES - 1)
        .is_some_and(|flags| flags & 32 != 0)
}

/// The attributes that the shape bytes name. Flags: 1 signed, 2 planar, 4 colour, 8 YBR or a palette, 16 the size of these
/// bytes whatever the stream says.
fn format([r0, r1, c0, c1, depth, flags]: [u8; SHAPE_BYTES], stream: &[u8]) -> PixelFormat {
    let own = (
        u32::from(u16::from_le_bytes([r0, r1])),
        u32::from(u16::from_le_bytes([c0, c1])),
        if flags & 4 == 0 { 1 } else { 3 },
    );
    let of_stream = jpeg_size(stream).or_else(|| jpeg2000_size(stream));
    let (rows, columns, samples_per_pixel) = match of_stream {
        // Zero rows leave it to the attributes.
        Some((0, columns, samples)) if flags & 16 == 0 => (own.0, columns, samples),
        Some(size) if flags & 16 == 0 => size,
        _ => own,
    };
    let (bits_allocated, bits_stored, high_bit, float) = DEPTHS[usize::from(depth) % DEPTHS.len()];
    let photometric = match (samples_per_pixel, flags & 8 == 0) {
        (1, true) => Photometric::Monochrome2,
        (1, false) => Photometric::PaletteColor,
        (_, true) => Photometric::Rgb,
        (_, false) => Photometric::YbrFull422,
    };
    PixelFormat {
        rows,
        columns,
        samples_per_pixel,
        bits_allocated,
        bits_stored,
        high_bit,
        signed: flags & 1 != 0,
        float,
        planar: flags & 2 != 0,
        photometric,
    }
}

type Size = (u32, u32, u16);

/// Rows, columns and components of the first frame header of JPEG or JPEG-LS.
fn jpeg_size(stream: &[u8]) -> Option<Size> {
    let mut at = 2;
    loop {
        let &[0xFF, code, high, low] = stream.get(at..at + 4)? else {
            return None;
        };
        let is_frame = matches!(code, 0xC0..=0xC3 | 0xF7);
        if let (true, Some(&[_, y1, y0, x1, x0, count])) = (is_frame, stream.get(at + 4..at + 10)) {
            return Some((
                u16::from_be_bytes([y1, y0]).into(),
                u16::from_be_bytes([x1, x0]).into(),
                count.into(),
            ));
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}

/// Rows, columns and components of the SIZ segment of JPEG 2000.
fn jpeg2000_size(stream: &[u8]) -> Option<Size> {
    const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
    let head = stream.get(..stream.len().min(256))?;
    let start = head
        .windows(START.len())
        .position(|window| window == START)?;
    let body = stream.get(start + 6..)?;
    let word = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let components = u16::from_be_bytes(body.get(34..36)?.try_into().ok()?);
    Some((
        word(6)?.checked_sub(word(14)?)?,
        word(2)?.checked_sub(word(10)?)?,
        components,
    ))
}
