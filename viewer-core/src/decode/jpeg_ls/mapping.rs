//! Mapping tables: what decoded samples stand for, where a stream holds indices in place of values.
//!
//! Source: ISO/IEC 14495-1 C.2.4.1.2 and C.2.4.1.3 (LSE of types 2 and 3), C.2.3 (their choice in a scan header).

use super::super::DecodeError;
use super::{corrupt, unsupported};
use std::collections::BTreeMap;

/// The tables of a stream, by their numbers, which 0 is none of.
#[derive(Debug, Default)]
pub(super) struct Mappings(BTreeMap<u8, Table>);

#[derive(Debug)]
struct Table {
    /// Bytes of an entry.
    width: u8,
    entries: Vec<u16>,
}

/// A sample has 16 bits at most.
const MOST_ENTRIES: usize = 1 << 16;

impl Mappings {
    /// Takes what follows the type of an LSE segment: a table, or more of one that is there.
    pub fn take(&mut self, goes_on: bool, body: &[u8]) -> Result<(), DecodeError> {
        let &[number, width, ref bytes @ ..] = body else {
            return Err(corrupt("a mapping table is not whole"));
        };
        if number == 0 || !bytes.len().is_multiple_of(usize::from(width.max(1))) {
            return Err(corrupt("a mapping table is not whole"));
        }
        let entries: Vec<u16> = match width {
            1 => bytes.iter().map(|byte| u16::from(*byte)).collect(),
            2 => {
                let pairs = bytes.as_chunks::<2>().0.iter();
                pairs.map(|pair| u16::from_be_bytes(*pair)).collect()
            }
            _ => return Err(unsupported("a mapping table of more than 16 bits")),
        };
        if !goes_on {
            self.0.insert(number, Table { width, entries });
            return Ok(());
        }
        let table = self.0.get_mut(&number);
        let table = table.filter(|table| table.width == width);
        let table = table.ok_or_else(|| corrupt("a mapping table that never began goes on"))?;
        if table.entries.len() + entries.len() > MOST_ENTRIES {
            return Err(corrupt("a mapping table is longer than samples reach"));
        }
        table.entries.extend(entries);
        Ok(())
    }

    /// The entries of a table; `None` for number 0, which maps nothing.
    pub fn table(&self, number: u8) -> Result<Option<&[u16]>, DecodeError> {
        if number == 0 {
            return Ok(None);
        }
        let table = self.0.get(&number);
        let table = table.ok_or_else(|| corrupt("a mapping table is missing"))?;
        Ok(Some(&table.entries))
    }
}

/// Bits that the entries of a table need.
pub(super) fn bits(table: &[u16]) -> u8 {
    let largest = table.iter().copied().max().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "16 at most")]
    let bits = (u16::BITS - largest.leading_zeros()) as u8;
    bits
}

/// Puts what the samples of a line stand for into `mapped`.
pub(super) fn map(table: &[u16], line: &[u16], mapped: &mut Vec<u16>) -> Result<(), DecodeError> {
    mapped.clear();
    for sample in line {
        let value = table.get(usize::from(*sample));
        mapped.push(*value.ok_or_else(|| corrupt("a sample lies beyond its mapping table"))?);
    }
    Ok(())
}
