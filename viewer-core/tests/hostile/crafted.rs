//! Streams of a few bytes that claim more than any machine has, and what is due for each.

use viewer_core::pixel::PixelFormat;

use super::samples::{DEFLATED, HTJ2K, JPEG, JPEG_2000, JPEG_LS, JPEG_XL, NATIVE, RLE, format};

/// A frame that must be refused, in words that hold `says`.
pub struct Crafted {
    pub name: &'static str,
    pub syntax: &'static str,
    pub bytes: Vec<u8>,
    pub format: PixelFormat,
    pub says: &'static str,
}

fn crafted(
    name: &'static str,
    syntax: &'static str,
    bytes: Vec<u8>,
    format: PixelFormat,
    says: &'static str,
) -> Crafted {
    Crafted {
        name,
        syntax,
        bytes,
        format,
        says,
    }
}

/// A marker segment with its length.
pub fn segment(code: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xFF, code][..], &length, body].concat()
}

/// Attributes of a JPEG stream: grey of 8 bits.
pub fn grey8(rows: u32, columns: u32) -> PixelFormat {
    PixelFormat {
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        ..format(rows, columns, false)
    }
}

/// Start of image and frame header of 8 bits (T.81 B.2.2; T.87 C.2.2 for 0xF7); each component has its own number.
pub fn start(code: u8, rows: u16, columns: u16, components: u8) -> Vec<u8> {
    let (rows, columns) = (rows.to_be_bytes(), columns.to_be_bytes());
    let mut body = vec![8, rows[0], rows[1], columns[0], columns[1], components];
    for id in 0..components {
        body.extend([id, 0x11, 0]);
    }
    [vec![0xFF, 0xD8], segment(code, &body)].concat()
}

/// Tables with one code of one bit: the difference 0, and the end of a block (T.81 B.2.4).
pub fn short_tables() -> Vec<u8> {
    let code = |class: u8| {
        let mut table = vec![class, 1];
        table.extend([0; 16]);
        segment(0xC4, &table)
    };
    let mut steps = vec![0];
    steps.extend([1; 64]);
    [segment(0xDB, &steps), code(0), code(0x10)].concat()
}

/// A scan header of one component, 0 (T.81 B.2.3).
pub fn scan(start: u8, end: u8, high: u8, low: u8) -> Vec<u8> {
    segment(0xDA, &[1, 0, 0, start, end, high << 4 | low])
}

fn jpeg() -> Vec<Crafted> {
    let tables = short_tables();
    let data = [0; 16];
    let whole = |code, scan: Vec<u8>| {
        [
            start(code, 8000, 65_535, 1),
            tables.clone(),
            scan,
            data.to_vec(),
        ]
        .concat()
    };
    let small = |rest: Vec<u8>| [start(0xC0, 8, 8, 1), rest].concat();
    let wide = grey8(8000, 65_535);
    let early = "the stream ends early";
    let interval = segment(0xDD, &[0, 1]);
    let restarts = [
        start(0xC0, 8, 16, 1),
        tables.clone(),
        interval,
        scan(0, 63, 0, 0),
        data.to_vec(),
    ]
    .concat();
    vec![
        crafted(
            "jpeg 65535 squared",
            JPEG,
            start(0xC0, 65_535, 65_535, 1),
            grey8(65_535, 65_535),
            "limit is",
        ),
        crafted(
            "baseline of nothing",
            JPEG,
            whole(0xC0, scan(0, 63, 0, 0)),
            wide.clone(),
            early,
        ),
        crafted(
            "progressive of nothing",
            JPEG,
            whole(0xC2, scan(0, 0, 0, 0)),
            wide.clone(),
            early,
        ),
        crafted(
            "lossless of nothing",
            JPEG,
            whole(0xC3, scan(1, 0, 0, 0)),
            wide,
            early,
        ),
        crafted(
            "jpeg of 255 components",
            JPEG,
            start(0xC0, 8, 8, 255),
            grey8(8, 8),
            "255 components",
        ),
        crafted(
            "jpeg without components",
            JPEG,
            start(0xC0, 8, 8, 0),
            grey8(8, 8),
            "0 components",
        ),
        crafted(
            "segment of no length",
            JPEG,
            small(vec![0xFF, 0xC4, 0, 0]),
            grey8(8, 8),
            "not whole",
        ),
        crafted(
            "segment beyond the end",
            JPEG,
            small(vec![0xFF, 0xC4, 0xFF, 0xFF]),
            grey8(8, 8),
            "not whole",
        ),
        crafted(
            "too many codes",
            JPEG,
            small(segment(
                0xC4,
                &[[0].as_slice(), &[255; 16], &[0; 4080]].concat(),
            )),
            grey8(8, 8),
            "too many codes",
        ),
        crafted(
            "restart markers that never come",
            JPEG,
            restarts,
            grey8(8, 16),
            "a restart marker is missing",
        ),
        crafted(
            "a frame header in each scan",
            JPEG,
            small([start(0xC0, 8, 8, 1)[2..].to_vec(), data.to_vec()].concat()),
            grey8(8, 8),
            "second frame header",
        ),
        crafted(
            "markers for ever",
            JPEG,
            small([0xFF, 0xD0].repeat(50_000)),
            grey8(8, 8),
            "is missing",
        ),
        crafted(
            "jpeg of no bytes",
            JPEG,
            Vec::new(),
            grey8(8, 8),
            "start of image",
        ),
    ]
}

