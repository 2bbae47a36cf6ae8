//! Whether pictures of H.264 are whole frames: two fields that are coded apart are two pictures of one frame.
//!
//! Source: ITU-T H.264 sections 7.3.2.1.1 (sequence parameter set) and 7.3.3 (slice header).

use super::bytes::Bits;

/// What of a sequence parameter set tells where a slice header says that it is a field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Three colour planes are coded apart.
    has_separate_planes: bool,
    /// Bits of frame_num.
    frame_bits: u32,
    /// No picture is a field.
    is_frames_only: bool,
}

/// Profiles whose parameter sets say their chroma format.
const HIGH: [u32; 12] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134];

impl Sequence {
    /// Reads a sequence parameter set with its header; `None` where it makes no sense.
    pub(super) fn read(nal: &[u8]) -> Option<Self> {
        let mut bits = Bits::of_nal(nal, 1);
        let profile = bits.take(8)?;
        bits.take(16)?;
        bits.golomb()?;
        let mut has_separate_planes = false;
        if HIGH.contains(&profile) {
            let chroma = bits.golomb()?;
            if chroma == 3 {
                has_separate_planes = bits.bit()?;
            }
            // Depths of luma and chroma, and a lossless transform.
            bits.golomb()?;
            bits.golomb()?;
            bits.bit()?;
            if bits.bit()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.bit()? {
                        skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_bits = bits.golomb()?.checked_add(4).filter(|bits| *bits <= 16)?;
        match bits.golomb()? {
            0 => {
                bits.golomb()?;
            }
            1 => {
                bits.bit()?;
                bits.signed_golomb()?;
                bits.signed_golomb()?;
                for _ in 0..bits.golomb()?.min(255) {
                    bits.signed_golomb()?;
                }
            }
            _ => {}
        }
        // Reference frames, gaps, width and height.
        bits.golomb()?;
        bits.bit()?;
        bits.golomb()?;
        bits.golomb()?;
        Some(Self {
            has_separate_planes,
            frame_bits,
            is_frames_only: bits.bit()?,
        })
    }

    /// True for a slice that is of one field only.
    pub(super) fn is_field(self, slice: &[u8]) -> Option<bool> {
        if self.is_frames_only {
            return Some(false);
        }
        let mut bits = Bits::of_nal(slice, 1);
        // Place, kind, and parameter set.
        bits.golomb()?;
        bits.golomb()?;
        bits.golomb()?;
        if self.has_separate_planes {
            bits.take(2)?;
        }
        bits.take(self.frame_bits)?;
        bits.bit()
    }
}

/// Section 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits, size: usize) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed_golomb()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits as text into bytes, filled up with zeros.
    fn nal(header: u8, bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').collect();
        let byte = |chunk: &[u8]| {
            (0..8).fold(0, |byte, at| {
                byte << 1 | u8::from(chunk.get(at) == Some(&b'1'))
            })
        };
        std::iter::once(header)
            .chain(bits.chunks(8).map(byte))
            .collect()
    }

    /// Baseline: profile 66, level 30, set 0, frame_num of 4 bits, order type 2, one reference, no gaps, 8 x 6 macroblocks.
    fn sequence(is_frames_only: &str) -> Vec<u8> {
        let bits = format!(
            "01000010 00000000 00011110 1 1 011 010 0 0001000 00110 {is_frames_only} 1 0 0 1"
        );
        nal(0x67, &bits)
    }

    #[test]
    fn a_field_is_told_from_a_frame() {
        let fields = Sequence::read(&sequence("0 0")).unwrap();
        // First macroblock 0, slice type 7, set 0, frame_num 0000, then the flag.
        assert_eq!(
            fields.is_field(&nal(0x65, "1 0001000 1 0000 1 0")),
            Some(true)
        );
        assert_eq!(
            fields.is_field(&nal(0x65, "1 0001000 1 0000 0 1")),
            Some(false)
        );
        let frames = Sequence::read(&sequence("1")).unwrap();
        assert_eq!(
            frames.is_field(&nal(0x65, "1 0001000 1 0000 1 0")),
            Some(false)
        );
    }

    #[test]
    fn a_parameter_set_that_ends_early_is_none() {
        let whole = sequence("1");
        for end in 0..6 {
            assert_eq!(Sequence::read(&whole[..end]), None, "{end}");
        }
    }
}
