//! Objects of many frames or of many pixels, written row by row: they are never in memory as a whole.

use super::Draft;
use super::chain::{DX, MULTI_FRAME_WORD};
use super::part10::{Form, Syntax};
use dicom_dictionary_std::tags;
use std::io::{self, Write};

/// What a large object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Large {
    /// Columns, rows, frames.
    pub size: [u32; 3],
    /// Bits Stored, up to 16.
    pub bits: u16,
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID.
    pub sop_instance_uid: String,
}

/// The stored value of a pixel; column, row and frame from 0. Values differ along each of the three.
pub fn large_value([column, row, frame]: [u32; 3], bits: u16) -> u16 {
    let sum = u64::from(column) * 7 + u64::from(row) * 11 + u64::from(frame) * 13;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a remainder of at most 2^16"
    )]
    let value = (sum % (1 << bits.min(16))) as u16;
    value
}

/// Writes a Part 10 file of `[columns, rows, frames]` whose window is the whole range of its bits: a DX of one
/// frame, a secondary capture of several.
///
/// # Errors
/// It cannot be written, or has more than 4 GiB of pixels.
pub fn write_large(
    seed: u64,
    size: [u32; 3],
    bits: u16,
    out: &mut impl Write,
) -> io::Result<Large> {
    let [columns, rows, frames] = size;
    let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "too large for one object");
    let edge = |edge: u32| u16::try_from(edge).map_err(|_| too_large());
    let pixels = u64::from(columns) * u64::from(rows) * u64::from(frames);
    let length = u32::try_from(pixels * 2).map_err(|_| too_large())?;
    let form = Form {
        frames: frames as usize,
        ..Form::grey(edge(columns)?, edge(rows)?, bits)
    };
    let name = format!("large-{columns}-{rows}-{frames}");
    let (modality, class) = if frames == 1 {
        ("DX", DX)
    } else {
        ("OT", MULTI_FRAME_WORD)
    };
    let mut draft = Draft::new(seed, &name, modality, class);
    let range = 1_u32 << bits.min(16);
    draft.window(&(range / 2).to_string(), &range.to_string());
    if frames > 1 {
        draft.set.text(tags::FRAME_TIME, "DS", "40");
        draft
            .set
            .at(tags::FRAME_INCREMENT_POINTER, &[tags::FRAME_TIME]);
    }
    draft.set.describe(&form, 16);
    out.write_all(&draft.set.file(Syntax::ExplicitLittle))?;
    // Pixel Data is the last element of the data set (PS3.5 7.1.2): tag, VR, two bytes unused, length.
    out.write_all(&[0xe0, 0x7f, 0x10, 0x00, b'O', b'W', 0, 0])?;
    out.write_all(&length.to_le_bytes())?;
    let mut line = Vec::new();
    for frame in 0..frames {
        for row in 0..rows {
            line.clear();
            line.extend((0..columns).flat_map(|column| {
                let value = large_value([column, row, frame], bits);
                value.to_le_bytes()
            }));
            out.write_all(&line)?;
        }
    }
    Ok(Large {
        size,
        bits,
        study_uid: draft.study_uid,
        series_uid: draft.series_uid,
        sop_instance_uid: draft.sop_instance_uid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_follow_the_data_set_row_by_row() {
        let mut file = Vec::new();
        let large = write_large(1, [3, 2, 2], 12, &mut file).expect("memory takes everything");
        let object = dicom_object::from_reader(&file[..]).expect("a file");
        let pixels = object.element(tags::PIXEL_DATA).expect("present");
        let values = pixels.to_multi_int::<u16>().expect("words");
        // 7 a column, 11 a row, 13 a frame.
        assert_eq!(values, [0, 7, 14, 11, 18, 25, 13, 20, 27, 24, 31, 38]);
        let frames = object.element(tags::NUMBER_OF_FRAMES).expect("present");
        assert_eq!(frames.to_int::<u32>().expect("a number"), 2);
        assert_eq!(large.size, [3, 2, 2]);
    }
}
