//! Fragments of encapsulated pixels: where they lie, and which belong to which frame.
//!
//! Offset tables are believed only where they fit the fragments that are really there. Without one
//! that fits, frames are told apart by the beginnings of their code streams, or each fragment is a
//! frame; where neither adds up, nothing is guessed.
//! Source: DICOM PS3.5 section A.4 (encapsulation, basic and extended offset tables), annex G (RLE).

use std::ops::Range;

use super::input::{Input, InputError};

/// Offset in the file and length of one fragment, in bytes.
pub type Fragment = (u64, u64);

/// Most fragments of one instance: what is kept of them stays below 100 MiB.
const MOST_FRAGMENTS: usize = 1 << 22;
/// Most stray bytes that are passed over between two fragments.
const MOST_STRAY: u32 = 16;
/// Bytes that tell whether a fragment begins a code stream.
const HEAD_BYTES: u64 = 64;

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
const SEQUENCE_END: [u8; 4] = [0xFE, 0xFF, 0xDD, 0xE0];

/// What a walk over the fragments found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fragments {
    /// The basic offset table as it stands; empty where there is none.
    pub table: Vec<u64>,
    /// Every fragment, also empty ones; the last may reach beyond the end of the file.
    pub list: Vec<Fragment>,
    /// Whether each begins a code stream of a kind that is known.
    begins: Vec<bool>,
    /// The delimiter stands at the end: nothing was cut off.
    pub whole: bool,
}

impl Fragments {
    /// Walks over the items from the first one, which holds the basic offset table.
    ///
    /// The walk ends at the delimiter, at the end of the file, or at the first thing that is no item:
    /// a delimiter that is missing is not missed.
    ///
    /// # Errors
    /// The disk's, and [`InputError::Bomb`]; an early end is none.
    pub fn walk(input: &mut Input, is_rle: bool) -> Result<Self, InputError> {
        let mut found = Self::default();
        let mut is_first = true;
        let mut odd = false;
        loop {
            let length = match next_item(input, odd) {
                Ok(Next::Item(length)) => length,
                Ok(Next::End { whole }) => {
                    found.whole = whole;
                    return Ok(found);
                }
                Err(InputError::Ends) => return Ok(found),
                Err(error) => return Err(error),
            };
            let start = input.position();
            odd = !length.is_multiple_of(2);
            let head = read_head(input, length)?;
            let begins = begins_code_stream(&head, is_rle);
            let rest = length - head.len() as u64;
            if is_first && !begins && length > 4 * MOST_FRAGMENTS as u64 {
                is_first = false;
                if after_end(input.skip(rest))?.is_some() {
                    continue;
                }
                return Ok(found);
            }
            if is_first && !begins {
                let Some(table) = after_end(input.read_vec(rest))? else {
                    return Ok(found);
                };
                found.table = [head, table]
                    .concat()
                    .chunks_exact(4)
                    .filter_map(|bytes| bytes.try_into().ok())
                    .map(|bytes| u64::from(u32::from_le_bytes(bytes)))
                    .collect();
                is_first = false;
                continue;
            }
            // Some writers leave the table's item out: the first one is a code stream then.
            is_first = false;
            found.list.push((start, length));
            found.begins.push(begins);
            if after_end(input.skip(rest))?.is_none() {
                return Ok(found);
            }
            if found.list.len() >= MOST_FRAGMENTS {
                return Ok(found);
            }
        }
    }

    /// True where frames can be told apart without an extended offset table.
    pub fn is_clear(&self, count: usize) -> bool {
        (count == 1 && self.table.len() < 2)
            || (self.list.len() == count && self.whole)
            || self.by_table(&self.table, count).is_some()
    }

    /// The fragments of each frame, as far as they are there: fewer than `count` where the file
    /// holds fewer frames than it says.
    ///
    /// `extended` is the Extended Offset Table (7FE0,0001). `None` where nothing tells which
    /// fragments belong together.
    pub fn frames(&self, count: usize, extended: &[u64]) -> Option<Vec<Range<usize>>> {
        if count == 1 && self.table.len() < 2 {
            return Some(std::iter::once(0..self.list.len()).collect());
        }
        let starts = self
            .by_table(&self.table, count)
            .or_else(|| self.by_table(extended, count))
            .or_else(|| {
                self.one_each(count)
                    .filter(|all| all.len() == count && self.whole)
            })
            .or_else(|| self.by_beginnings(count))
            .or_else(|| self.one_each(count));
        if starts.is_none() && count == 1 {
            return Some(std::iter::once(0..self.list.len()).collect());
        }
        let starts = starts?;
        let ends = starts.iter().skip(1).copied().chain([self.list.len()]);
        let frames = starts.iter().zip(ends).map(|(from, to)| *from..to);
        Some(frames.take(count).collect())
    }

