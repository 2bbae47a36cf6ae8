//! Siemens mosaics: all slices of a volume side by side in one image.
//!
//! The true places of the slices are those of the lattice; the file says them as a scanner does: the corner of an image
//! as large as the whole mosaic about the first slice's middle, and the direction of the slices in a private header.

use super::lattice::Lattice;
use super::series::{Draft, Kind, Part, Volume, even};
use super::{CENTER, MOSAIC_ACROSS};
use crate::PhantomError;
use crate::dicom::{Encoding, Pixels, Plane, Samples};
use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use glam::{DMat3, DVec3};

/// Columns and rows of a slice.
const TILE: [usize; 2] = [48, 40];
/// Slices: four places of the square stay empty.
const COUNT: usize = 21;
const SPACING_MM: [f64; 2] = [1.1, 1.3];
const STEP_MM: f64 = 2.4;

/// Two oblique mosaics of 21 slices, of b-values 0 and 1000, the second's values 100 higher; slices follow each other
/// against row x column.
///
/// # Errors
/// [`PhantomError::Encode`] when a data set cannot be encoded.
pub fn mosaic(seed: u64) -> Result<Volume, PhantomError> {
    mosaics(seed, "mosaic", "V0000050", true)
}

/// The same without the header: nothing says in which direction the slices follow each other.
///
/// # Errors
/// As [`mosaic`].
pub fn mosaic_without_header(seed: u64) -> Result<Volume, PhantomError> {
    mosaics(seed, "mosaic-without-header", "V0000051", false)
}

fn mosaics(
    seed: u64,
    name: &'static str,
    accession: &'static str,
    has_header: bool,
) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, name, accession, Kind::Mr);
    let turned = DMat3::from_rotation_z(20_f64.to_radians())
        * DMat3::from_rotation_x(-30_f64.to_radians())
        * DMat3::from_rotation_y(10_f64.to_radians());
    let axes = [turned.x_axis, turned.y_axis, turned.z_axis];
    for (index, b_value) in [0, 1000].into_iter().enumerate() {
        let lattice = Lattice::new(TILE, SPACING_MM, axes, CENTER, &even(COUNT, STEP_MM));
        let mut part = draft.part(lattice, 100.0 * index as f64);
        let number = index + 1;
        let file = file(&draft, &part, number, b_value, has_header)?;
        draft.put(number, file);
        part.frames = vec![(draft.place.instance_uid(number), 1); COUNT];
        draft.put_part(part);
    }
    Ok(draft.finish())
}

fn file(
    draft: &Draft,
    part: &Part,
    number: usize,
    b_value: usize,
    has_header: bool,
) -> Result<Vec<u8>, PhantomError> {
    let lattice = &part.lattice;
    let [row, column] = [lattice.row, lattice.column].map(DVec3::from_array);
    // The first tile is the last slice along row x column, and the next one lies before it.
    let first = DVec3::from_array(lattice.origins_mm[COUNT - 1]);
    let more = (MOSAIC_ACROSS - 1) as f64 / 2.0;
    let [columns, rows] = TILE.map(|count| count as f64 * more);
    let position = first - row * (columns * SPACING_MM[0]) - column * (rows * SPACING_MM[1]);
    let mut set = draft.place.dataset(
        Kind::Mr.sop_class(),
        number,
        "ORIGINAL\\PRIMARY\\DIFFUSION\\NONE\\ND\\MOSAIC",
    );
    let ([rx, ry, rz], [cx, cy, cz]) = (lattice.row, lattice.column);
    let plane = Plane {
        position_mm: position.to_array(),
        orientation: [rx, ry, rz, cx, cy, cz],
        row_spacing_mm: SPACING_MM[1],
        column_spacing_mm: SPACING_MM[0],
        thickness_mm: 2.0,
    };
    draft.place.plane(&mut set, &plane);
    set.decimals(tags::SPACING_BETWEEN_SLICES, &[STEP_MM]);
    set.decimals(tags::RESCALE_SLOPE, &[part.rescale[0].slope]);
    set.decimals(tags::RESCALE_INTERCEPT, &[part.rescale[0].intercept]);
    draft.describe(&mut set, part);
    let creator = |group, block| Tag(group, block);
    set.text(creator(0x0019, 0x10), VR::LO, "SIEMENS MR HEADER");
    set.short(Tag(0x0019, 0x100A), COUNT as u16);
    set.integer(Tag(0x0019, 0x100C), b_value);
    // The header's block is the second of its group, as another maker may have the first.
    set.text(creator(0x0029, 0x10), VR::LO, "SOMEBODY ELSE");
    set.text(creator(0x0029, 0x11), VR::LO, "SIEMENS CSA HEADER");
    if has_header {
        let normal = (-row.cross(column)).to_array().map(|c| format!("{c:.8}"));
        let bytes = PrimitiveValue::from(header(&normal));
        set.value(Tag(0x0029, 0x1110), VR::OB, bytes);
    }
    set.into_file(&pixels(part), Encoding::ExplicitLittle)
}

/// Tiles row by row from the top left, the places behind the last one empty.
fn pixels(part: &Part) -> Pixels {
    let [columns, rows] = TILE;
    let width = columns * MOSAIC_ACROSS;
    let mut words = vec![0; width * rows * MOSAIC_ACROSS];
    for tile in 0..COUNT {
        let slice = part.slice_pixels(COUNT - 1 - tile);
        let (down, across) = (tile / MOSAIC_ACROSS, tile % MOSAIC_ACROSS);
        for (row, cells) in slice.chunks(columns).enumerate() {
            let at = (down * rows + row) * width + across * columns;
            words[at..at + columns].copy_from_slice(cells);
        }
    }
    Pixels {
        photometric: "MONOCHROME2",
        rows: (rows * MOSAIC_ACROSS) as u16,
        columns: width as u16,
        samples_per_pixel: 1,
        bits_stored: 16,
        signed: false,
        frames: 1,
        samples: Samples::Words(words),
    }
}

/// A CSA header with what else stands in one, so that it is too long to stand in metadata.
fn header(normal: &[String; 3]) -> Vec<u8> {
    let normal: Vec<&str> = normal.iter().map(String::as_str).collect();
    let count = format!("{COUNT:<8}");
    let elements: [(&str, &[&str]); 6] = [
        ("EchoLinePosition", &["20      "]),
        ("ProtocolSliceNumber", &["0       "]),
        ("NumberOfImagesInMosaic", &[&count]),
        ("ImageOrientationPatient", &[]),
        ("SliceNormalVector", &normal),
        ("RealDwellTime", &["3400    "]),
    ];
    let mut bytes = b"SV10\x04\x03\x02\x01".to_vec();
    let number = |bytes: &mut Vec<u8>, number: usize| {
        bytes.extend((number as u32).to_le_bytes());
    };
    number(&mut bytes, elements.len());
    number(&mut bytes, 77);
    for (name, values) in elements {
        let start = bytes.len();
        bytes.extend(name.bytes());
        bytes.resize(start + 64, 0);
        number(&mut bytes, values.len());
        bytes.extend(b"FD\0\0");
        for value in [4, 6, 77] {
            number(&mut bytes, value);
        }
        for item in 0..6 {
            let text = values.get(item).map_or(String::new(), |v| format!("{v}\0"));
            for value in [text.len(), text.len(), 77, text.len()] {
                number(&mut bytes, value);
            }
            bytes.extend(text.bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
    }
    bytes.resize(bytes.len() + 4, 0);
    bytes
}
