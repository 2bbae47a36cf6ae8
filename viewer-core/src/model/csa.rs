//! CSA headers: named values that Siemens MR writes into one private binary element.
//!
//! `SV10`, four bytes, the number of elements, four bytes; then each element: a name of 64 bytes, its multiplicity, a VR,
//! a type, the number of its items, four bytes. Each item says its length in the second of four numbers, and its text
//! follows, padded to four bytes. All numbers are 32 bits, little endian; values are decimal text.
//!
//! Bytes from outside: every length is checked against what is left, and nothing is read twice.
//! Source: the sample files; the standard leaves private elements to their makers.

/// Why bytes are no CSA header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsaError {
    /// It does not begin with `SV10`.
    #[error("it is of another kind")]
    NotSv10,
    /// It ends in the middle of an element, or a length in it is impossible.
    #[error("it is damaged")]
    Damaged,
}

/// More bytes than any scanner writes.
const MOST_BYTES: usize = 1 << 20;
/// More elements than any scanner writes.
const MOST_ELEMENTS: u32 = 1024;
const NAME_BYTES: usize = 64;

/// The elements of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsaHeader<'a> {
    elements: Vec<Element<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Element<'a> {
    name: &'a [u8],
    values: Vec<&'a str>,
}

impl<'a> CsaHeader<'a> {
    /// Reads all elements.
    ///
    /// # Errors
    /// When the bytes are something else, or one element is damaged: then no other is trusted.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CsaError> {
        let mut rest = bytes.strip_prefix(b"SV10").ok_or(CsaError::NotSv10)?;
        if bytes.len() > MOST_BYTES {
            return Err(CsaError::Damaged);
        }
        take(&mut rest, 4)?;
        let count = number(&mut rest)?;
        take(&mut rest, 4)?;
        if count > MOST_ELEMENTS {
            return Err(CsaError::Damaged);
        }
        let elements: Result<Vec<Element<'_>>, CsaError> =
            (0..count).map(|_| element(&mut rest)).collect();
        Ok(Self {
            elements: elements?,
        })
    }

    /// The values of an element as finite numbers; `None` where it is absent, has none, is there twice, or one of them
    /// is no number.
    pub fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        let mut named = self.elements.iter().filter(|e| e.name == name.as_bytes());
        let element = named.next()?;
        if named.next().is_some() {
            return None;
        }
        let numbers: Option<Vec<f64>> = (element.values.iter())
            .map(|text| text.parse().ok().filter(|number: &f64| number.is_finite()))
            .collect();
        numbers.filter(|numbers| !numbers.is_empty())
    }
}

fn element<'a>(rest: &mut &'a [u8]) -> Result<Element<'a>, CsaError> {
    let name = until_nul(take(rest, NAME_BYTES)?);
    // Multiplicity, VR and type say nothing that the items do not.
    take(rest, 12)?;
    let count = number(rest)?;
    take(rest, 4)?;
    let mut values = Vec::new();
    for _ in 0..count {
        take(rest, 4)?;
        let length = usize::try_from(number(rest)?).map_err(|_| CsaError::Damaged)?;
        take(rest, 8)?;
        let padded = length.checked_next_multiple_of(4);
        let value = take(rest, padded.ok_or(CsaError::Damaged)?)?;
        let text = value.get(..length).map(until_nul).unwrap_or_default();
        // Items beyond the multiplicity are empty.
        match std::str::from_utf8(text).map(str::trim) {
            Ok("") => {}
            Ok(text) => values.push(text),
            // Text of another alphabet is no number.
            Err(_) => values.push("?"),
        }
    }
    Ok(Element { name, values })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], CsaError> {
    let (taken, after) = rest.split_at_checked(count).ok_or(CsaError::Damaged)?;
    *rest = after;
    Ok(taken)
}