    /// Frames by an offset table whose every entry is the next item of a fragment. A table with more
    /// entries than the instance has frames is good for those that it has.
    fn by_table(&self, table: &[u64], count: usize) -> Option<Vec<usize>> {
        // Offsets count from the first byte of the first fragment's item.
        let base = self.list.first()?.0;
        let (last, length) = self.list.last()?;
        let end = (last + length).saturating_sub(base);
        if table.len() < count || table.first() != Some(&0) || !table.is_sorted_by(|a, b| a < b) {
            return None;
        }
        let mut starts = Vec::with_capacity(table.len());
        for offset in table {
            match self
                .list
                .binary_search_by_key(&base.checked_add(*offset)?, |(at, _)| *at)
            {
                Ok(at) => starts.push(at),
                // Frames that a cut file has lost.
                Err(_) if !self.whole && *offset >= end => break,
                Err(_) => return None,
            }
        }
        // Where code streams show where they begin, a frame that begins elsewhere is none.
        // Of the last fragment of a cut file nothing may be left that could show it.
        let known = self.begins.first() == Some(&true);
        let unknown = |at: usize| !self.whole && at + 1 == self.list.len();
        let all_begin = starts.iter().all(|at| self.begins[*at] || unknown(*at));
        (!known || all_begin).then_some(starts)
    }

    /// Frames by the beginnings of code streams. More of them than frames: the first ones count.
    fn by_beginnings(&self, count: usize) -> Option<Vec<usize>> {
        let starts: Vec<usize> = (0..self.list.len()).filter(|at| self.begins[*at]).collect();
        let all_there = starts.len() >= count || self.list.len() <= count || !self.whole;
        (starts.first() == Some(&0) && all_there).then_some(starts)
    }

    /// A fragment a frame, where their numbers agree; empty fragments count only where they must.
    fn one_each(&self, count: usize) -> Option<Vec<usize>> {
        if self.list.len() <= count {
            return Some((0..self.list.len()).collect());
        }
        let filled: Vec<usize> = (0..self.list.len())
            .filter(|at| self.list[*at].1 > 0)
            .collect();
        (filled.len() == count).then_some(filled)
    }
}

/// What follows a fragment.
enum Next {
    /// An item of so many bytes.
    Item(u64),
    /// The delimiter, or something that belongs to no sequence of fragments.
    End { whole: bool },
}

/// Reads the header of the next item.
///
/// An item of odd length may have a byte of padding that it does not count; some writers fill up
/// with zeros.
fn next_item(input: &mut Input, after_odd: bool) -> Result<Next, InputError> {
    let mut header = [0; 8];
    input.read_exact(&mut header)?;
    let mut stray = 0;
    loop {
        let [a, b, c, d, length @ ..] = header;
        let tag = [a, b, c, d];
        let length = u32::from_le_bytes(length);
        if tag == ITEM && length != u32::MAX {
            return Ok(Next::Item(u64::from(length)));
        }
        let whole = tag == SEQUENCE_END;
        let passable = a == 0 || (after_odd && stray == 0);
        if whole || !passable || stray == MOST_STRAY {
            return Ok(Next::End { whole });
        }
        stray += 1;
        header.rotate_left(1);
        input.read_exact(&mut header[7..])?;
    }
}

/// `None` where the file ends first.
fn after_end<T>(result: Result<T, InputError>) -> Result<Option<T>, InputError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(InputError::Ends) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first bytes of a fragment, as far as the file has them.
fn read_head(input: &mut Input, length: u64) -> Result<Vec<u8>, InputError> {
    let mut head = Vec::new();
    if let Some(whole) = after_end(input.read_vec(length.min(HEAD_BYTES)))? {
        return Ok(whole);
    }
    let mut byte = [0];
    while after_end(input.read_exact(&mut byte))?.is_some() {
        head.extend(byte);
    }
    Ok(head)
}

/// True for the first bytes of JPEG and JPEG-LS, JPEG 2000 (also in a JP2 file), JPEG XL (also in
/// its container), and of an RLE frame.
fn begins_code_stream(head: &[u8], is_rle: bool) -> bool {
    if is_rle {
        return is_rle_header(head);
    }
    const BEGINNINGS: [&[u8]; 5] = [
        &[0xFF, 0xD8],
        &[0xFF, 0x4F, 0xFF, 0x51],
        b"\0\0\0\x0CjP  \r\n\x87\n",
        b"\0\0\0\x0CJXL \r\n\x87\n",
        &[0xFF, 0x0A],
    ];
    BEGINNINGS.iter().any(|known| head.starts_with(known))
}

