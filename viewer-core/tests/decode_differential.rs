//! Our decoders beside others: dicom-pixeldata (native, RLE, OpenJPEG in Rust) and pure_jpegls.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod decode_files;

use decode_files::streams::{self, COLUMNS, ROWS};
use dicom_core::value::{PixelFragmentSequence, PrimitiveValue};
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, FileMetaTableBuilder, InMemDicomObject};
use dicom_pixeldata::{ConvertOptions, ModalityLutOption, PixelDecoder};
use viewer_core::decode::{Limits, decode_frame, is_supported};
use viewer_core::pixel::{Frame, Photometric, PixelFormat, format::sample_at};

const NATIVE: &str = "1.2.840.10008.1.2.1";
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const JPEG_2000_LOSSY: &str = "1.2.840.10008.1.2.4.91";

fn values(frame: &Frame) -> Vec<i64> {
    let count = frame.data.len() / frame.sample_type.size_bytes();
    let value = |index| sample_at(&frame.data, frame.sample_type, index).unwrap() as i64;
    (0..count).map(value).collect()
}

/// What dicom-pixeldata makes of the frame: stored values, without the rescale.
fn other_values(object: &DefaultDicomObject, frame: u32) -> Result<Vec<i64>, String> {
    let decoded = object
        .decode_pixel_data_frame(frame)
        .map_err(|error| error.to_string())?;
    let options = ConvertOptions::new().with_modality_lut(ModalityLutOption::None);
    let values: Vec<i32> = decoded
        .to_vec_frame_with_options(0, &options)
        .map_err(|error| error.to_string())?;
    Ok(values.into_iter().map(i64::from).collect())
}

fn largest_difference(ours: &[i64], theirs: &[i64]) -> i64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .max()
        .unwrap_or(0)
}

fn object(format: &PixelFormat, syntax: &str, frame: &[u8]) -> DefaultDicomObject {
    let mut object = InMemDicomObject::new_empty();
    let photometric = if format.samples_per_pixel == 3 {
        "RGB"
    } else {
        "MONOCHROME2"
    };
    object.put(DataElement::new(
        tags::PHOTOMETRIC_INTERPRETATION,
        VR::CS,
        photometric,
    ));
    for (tag, value) in [
        (tags::ROWS, format.rows as u16),
        (tags::COLUMNS, format.columns as u16),
        (tags::SAMPLES_PER_PIXEL, format.samples_per_pixel),
        (tags::BITS_ALLOCATED, format.bits_allocated),
        (tags::BITS_STORED, format.bits_stored),
        (tags::HIGH_BIT, format.high_bit),
        (tags::PIXEL_REPRESENTATION, u16::from(format.signed)),
        (tags::PLANAR_CONFIGURATION, u16::from(format.planar)),
    ] {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }
    if syntax == NATIVE {
        object.put(DataElement::new(
            tags::PIXEL_DATA,
            VR::OB,
            PrimitiveValue::from(frame),
        ));
    } else {
        let sequence = PixelFragmentSequence::new_fragments(vec![frame.to_vec()]);
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, sequence));
    }
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.7")
        .media_storage_sop_instance_uid("2.25.1");
    object.with_meta(meta).unwrap()
}

fn grey(bits_allocated: u16, bits_stored: u16, signed: bool) -> PixelFormat {
    PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: 1,
        bits_allocated,
        bits_stored,
        high_bit: bits_stored - 1,
        signed,
        float: false,
        planar: false,
        photometric: Photometric::Monochrome2,
    }
}

fn color(bits: u16, planar: bool) -> PixelFormat {
    let format = PixelFormat {
        samples_per_pixel: 3,
        planar,
        ..grey(bits, bits, false)
    };
    PixelFormat {
        photometric: Photometric::Rgb,
        ..format
    }
}

fn check(format: &PixelFormat, syntax: &str, bytes: &[u8], tolerance: i64) {
    let ours = decode_frame(bytes, syntax, format, &Limits::default()).unwrap();
    let theirs = other_values(&object(format, syntax, bytes), 0).unwrap();
    let difference = largest_difference(&values(&ours), &theirs);
    assert!(
        difference <= tolerance,
        "{format:?} differs by {difference}"
    );
}

#[test]
fn native_pixels_are_those_of_dicom_pixeldata() {
    let picture = streams::grey();
    let bytes: Vec<u8> = picture.iter().map(|value| (value >> 4) as u8).collect();
    check(&grey(8, 8, false), NATIVE, &bytes, 0);
    let words = |value: fn(u16) -> u16| -> Vec<u8> {
        picture
            .iter()
            .flat_map(|v| value(*v).to_le_bytes())
            .collect()
    };
    check(&grey(16, 12, false), NATIVE, &words(|v| v), 0);
    check(&grey(16, 16, false), NATIVE, &words(|v| v * 16 + 5), 0);
    check(
        &grey(16, 16, true),
        NATIVE,
        &words(|v| (v * 16).wrapping_sub(30_000)),
        0,
    );
    check(
        &grey(16, 13, true),
        NATIVE,
        &words(|v| v.wrapping_sub(2048)),
        0,
    );
    check(&color(8, false), NATIVE, &streams::color(), 0);
}

