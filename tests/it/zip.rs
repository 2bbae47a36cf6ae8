//! ZIP archives written here field by field, so that a test chooses what is wrong in them.
//!
//! Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;

/// An archive on its way.
#[derive(Debug, Default)]
pub struct Zip {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

/// One entry.
struct Entry<'a> {
    name: &'a str,
    method: u16,
    sum: u32,
    packed: &'a [u8],
    size: u32,
}

fn sum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

impl Zip {
    /// A folder.
    pub fn folder(&mut self, name: &str) {
        self.stored(name, b"");
    }

    /// A file as it is.
    pub fn stored(&mut self, name: &str, bytes: &[u8]) {
        self.add(&Entry {
            name,
            method: 0,
            sum: sum(bytes),
            packed: bytes,
            size: length(bytes),
        });
    }

    /// A file that is compressed.
    pub fn deflated(&mut self, name: &str, bytes: &[u8]) {
        self.deflated_as(name, bytes, length(bytes));
    }

    /// The same, of which it is said that it has this size.
    pub fn deflated_as(&mut self, name: &str, bytes: &[u8], size: u32) {
        self.add(&Entry {
            name,
            method: 8,
            sum: sum(bytes),
            packed: &deflate(bytes),
            size,
        });
    }

    /// A file of which the sum is another one.
    pub fn wrong_sum(&mut self, name: &str, bytes: &[u8]) {
        self.add(&Entry {
            name,
            method: 8,
            sum: sum(bytes) ^ 1,
            packed: &deflate(bytes),
            size: length(bytes),
        });
    }

    /// Lists what is there so many times in all.
    pub fn repeat(&mut self, times: u16) {
        self.directory = self.directory.repeat(times.into());
        self.count *= times;
    }

    /// Says that so many entries are listed.
    pub fn claim(&mut self, count: u16) {
        self.count = count;
    }

    fn add(&mut self, entry: &Entry) {
        let place = length(&self.files);
        let mut common = Vec::new();
        // Version 2.0, no flags; the time is of no account.
        for number in [20, 0, entry.method, 0, 0] {
            common.extend(u16::to_le_bytes(number));
        }
        for number in [entry.sum, length(entry.packed), entry.size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        common.extend([0; 2]);
        self.files.extend(b"PK\x03\x04");
        self.files.extend(&common);
        self.files.extend(entry.name.as_bytes());
        self.files.extend(entry.packed);
        self.directory.extend(b"PK\x01\x02\x14\0");
        self.directory.extend(&common);
        // No note, the first disk, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(place.to_le_bytes());
        self.directory.extend(entry.name.as_bytes());
        self.count += 1;
    }

    /// The whole archive.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = self.files.clone();
        all.extend(&self.directory);
        all.extend(b"PK\x05\x06\0\0\0\0");
        all.extend(self.count.to_le_bytes());
        all.extend(self.count.to_le_bytes());
        all.extend(length(&self.directory).to_le_bytes());
        all.extend(length(&self.files).to_le_bytes());
        all.extend([0; 2]);
        all
    }
}