/// PS3.5 G.5: the number of segments, then their offsets, of which the first is 64 and the unused
/// ones are 0.
fn is_rle_header(head: &[u8]) -> bool {
    let (words, _) = head.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let (Some(segments), Some(offsets)) = (words.first(), words.get(1..16)) else {
        return false;
    };
    let Some((used, unused)) = usize::try_from(*segments)
        .ok()
        .filter(|segments| *segments > 0)
        .and_then(|segments| offsets.split_at_checked(segments))
    else {
        return false;
    };
    used.first() == Some(&64)
        && used.is_sorted_by(|a, b| a < b)
        && unused.iter().all(|offset| *offset == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fragments of 10 bytes from 108 on; `true` where a code stream begins.
    fn fragments(table: &[u64], begins: &[bool]) -> Fragments {
        Fragments {
            table: table.to_vec(),
            list: (0..begins.len() as u64)
                .map(|at| (108 + 18 * at, 10))
                .collect(),
            begins: begins.to_vec(),
            whole: true,
        }
    }

    #[test]
    fn an_offset_table_groups_fragments() {
        let found = fragments(&[0, 36], &[false; 3]);
        assert_eq!(found.frames(2, &[]), Some(vec![0..2, 2..3]));
    }

    #[test]
    fn a_table_that_does_not_fit_is_not_believed() {
        for table in [
            vec![0, 35],
            vec![0, 0],
            vec![36, 0],
            vec![0],
            vec![0, 1 << 40],
            vec![18, 36],
            vec![0, u64::MAX],
        ] {
            let found = fragments(&table, &[false; 3]);
            assert_eq!(found.frames(2, &[]), None, "{table:?}");
            let found = fragments(&table, &[true, false, true]);
            assert_eq!(found.frames(2, &[]), Some(vec![0..2, 2..3]), "{table:?}");
            let found = fragments(&table, &[false; 2]);
            assert_eq!(found.frames(2, &[]), Some(vec![0..1, 1..2]), "{table:?}");
        }
    }

    #[test]
    fn a_table_that_names_the_midst_of_a_code_stream_is_not_believed() {
        let found = fragments(&[0, 18], &[true, false, true]);
        assert_eq!(found.frames(2, &[]), Some(vec![0..2, 2..3]));
    }

    #[test]
    fn the_extended_table_counts_where_the_basic_one_is_empty() {
        let found = fragments(&[], &[false; 3]);
        assert_eq!(found.frames(2, &[0, 36]), Some(vec![0..2, 2..3]));
        assert_eq!(found.frames(2, &[0, 37]), None);
    }

    #[test]
    fn one_fragment_a_frame_needs_no_table() {
        assert_eq!(
            fragments(&[], &[false; 2]).frames(2, &[]),
            Some(vec![0..1, 1..2])
        );
        let single = fragments(&[], &[false; 2]).frames(1, &[]).unwrap();
        assert_eq!((single.len(), single[0].clone()), (1, 0..2));
    }

    #[test]
    fn empty_fragments_between_frames_do_not_count() {
        let mut found = fragments(&[], &[false; 3]);
        found.list[1].1 = 0;
        // The empty one lies at the end of the first frame, where it adds nothing.
        assert_eq!(found.frames(2, &[]), Some(vec![0..2, 2..3]));
    }

    #[test]
    fn frames_that_are_not_there_are_not_made_up() {
        assert_eq!(
            fragments(&[], &[true; 2]).frames(5, &[]),
            Some(vec![0..1, 1..2])
        );
        let mut found = fragments(&[0, 36, 72], &[true, false, true]);
        found.whole = false;
        assert_eq!(found.frames(3, &[]), Some(vec![0..2, 2..3]));
        // Three of six fragments are left, of which each two are a frame.
        found.table.clear();
        assert_eq!(found.frames(3, &[]), Some(vec![0..2, 2..3]));
    }

    #[test]
    fn an_rle_header_has_its_first_segment_after_it() {
        let header = |words: &[u32]| {
            let mut words = words.to_vec();
            words.resize(16, 0);
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            begins_code_stream(&bytes, true)
        };
        assert!(header(&[1, 64]));
        assert!(header(&[3, 64, 80, 100]));
        for wrong in [
            &[0][..],
            &[16, 64],
            &[2, 64],
            &[2, 64, 64],
            &[1, 65],
            &[1, 64, 9],
        ] {
            assert!(!header(wrong), "{wrong:?}");
        }
        assert!(!begins_code_stream(&[1, 0, 0, 0, 64, 0, 0, 0], true));
    }
}