#[test]
fn run_lengths_are_those_of_dicom_pixeldata() {
    let picture = streams::grey();
    let plane = |shift: u32| -> Vec<u8> { picture.iter().map(|v| (v >> shift) as u8).collect() };
    check(
        &grey(8, 8, false),
        RLE,
        &streams::run_lengths(&[plane(4)]),
        0,
    );
    check(
        &grey(16, 12, false),
        RLE,
        &streams::run_lengths(&[plane(8), plane(0)]),
        0,
    );
    let color_planes: Vec<Vec<u8>> = (0..3)
        .map(|s| streams::color().into_iter().skip(s).step_by(3).collect())
        .collect();
    check(
        &color(8, false),
        RLE,
        &streams::run_lengths(&color_planes),
        0,
    );
}

#[test]
fn jpeg_2000_is_that_of_open_jpeg() {
    let bytes = streams::bytes;
    check(
        &grey(16, 12, false),
        JPEG_2000,
        &bytes(streams::J2K_MONO),
        0,
    );
    check(&color(8, false), JPEG_2000, &bytes(streams::J2K_RGB), 0);
    check(
        &color(8, false),
        JPEG_2000,
        &bytes(streams::J2K_RGB_PLAIN),
        0,
    );
    check(
        &color(8, false),
        JPEG_2000_LOSSY,
        &bytes(streams::J2K_RGB_LOSSY),
        1,
    );
}

#[test]
fn jpeg_ls_of_every_depth_and_nearness_is_that_of_pure_jpegls() {
    let mut compared = 0;
    for precision in 2..=16u8 {
        let largest = ((1u32 << precision) - 1) as u16;
        let noise = |index: usize| (index.wrapping_mul(2_654_435_761) >> 13) as u16 & largest;
        let squares: Vec<u16> = streams::grey()
            .iter()
            .map(|v| (u32::from(*v) * u32::from(largest) / 4095) as u16)
            .collect();
        let noisy: Vec<u16> = (0..squares.len()).map(noise).collect();
        let steps: Vec<u16> = (0..squares.len())
            .map(|i| if i % 97 < 60 { largest } else { noise(i / 7) })
            .collect();
        for picture in [&squares, &noisy, &steps] {
            for near in [0, 1, 3, 20] {
                let mut options = jpegls::EncodeOptions::default();
                (options.precision, options.near) = (Some(precision), near);
                let mut stream = Vec::new();
                // The encoder refuses a nearness that the depth does not allow.
                if jpegls::encode_with_options(picture, COLUMNS, ROWS, &options, &mut stream)
                    .is_err()
                {
                    continue;
                }
                let (theirs, ..) = jpegls::decode(&stream, COLUMNS, ROWS).unwrap();
                let ours = decode_frame(&stream, JPEG_LS, &grey(16, 16, false), &Limits::default())
                    .unwrap();
                let expected: Vec<u8> = theirs.iter().flat_map(|v| v.to_le_bytes()).collect();
                assert!(ours.data == expected, "{precision} bits, near {near}");
                compared += 1;
            }
        }
    }
    assert!(compared > 120, "{compared}");
}

#[test]
fn jpeg_ls_of_one_row_or_one_column_is_that_of_pure_jpegls() {
    for (columns, rows) in [(1, 1), (1, 9), (9, 1), (2, 2), (300, 1)] {
        let picture: Vec<u16> = (0..columns * rows)
            .map(|i| (i * i % 251 * 7) as u16)
            .collect();
        let mut stream = Vec::new();
        jpegls::encode(&picture, columns, rows, &mut stream).unwrap();
        let format = PixelFormat {
            rows,
            columns,
            ..grey(16, 16, false)
        };
        let frame = decode_frame(&stream, JPEG_LS, &format, &Limits::default()).unwrap();
        let expected: Vec<u8> = picture
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert!(frame.data == expected, "{columns} x {rows}");
    }
}

#[test]
fn files_decode_as_other_decoders_decode_them() {
    let Some(folder) = decode_files::shared_data() else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("reference.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (mut compared, mut refused, mut wrong) = (0, 0, Vec::new());
    for path in reference["files"].as_object().unwrap().keys() {
        let Ok(file) = decode_files::read(&folder.join(path)) else {
            continue;
        };
        let syntax = file.transfer_syntax.as_str();
        let (Some(bytes), true) = (file.frames.first(), is_supported(syntax)) else {
            continue;
        };
        let Ok(ours) = decode_frame(bytes, syntax, &file.format, &Limits::default()) else {
            continue;
        };
        let theirs = if syntax.starts_with("1.2.840.10008.1.2.4.8") {
            jpegls::decode(bytes, ours.columns, ours.rows)
                .map(|(values, ..)| values.into_iter().map(i64::from).collect())
                .map_err(|error| error.to_string())
        } else {
            other_values(&file.object, 0)
        };
        let Ok(theirs) = theirs else {
            refused += 1;
            continue;
        };
        compared += 1;
        // The other decoders leave unused bits, and signs of less than 16 bits, as they are in the file.
        let modulus = 1_i64 << ours.bits_stored;
        let bits = |values: Vec<i64>| -> Vec<i64> {
            values
                .into_iter()
                .map(|value| value.rem_euclid(modulus))
                .collect()
        };
        let (ours, theirs) = (bits(values(&ours)), bits(theirs));
        let tolerance = if syntax == JPEG_2000_LOSSY { 2 } else { 0 };
        if ours.len() != theirs.len() || largest_difference(&ours, &theirs) > tolerance {
            wrong.push(path.clone());
        }
    }
    println!("{compared} files are alike, the other decoder refused {refused}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 500, "{compared}");
}