fn number(rest: &mut &[u8]) -> Result<u32, CsaError> {
    let (bytes, after) = rest.split_first_chunk::<4>().ok_or(CsaError::Damaged)?;
    *rest = after;
    Ok(u32::from_le_bytes(*bytes))
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header of these elements, as a scanner writes it: six items, those without a value of length 0.
    pub(crate) fn written(elements: &[(&str, &[&str])]) -> Vec<u8> {
        let mut bytes = b"SV10\x04\x03\x02\x01".to_vec();
        let put = |bytes: &mut Vec<u8>, numbers: &[usize]| {
            for number in numbers {
                bytes.extend(u32::try_from(*number).unwrap().to_le_bytes());
            }
        };
        put(&mut bytes, &[elements.len(), 77]);
        for (name, values) in elements {
            let mut field = [0_u8; 64];
            field[..name.len()].copy_from_slice(name.as_bytes());
            bytes.extend(field);
            put(&mut bytes, &[values.len()]);
            bytes.extend(b"FD\0\0");
            put(&mut bytes, &[4, 6, 77]);
            for item in 0..6 {
                let text = values.get(item).map_or(String::new(), |v| format!("{v}\0"));
                put(&mut bytes, &[text.len(), text.len(), 77, text.len()]);
                bytes.extend(text.bytes());
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
        }
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn values_are_found_by_name_and_empty_items_are_none() {
        let bytes = written(&[
            ("EchoLinePosition", &["41      "]),
            (
                "SliceNormalVector",
                &["1.00000000", "-0.50000000", "0.00000000"],
            ),
            ("ImaAbsTablePosition", &[]),
        ]);
        let header = CsaHeader::parse(&bytes).unwrap();
        assert_eq!(header.numbers("EchoLinePosition"), Some(vec![41.0]));
        let normal = header.numbers("SliceNormalVector");
        assert_eq!(normal, Some(vec![1.0, -0.5, 0.0]));
        assert_eq!(header.numbers("ImaAbsTablePosition"), None);
        assert_eq!(header.numbers("EchoLine"), None);
    }

    #[test]
    fn what_is_no_number_or_there_twice_is_not_used() {
        let bytes = written(&[
            ("A", &["1", "x"]),
            ("B", &["1"]),
            ("B", &["2"]),
            ("C", &["inf"]),
        ]);
        let header = CsaHeader::parse(&bytes).unwrap();
        for name in ["A", "B", "C"] {
            assert_eq!(header.numbers(name), None, "{name}");
        }
    }

    #[test]
    fn other_kinds_and_impossible_counts_are_refused() {
        assert_eq!(CsaHeader::parse(b""), Err(CsaError::NotSv10));
        assert_eq!(CsaHeader::parse(b"SV1"), Err(CsaError::NotSv10));
        assert_eq!(CsaHeader::parse(b"SV10"), Err(CsaError::Damaged));
        let mut bytes = written(&[("A", &["1"])]);
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(CsaHeader::parse(&bytes), Err(CsaError::Damaged));
        let large = [b"SV10".as_slice(), &vec![0; MOST_BYTES]].concat();
        assert_eq!(CsaHeader::parse(&large), Err(CsaError::Damaged));
    }

    #[test]
    fn a_header_cut_anywhere_in_its_elements_is_damaged() {
        let bytes = written(&[("A", &["1"]), ("SliceNormalVector", &["0", "0", "1"])]);
        for length in 4..bytes.len() - 4 {
            assert_eq!(
                CsaHeader::parse(&bytes[..length]),
                Err(CsaError::Damaged),
                "{length}"
            );
        }
        assert!(CsaHeader::parse(&bytes[..bytes.len() - 4]).is_ok());
    }

    /// Any bytes give an answer: no panic, no endless loop, no more values than bytes.
    #[test]
    fn damaged_bytes_never_do_more_than_refuse() {
        let whole = written(&[
            ("NumberOfImagesInMosaic", &["48"]),
            ("SliceNormalVector", &["1.0", "0.0", "0.0"]),
        ]);
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
        };
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..=next(4) {
                let at = 4 + next(bytes.len() - 4);
                bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, b'-'][next(6)];
            }
            bytes.truncate(4 + next(bytes.len() - 3));
            if let Ok(header) = CsaHeader::parse(&bytes) {
                let values = header.elements.iter().map(|e| e.values.len());
                assert!(values.sum::<usize>() * 16 <= bytes.len());
                let _ = header.numbers("SliceNormalVector");
            }
        }
    }
}