fn jpeg_ls() -> Vec<Crafted> {
    let presets = |numbers: [u16; 5]| {
        let mut body = vec![1];
        body.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        segment(0xF8, &body)
    };
    let small = |rest: Vec<u8>| [start(0xF7, 8, 8, 1), rest, scan(0, 0, 0, 0), vec![0; 8]].concat();
    vec![
        crafted(
            "jpeg-ls 65535 squared",
            JPEG_LS,
            start(0xF7, 65_535, 65_535, 1),
            grey8(65_535, 65_535),
            "limit is",
        ),
        crafted(
            "jpeg-ls of 255 components",
            JPEG_LS,
            start(0xF7, 8, 8, 255),
            grey8(8, 8),
            "255 components",
        ),
        crafted(
            "a largest value beyond the depth",
            JPEG_LS,
            small(presets([65_535, 3, 7, 21, 64])),
            grey8(8, 8),
            "largest value",
        ),
        crafted(
            "thresholds without order",
            JPEG_LS,
            small(presets([255, 200, 100, 50, 64])),
            grey8(8, 8),
            "not in order",
        ),
        crafted(
            "a reset beyond the range",
            JPEG_LS,
            small(presets([255, 3, 7, 21, 65_535])),
            grey8(8, 8),
            "out of range",
        ),
        crafted(
            "restarts that never come",
            JPEG_LS,
            small(segment(0xDD, &[0, 1])),
            grey8(8, 8),
            "JPEG-LS: ",
        ),
        crafted(
            "jpeg-ls of no bytes",
            JPEG_LS,
            Vec::new(),
            grey8(8, 8),
            "not a JPEG stream",
        ),
    ]
}

/// Numbers of a SIZ segment (T.800 A.5.1).
#[derive(Clone, Copy)]
pub struct Size {
    pub high_throughput: bool,
    pub columns: u32,
    pub rows: u32,
    pub tile_columns: u32,
    pub tile_rows: u32,
    pub components: u16,
}

impl Size {
    pub fn of(high_throughput: bool, columns: u32, rows: u32) -> Self {
        Self {
            high_throughput,
            columns,
            rows,
            tile_columns: columns,
            tile_rows: rows,
            components: 1,
        }
    }

    pub fn segment(self) -> Vec<u8> {
        let mut body = if self.high_throughput {
            vec![0x40, 0]
        } else {
            vec![0, 0]
        };
        for number in [
            self.columns,
            self.rows,
            0,
            0,
            self.tile_columns,
            self.tile_rows,
            0,
            0,
        ] {
            body.extend(number.to_be_bytes());
        }
        body.extend(self.components.to_be_bytes());
        body.extend([7, 1, 1].repeat(self.components.into()));
        segment(0x51, &body)
    }
}

/// A code stream of one tile: no wavelet, blocks of 4 x 4, one precinct unless sizes are given (T.800 A.6.1, A.6.4).
pub fn code_stream(size: Size, layers: u16, levels: u8, precincts: &[u8], data: &[u8]) -> Vec<u8> {
    let style = u8::from(!precincts.is_empty());
    let layers = layers.to_be_bytes();
    let blocks = if size.high_throughput { 0x40 } else { 0 };
    let coding = [
        &[style, 0, layers[0], layers[1], 0, levels, 0, 0, blocks, 1],
        precincts,
    ]
    .concat();
    let mut steps = vec![0x40];
    steps.extend([8 << 3].repeat(1 + 3 * usize::from(levels)));
    let length = (data.len() as u32 + 14).to_be_bytes();
    let tile = [&[0, 0][..], &length, &[0, 1]].concat();
    [
        vec![0xFF, 0x4F],
        size.segment(),
        segment(0x52, &coding),
        segment(0x5C, &steps),
        segment(0x90, &tile),
        vec![0xFF, 0x93],
        data.to_vec(),
        vec![0xFF, 0xD9],
    ]
    .concat()
}

