//! Undamaged frames of every codec: small ones that are always there, and real ones where they lie beside the project.

use std::path::Path;

use viewer_core::pixel::{Photometric, PixelFormat};

use crate::decode_files::streams::{self, COLUMNS, ROWS, bytes};
use crate::decode_files::{read, shared_data};

pub const NATIVE: &str = "1.2.840.10008.1.2.1";
pub const RLE: &str = "1.2.840.10008.1.2.5";
pub const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
pub const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
pub const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
pub const JPEG: &str = "1.2.840.10008.1.2.4.51";
pub const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";
pub const DEFLATED: &str = "1.2.840.10008.1.2.8.1";

/// A decoder, and whether its work is counted: those of other projects count none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    pub name: &'static str,
    pub is_counted: bool,
}

/// All decoders.
pub const CODECS: [Codec; 8] = [
    own("native"),
    own("RLE"),
    own("JPEG"),
    own("JPEG-LS"),
    own("HTJ2K"),
    own("JPEG 2000"),
    of_others("JPEG XL"),
    of_others("deflated"),
];

const fn own(name: &'static str) -> Codec {
    Codec {
        name,
        is_counted: true,
    }
}

const fn of_others(name: &'static str) -> Codec {
    Codec {
        name,
        is_counted: false,
    }
}

/// A frame that decodes.
pub struct Sample {
    pub name: String,
    pub syntax: String,
    pub bytes: Vec<u8>,
    pub format: PixelFormat,
}

/// The samples of a codec.
pub fn of(codec: Codec) -> Vec<Sample> {
    let mut all = small(codec.name);
    all.extend(real(codec.name));
    all
}

fn small(codec: &str) -> Vec<Sample> {
    let grey: Vec<u8> = streams::grey()
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    let planes = |shifts: &[u16]| -> Vec<Vec<u8>> {
        let plane = |shift: &u16| {
            let values = streams::grey().into_iter();
            values.map(|value| (value >> shift) as u8).collect()
        };
        shifts.iter().map(plane).collect()
    };
    match codec {
        "native" => vec![
            made("grey", NATIVE, false, grey),
            made("color", NATIVE, true, streams::color()),
        ],
        "RLE" => vec![
            made("grey", RLE, false, streams::run_lengths(&planes(&[8, 0]))),
            made(
                "color",
                RLE,
                true,
                streams::run_lengths(&planes(&[4, 2, 0])),
            ),
        ],
        "JPEG-LS" => [
            ("grey", streams::JLS_MONO, false),
            ("near", streams::JLS_MONO_NEAR, false),
            ("planes", streams::JLS_RGB_PLANES, true),
            ("lines", streams::JLS_RGB_LINES, true),
            ("samples", streams::JLS_RGB_SAMPLES_NEAR, true),
        ]
        .map(|(name, hex, color)| made(name, JPEG_LS, color, bytes(hex)))
        .into(),
        "JPEG 2000" => [
            ("grey", streams::J2K_MONO, false),
            ("color", streams::J2K_RGB, true),
            ("lossy", streams::J2K_RGB_LOSSY, true),
            ("jp2", streams::JP2_MONO, false),
        ]
        .map(|(name, hex, color)| made(name, JPEG_2000, color, bytes(hex)))
        .into(),
        "HTJ2K" => files(
            HTJ2K,
            &["grey16.htj2k"],
            &["color_tiles.htj2k", "color_lossy.htj2k", "color.htj2k"],
        ),
        "JPEG XL" => files(
            JPEG_XL,
            &["grey16.jxl", "grey10.jxl"],
            &["color_lossy.jxl", "color.jxl"],
        ),
        "JPEG" => files(
            JPEG,
            &["grey16_predictor6.jpg", "grey12_dct.jpg"],
            &[
                "color_predictor4.jpg",
                "color_420.jpg",
                "color_411.jpg",
                "color_progressive.jpg",
                "color_restart.jpg",
            ],
        ),
        _ => files(DEFLATED, &["grey12.deflate"], &[]),
    }
}

fn files(syntax: &str, greys: &[&str], colors: &[&str]) -> Vec<Sample> {
    let each = |name: &&str, color| made(name, syntax, color, streams::file(name));
    let greys = greys.iter().map(|name| each(name, false));
    let colors = colors.iter().map(|name| each(name, true));
    greys.chain(colors).collect()
}

/// A sample of the made-up pictures.
pub fn made(name: &str, syntax: &str, color: bool, bytes: Vec<u8>) -> Sample {
    Sample {
        name: name.to_owned(),
        syntax: syntax.to_owned(),
        bytes,
        format: format(ROWS, COLUMNS, color),
    }
}

/// Grey of 16 bits or RGB of 8.
pub fn format(rows: u32, columns: u32, color: bool) -> PixelFormat {
    let bits = if color { 8 } else { 16 };
    PixelFormat {
        rows,
        columns,
        samples_per_pixel: if color { 3 } else { 1 },
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        float: false,
        planar: false,
        photometric: if color {
            Photometric::Rgb
        } else {
            Photometric::Monochrome2
        },
    }
}

fn codec_of(syntax: &str) -> &'static str {
    match syntax.strip_prefix("1.2.840.10008.1.2.4.") {
        Some("80" | "81") => "JPEG-LS",
        Some("90" | "91" | "92" | "93") => "JPEG 2000",
        Some("110" | "111" | "112") => "JPEG XL",
        Some("201" | "202" | "203") => "HTJ2K",
        Some(_) => "JPEG",
        None if syntax == RLE => "RLE",
        None if syntax == DEFLATED => "deflated",
        None => "native",
    }
}

/// First frames of real files.
fn real(codec: &str) -> Vec<Sample> {
    let Some(folder) = shared_data() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for part in ["transfer-syntax", "pixel-form"] {
        let Ok(entries) = std::fs::read_dir(folder.join(part)) else {
            continue;
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        found.extend(paths.iter().filter_map(|path| sample(path, codec)));
    }
    found
}

fn sample(path: &Path, codec: &str) -> Option<Sample> {
    let file = read(path).ok()?;
    if codec_of(&file.transfer_syntax) != codec {
        return None;
    }
    Some(Sample {
        name: path.file_name()?.to_string_lossy().into_owned(),
        syntax: file.transfer_syntax,
        bytes: file.frames.into_iter().next()?,
        format: file.format,
    })
}
