//! DICOM files for decoder tests: attributes and frames, read by dicom-object.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test crate uses a part of it"
)]

pub mod metadata;
pub mod mosaic;
pub mod streams;

use std::path::{Path, PathBuf};

use dicom_core::value::{PrimitiveValue, Value};
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, OpenFileOptions, file::ReadPreamble};
use viewer_core::decode::{Limits, native};
use viewer_core::pixel::{Photometric, PixelFormat};

/// The folder of real files beside the workspace; `None`, and a line on the screen, where it is absent.
pub fn shared_data() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let folder = workspace.parent()?.join("shared/data");
    if folder.join("reference.json").is_file() {
        return Some(folder);
    }
    println!("not run: ../shared/data is not here");
    None
}

/// What a decoder needs of one file.
pub struct File {
    pub object: DefaultDicomObject,
    pub transfer_syntax: String,
    pub format: PixelFormat,
    /// Each frame as it stands in the file.
    pub frames: Vec<Vec<u8>>,
}

/// Reads a file; the error says in words what dicom-object or this reader could not do.
pub fn read(path: &Path) -> Result<File, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut bytes = plain_meta(&bytes).unwrap_or(bytes);
    let unknown = rename_retired_syntax(&mut bytes);
    let object = OpenFileOptions::new()
        .read_preamble(ReadPreamble::Always)
        .from_reader(bytes.as_slice())
        .map_err(|error| error.to_string())?;
    let transfer_syntax = unknown.unwrap_or(object.meta().transfer_syntax());
    let transfer_syntax = transfer_syntax.trim_end_matches(['\0', ' ']).to_owned();
    let format = format(&object)?;
    let frames = frames(&object, &transfer_syntax, &format)?;
    Ok(File {
        object,
        transfer_syntax,
        format,
        frames,
    })
}

/// Labels a file of a retired JPEG process as JPEG Extended, for dicom-object does not know the others;
/// what the label was.
fn rename_retired_syntax(file: &mut [u8]) -> Option<&'static str> {
    let end = file.len().min(1024);
    for known in ["1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55"] {
        let head = &mut file[..end];
        let label = known.as_bytes();
        if let Some(place) = head.windows(label.len()).position(|window| window == label) {
            head[place + label.len() - 1] = b'1';
            return Some(known);
        }
    }
    None
}

/// The file with a file meta group that ends with the Implementation Class UID.
///
/// dicom-object refuses a file for an application title of more than 16 bytes behind it.
fn plain_meta(file: &[u8]) -> Option<Vec<u8>> {
    let group_length = file
        .get(140..144)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)? as usize;
    let group = file.get(144..144 + group_length)?;
    let mut end = 0;
    while let Some(&[2, 0, element, 0, first, second, low, high]) = group.get(end..end + 8) {
        if element > 0x12 {
            break;
        }
        let short = 8 + usize::from(u16::from_le_bytes([low, high]));
        end += if [first, second] == *b"OB" {
            12 + u32::from_le_bytes(group.get(end + 8..end + 12)?.try_into().ok()?) as usize
        } else {
            short
        };
    }
    let length = (end as u32).to_le_bytes();
    Some(
        [
            &file[..140],
            &length,
            group.get(..end)?,
            &file[144 + group_length..],
        ]
        .concat(),
    )
}

fn format(object: &DefaultDicomObject) -> Result<PixelFormat, String> {
    let number = |tag| -> Option<u16> { object.get(tag)?.to_int().ok() };
    let needed = |tag, name: &str| number(tag).ok_or_else(|| format!("no {name}"));
    let bits_allocated = needed(tags::BITS_ALLOCATED, "bits allocated")?;
    let bits_stored = number(tags::BITS_STORED).unwrap_or(bits_allocated);
    let photometric = object
        .get(tags::PHOTOMETRIC_INTERPRETATION)
        .and_then(|element| Photometric::parse(&element.to_str().ok()?))
        .ok_or("no photometric interpretation")?;
    Ok(PixelFormat {
        rows: needed(tags::ROWS, "rows")?.into(),
        columns: needed(tags::COLUMNS, "columns")?.into(),
        samples_per_pixel: number(tags::SAMPLES_PER_PIXEL).unwrap_or(1),
        bits_allocated,
        bits_stored,
        high_bit: number(tags::HIGH_BIT).unwrap_or(bits_stored - 1),
        signed: number(tags::PIXEL_REPRESENTATION) == Some(1),
        float: object.get(tags::PIXEL_DATA).is_none(),
        planar: number(tags::PLANAR_CONFIGURATION) == Some(1),
        photometric,
    })
}

fn frames(
    object: &DefaultDicomObject,
    transfer_syntax: &str,
    format: &PixelFormat,
) -> Result<Vec<Vec<u8>>, String> {
    let count: usize = object
        .get(tags::NUMBER_OF_FRAMES)
        .and_then(|e| e.to_int().ok())
        .unwrap_or(1)
        .max(1);
    let element = [
        tags::PIXEL_DATA,
        tags::FLOAT_PIXEL_DATA,
        tags::DOUBLE_FLOAT_PIXEL_DATA,
    ]
    .into_iter()
    .find_map(|tag| object.get(tag))
    .ok_or("no pixel data")?;
    match element.value() {
        Value::PixelSequence(sequence) => {
            join(sequence.offset_table(), sequence.fragments(), count)
        }
        Value::Primitive(value) => {
            let bytes = file_bytes(value, transfer_syntax == "1.2.840.10008.1.2.2");
            (0..count)
                .map(|index| native::frame_of(&bytes, index, format, &Limits::default()))
                .map(|frame| {
                    frame
                        .map(std::borrow::Cow::into_owned)
                        .map_err(|e| e.to_string())
                })
                .collect()
        }
        Value::Sequence(_) => Err("pixel data is a sequence".to_owned()),
    }
}

/// The bytes of a value as they stand in the file.
fn file_bytes(value: &PrimitiveValue, big_endian: bool) -> Vec<u8> {
    match (value, big_endian) {
        (PrimitiveValue::U16(words), true) => words.iter().flat_map(|w| w.to_be_bytes()).collect(),
        (PrimitiveValue::U16(words), false) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        (other, _) => other.to_bytes().into_owned(),
    }
}

/// Fragments to frames: one each, all for one, or cut by the basic offset table (PS3.5 A.4).
fn join(offsets: &[u32], fragments: &[Vec<u8>], count: usize) -> Result<Vec<Vec<u8>>, String> {
    if count == 1 {
        return Ok(vec![fragments.concat()]);
    }
    if fragments.len() == count {
        return Ok(fragments.to_vec());
    }
    if offsets.len() != count {
        return by_markers(fragments, count).ok_or("fragments without an offset table".to_owned());
    }
    let mut frames = vec![Vec::new(); count];
    let mut position = 0;
    for fragment in fragments {
        let frame = offsets
            .iter()
            .rposition(|offset| *offset as usize <= position);
        frames[frame.ok_or("an offset table that begins late")?].extend_from_slice(fragment);
        position += 8 + fragment.len();
    }
    Ok(frames)
}

/// Without an offset table a fragment that begins like a JPEG stream begins a frame.
fn by_markers(fragments: &[Vec<u8>], count: usize) -> Option<Vec<Vec<u8>>> {
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for fragment in fragments {
        if fragment.starts_with(&[0xFF, 0xD8]) || fragment.starts_with(&[0xFF, 0x4F]) {
            frames.push(Vec::new());
        }
        frames.last_mut()?.extend_from_slice(fragment);
    }
    (frames.len() == count).then_some(frames)
}