fn jpeg_2000(high_throughput: bool) -> Vec<Crafted> {
    let syntax = if high_throughput { HTJ2K } else { JPEG_2000 };
    let of = |columns, rows| Size::of(high_throughput, columns, rows);
    let stream = |size, layers, levels, precincts: &[u8]| {
        code_stream(size, layers, levels, precincts, &[0; 8])
    };
    let tiny = Size {
        tile_columns: 1,
        tile_rows: 1,
        ..of(64, 64)
    };
    let none = Size {
        tile_columns: 0,
        ..of(64, 64)
    };
    let many = Size {
        components: 16_384,
        ..of(64, 64)
    };
    let wide = of(65_535, 8000);
    let grey = || grey8(64, 64);
    let jp2 =
        |length: [u8; 4]| [b"\0\0\0\x0CjP  \r\n\x87\n", &length[..], b"ftyp", &[0; 16]].concat();
    vec![
        crafted(
            "jpeg 2000 of four billion",
            syntax,
            stream(of(u32::MAX, u32::MAX), 1, 0, &[]),
            grey(),
            "rows",
        ),
        crafted(
            "jpeg 2000 65535 squared",
            syntax,
            stream(of(65_535, 65_535), 1, 0, &[]),
            grey8(65_535, 65_535),
            "limit is",
        ),
        crafted(
            "jpeg 2000 of 16384 components",
            syntax,
            stream(many, 1, 0, &[]),
            grey(),
            "16384 components",
        ),
        crafted(
            "tiles of a pixel",
            syntax,
            stream(tiny, 1, 0, &[]),
            grey(),
            "more tiles",
        ),
        crafted(
            "tiles of nothing",
            syntax,
            stream(none, 1, 0, &[]),
            grey(),
            "first tile",
        ),
        crafted(
            "precincts of a pixel",
            syntax,
            stream(of(64, 64), 1, 0, &[0]),
            grey(),
            "more precincts",
        ),
        crafted(
            "33 levels",
            syntax,
            stream(of(64, 64), 1, 33, &[]),
            grey(),
            "not whole",
        ),
        crafted(
            "65535 layers of many blocks",
            syntax,
            stream(wide, 65_535, 0, &[]),
            grey8(8000, 65_535),
            "bytes of code block tables",
        ),
        crafted(
            "a box beyond the end",
            syntax,
            jp2([0xFF; 4]),
            grey(),
            "not whole",
        ),
        crafted(
            "a box of no length",
            syntax,
            jp2([0, 0, 0, 2]),
            grey(),
            "not whole",
        ),
        crafted(
            "jpeg 2000 of no bytes",
            syntax,
            Vec::new(),
            grey(),
            "neither",
        ),
    ]
}

fn others() -> Vec<Crafted> {
    let run_lengths = |count: u8, offset: u32| {
        let mut header = vec![count, 0, 0, 0];
        header.extend(offset.to_le_bytes().repeat(15));
        header.extend([0; 8]);
        header
    };
    let doubles = PixelFormat {
        bits_allocated: 64,
        float: true,
        ..format(65_535, 65_535, false)
    };
    let zeros = miniz_oxide::deflate::compress_to_vec(&vec![0; 256 << 20], 1);
    vec![
        crafted(
            "rle 65535 squared",
            RLE,
            run_lengths(1, 64),
            grey8(65_535, 65_535),
            "limit is",
        ),
        crafted(
            "rle of nothing",
            RLE,
            run_lengths(1, 64),
            grey8(8000, 65_535),
            "before its plane is full",
        ),
        crafted(
            "rle of 255 segments",
            RLE,
            run_lengths(255, 64),
            grey8(8, 8),
            "number of segments",
        ),
        crafted(
            "rle segments beyond the end",
            RLE,
            run_lengths(1, u32::MAX),
            grey8(8, 8),
            "outside the frame",
        ),
        crafted(
            "rle segments in the header",
            RLE,
            run_lengths(1, 4),
            grey8(8, 8),
            "outside the frame",
        ),
        crafted("rle of no bytes", RLE, Vec::new(), grey8(8, 8), "not whole"),
        crafted(
            "native 65535 squared",
            NATIVE,
            Vec::new(),
            grey8(65_535, 65_535),
            "limit is",
        ),
        crafted(
            "doubles 65535 squared",
            NATIVE,
            Vec::new(),
            doubles,
            "limit is",
        ),
        crafted(
            "native without rows",
            NATIVE,
            Vec::new(),
            grey8(0, 8),
            "rows",
        ),
        crafted(
            "native of nothing",
            NATIVE,
            Vec::new(),
            grey8(8000, 65_535),
            "0 bytes",
        ),
        crafted(
            "a deflated bomb",
            DEFLATED,
            zeros,
            grey8(64, 64),
            "Deflated Image Frame",
        ),
        crafted(
            "deflated 65535 squared",
            DEFLATED,
            vec![3, 0],
            grey8(65_535, 65_535),
            "limit is",
        ),
        crafted(
            "deflated of no bytes",
            DEFLATED,
            Vec::new(),
            grey8(64, 64),
            "Deflated Image Frame",
        ),
        crafted(
            "jpeg xl of the largest numbers",
            JPEG_XL,
            [&[0xFF, 0x0A][..], &[0xFF; 64]].concat(),
            grey8(64, 64),
            "JPEG XL",
        ),
        crafted(
            "jpeg xl in a box without end",
            JPEG_XL,
            [b"\0\0\0\x0CJXL \r\n\x87\n", &[0xFF; 64][..]].concat(),
            grey8(64, 64),
            "JPEG XL",
        ),
        crafted(
            "jpeg xl of no bytes",
            JPEG_XL,
            Vec::new(),
            grey8(64, 64),
            "ends early",
        ),
    ]
}

/// All of them.
pub fn all() -> Vec<Crafted> {
    let mut all = jpeg();
    all.extend(jpeg_ls());
    all.extend(jpeg_2000(true));
    all.extend(jpeg_2000(false));
    all.extend(others());
    all
}
