//! A very small study in memory, one file for each way of storing pixels, for fast tests.
//!
//! All pictures but the CT slices show [`pattern`], so a test knows every pixel.

use crate::PhantomError;
use crate::ct::Anatomy;
use crate::dicom::{Dataset, Encoding, Patient, Pixels, Place, Samples, Series, Study};
use crate::scan::{Kernel, Scan};
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use std::sync::Arc;

/// Secondary Capture Image Storage.
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Multi-frame Grayscale Word Secondary Capture Image Storage.
const MULTI_FRAME_WORD: &str = "1.2.840.10008.5.1.4.1.1.7.3";
/// Rows and columns of the pictures that show [`pattern`].
pub const PATTERN_SIDE: u16 = 32;

const STUDY: Study = Study {
    patient: Patient {
        name: "Tiny^Théo",
        id: "EX-SMALL",
        birth_date: "19900229",
        sex: "O",
    },
    accession: "A0000001",
    date: "20260601",
    time: "080000",
    description: "Small study for tests",
};

/// The stored value at a pixel of `frame` (0-based) in the small pictures, before it is cut to the bits stored.
///
/// Rises by 16 from column to column and by 3 from row to row, by 100 from frame to frame.
pub fn pattern(frame: usize, row: usize, column: usize) -> u16 {
    (column * 16 + row * 3 + frame * 100) as u16
}

/// Files by name: five CT slices of 64 x 64 (`ct/1.dcm` from head to foot ... `ct/5.dcm`), and single pictures named
/// for how they are stored.
///
/// - `rgb.dcm`: 8 bits, red = pattern / 4, green = row * 8, blue = column * 8
/// - `monochrome1.dcm`, `implicit.dcm`, `big-endian.dcm`, `deflated.dcm`, `rle.dcm`: pattern in 12 of 16 bits
/// - `signed.dcm`: pattern - 300 in 16 bits
/// - `eight-bit.dcm`, `big-endian-8.dcm`: pattern / 4
/// - `multi-frame.dcm` and `rle-multi-frame.dcm`: 3 frames of the pattern; `rle-rgb.dcm`: as `rgb.dcm`
///
/// # Errors
/// [`PhantomError::Encode`] when a data set cannot be encoded.
pub fn small(seed: u64) -> Result<Vec<(String, Vec<u8>)>, PhantomError> {
    let series = |modality, number, description| Series {
        modality,
        number,
        description,
        body_part: "CHEST",
        model: "Phantom",
    };
    let scan = Scan {
        place: Place {
            seed,
            study: STUDY,
            series: series("CT", 1, "Small CT"),
        },
        anatomy: Arc::new(Anatomy::new(seed)),
        kernel: Kernel::Soft,
        side: 64,
        spacing_mm: 6.0,
        top_mm: 60.0,
        step_mm: 5.0,
        slices: 5,
        contrast: None,
    };
    let mut files = Vec::new();
    for index in 0..scan.slices {
        files.push((
            format!("ct/{}.dcm", index + 1),
            scan.file(index, Encoding::ExplicitLittle)?,
        ));
    }
    let word = |photometric, shift: u16, signed, frames| Pixels {
        photometric,
        rows: PATTERN_SIDE,
        columns: PATTERN_SIDE,
        samples_per_pixel: 1,
        bits_stored: if signed { 16 } else { 12 },
        signed,
        frames,
        samples: Samples::Words(
            pixels(frames)
                .map(|(f, r, c)| pattern(f, r, c).wrapping_sub(shift))
                .collect(),
        ),
    };
    let grey = Pixels {
        bits_stored: 8,
        samples: Samples::Bytes(
            pixels(1)
                .map(|(f, r, c)| (pattern(f, r, c) / 4) as u8)
                .collect(),
        ),
        ..word("MONOCHROME2", 0, false, 1)
    };
    let rgb = Pixels {
        photometric: "RGB",
        samples_per_pixel: 3,
        bits_stored: 8,
        samples: Samples::Bytes(
            pixels(1)
                .flat_map(|(f, r, c)| [(pattern(f, r, c) / 4) as u8, (r * 8) as u8, (c * 8) as u8])
                .collect(),
        ),
        ..word("MONOCHROME2", 0, false, 1)
    };
    let plain = word("MONOCHROME2", 0, false, 1);
    let pictures = [
        ("rgb", rgb.clone(), Encoding::ExplicitLittle),
        (
            "monochrome1",
            word("MONOCHROME1", 0, false, 1),
            Encoding::ExplicitLittle,
        ),
        (
            "signed",
            word("MONOCHROME2", 300, true, 1),
            Encoding::ExplicitLittle,
        ),
        ("eight-bit", grey.clone(), Encoding::ExplicitLittle),
        ("implicit", plain.clone(), Encoding::ImplicitLittle),
        ("big-endian", plain.clone(), Encoding::ExplicitBig),
        ("big-endian-8", grey, Encoding::ExplicitBig),
        ("deflated", plain.clone(), Encoding::Deflated),
        ("rle", plain, Encoding::Rle),
        ("rle-rgb", rgb, Encoding::Rle),
        (
            "multi-frame",
            word("MONOCHROME2", 0, false, 3),
            Encoding::ExplicitLittle,
        ),
        (
            "rle-multi-frame",
            word("MONOCHROME2", 0, false, 3),
            Encoding::Rle,
        ),
    ];
    for (index, (name, pixels, encoding)) in pictures.into_iter().enumerate() {
        let place = Place {
            seed,
            study: STUDY,
            series: series("OT", index + 2, name),
        };
        files.push((
            format!("{name}.dcm"),
            capture(&place, &pixels).into_file(&pixels, encoding)?,
        ));
    }
    Ok(files)
}

/// Frame, row and column of every pixel, in the order of storage.
fn pixels(frames: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let side = usize::from(PATTERN_SIDE);
    (0..frames * side * side)
        .map(move |index| (index / side / side, index / side % side, index % side))
}

/// A secondary capture without its pixels.
pub(crate) fn capture(place: &Place, pixels: &Pixels) -> Dataset {
    let many = pixels.frames > 1;
    let class = if many {
        MULTI_FRAME_WORD
    } else {
        SECONDARY_CAPTURE
    };
    let mut set = place.dataset(class, 1, "DERIVED\\SECONDARY");
    set.text(tags::CONVERSION_TYPE, VR::CS, "SYN");
    set.text(tags::PATIENT_ORIENTATION, VR::CS, "");
    if pixels.samples_per_pixel == 1 {
        set.text(tags::RESCALE_INTERCEPT, VR::DS, "0");
        set.text(tags::RESCALE_SLOPE, VR::DS, "1");
        set.text(tags::RESCALE_TYPE, VR::LO, "US");
        let inverse = pixels.photometric == "MONOCHROME1";
        set.text(
            tags::PRESENTATION_LUT_SHAPE,
            VR::CS,
            if inverse { "INVERSE" } else { "IDENTITY" },
        );
    }
    if many {
        set.text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        set.text(tags::FRAME_TIME, VR::DS, "100");
        set.value(
            tags::FRAME_INCREMENT_POINTER,
            VR::AT,
            PrimitiveValue::from(tags::FRAME_TIME),
        );
    }
    set
}
