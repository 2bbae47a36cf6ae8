//! Specific Character Set: the bytes of text values to Unicode.
//!
//! What a file says is followed as far as it is known; text in an undeclared or unknown set is
//! read as UTF-8 where it is that, else as Latin 1. Nothing fails: an unreadable byte becomes
//! U+FFFD. Source: DICOM PS3.3 C.12.1.1.2, PS3.5 section 6.1.2 (ISO 2022 code extensions).

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252,
    WINDOWS_1254,
};

/// How a data set's text is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Charset {
    /// Nothing is declared, or nothing that is known.
    Guess,
    /// One encoding for the whole value.
    Whole(&'static Encoding),
    /// ISO 2022 escapes may occur; the upper half starts as this encoding.
    Escaped(&'static Encoding),
}

/// Which text this is: escapes end at other delimiters in names than in prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PN: `\`, `^` and `=` end an escape.
    Name,
    /// Values in a list: `\` ends an escape.
    List,
    /// LT, ST, UT: only line ends do.
    Prose,
}

/// What the lower half of the code table holds.
#[derive(Clone, Copy, PartialEq)]
enum Lower {
    Ascii,
    /// JIS X 0208, two bytes a character.
    Jis0208,
    /// JIS X 0212, two bytes a character.
    Jis0212,
}

impl Charset {
    /// Reads the values of (0008,0005).
    pub fn from_terms(terms: &str) -> Self {
        let mut terms = terms.split('\\').map(str::trim);
        let first = terms.next().unwrap_or_default();
        let several = terms.next().is_some();
        let base = encoding_of(first);
        match base {
            Some(encoding) if several || first.starts_with("ISO 2022") => Self::Escaped(encoding),
            Some(encoding) => Self::Whole(encoding),
            None if several => Self::Escaped(WINDOWS_1252),
            None => Self::Guess,
        }
    }

    /// Decodes one value.
    pub fn decode(self, bytes: &[u8], kind: Kind) -> String {
        if bytes.is_ascii() && !bytes.contains(&0x1B) {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        match self {
            Self::Whole(encoding) if !bytes.contains(&0x1B) => plain(encoding, bytes),
            Self::Whole(encoding) | Self::Escaped(encoding) => escaped(encoding, bytes, kind),
            Self::Guess if bytes.contains(&0x1B) => escaped(WINDOWS_1252, bytes, kind),
            Self::Guess => match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => plain(WINDOWS_1252, bytes),
            },
        }
    }
}

fn plain(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// The encoding of a defined term; its `ISO 2022 IR` form is the same set.
fn encoding_of(term: &str) -> Option<&'static Encoding> {
    let number = term
        .strip_prefix("ISO_IR ")
        .or_else(|| term.strip_prefix("ISO 2022 IR "))
        .or_else(|| term.strip_prefix("ISO_IR_"))
        .or_else(|| term.strip_prefix("ISO-IR "))
        .unwrap_or(term);
    Some(match number {
        "6" | "100" | "ISO_8859-1" | "ISO8859-1" => WINDOWS_1252,
        "101" => ISO_8859_2,
        "109" => ISO_8859_3,
        "110" => ISO_8859_4,
        "126" => ISO_8859_7,
        "127" => ISO_8859_6,
        "138" => ISO_8859_8,
        "144" => ISO_8859_5,
        "148" => WINDOWS_1254,
        "203" => ISO_8859_15,
        "13" | "87" | "159" => SHIFT_JIS,
        "149" => EUC_KR,
        "58" | "GBK" => GBK,
        "166" => WINDOWS_874,
        "192" | "UTF-8" | "UTF8" => UTF_8,
        "GB18030" => GB18030,
        "BIG5" | "Big5" => BIG5,
        _ => return None,
    })
}

/// An escape sequence: what it sets, and how long it is. PS3.3 tables C.12-3 and C.12-4.
enum Escape {
    Lower(Lower),
    Upper(&'static Encoding),
}

fn escape_at(bytes: &[u8]) -> Option<(Escape, usize)> {
    let rest = bytes.strip_prefix(b"\x1B")?;
    let table: [(&[u8], Escape); 18] = [
        (b"$(D", Escape::Lower(Lower::Jis0212)),
        (b"$B", Escape::Lower(Lower::Jis0208)),
        (b"$@", Escape::Lower(Lower::Jis0208)),
        (b"(B", Escape::Lower(Lower::Ascii)),
        (b"(J", Escape::Lower(Lower::Ascii)),
        (b")I", Escape::Upper(SHIFT_JIS)),
        (b"$)C", Escape::Upper(EUC_KR)),
        (b"$)A", Escape::Upper(GBK)),
        (b"-A", Escape::Upper(WINDOWS_1252)),
        (b"-B", Escape::Upper(ISO_8859_2)),
        (b"-C", Escape::Upper(ISO_8859_3)),
        (b"-D", Escape::Upper(ISO_8859_4)),
        (b"-F", Escape::Upper(ISO_8859_7)),
        (b"-G", Escape::Upper(ISO_8859_6)),
        (b"-H", Escape::Upper(ISO_8859_8)),
        (b"-L", Escape::Upper(ISO_8859_5)),
        (b"-M", Escape::Upper(WINDOWS_1254)),
        (b"-T", Escape::Upper(WINDOWS_874)),
    ];
    table
        .into_iter()
        .find_map(|(code, set)| rest.starts_with(code).then_some((set, code.len() + 1)))
}

fn escaped(base: &'static Encoding, bytes: &[u8], kind: Kind) -> String {
    let (mut lower, mut upper) = (Lower::Ascii, base);
    let mut text = String::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(byte) = bytes.get(position).copied() {
        let rest = &bytes[position..];
        if let Some((set, length)) = escape_at(rest) {
            match set {
                Escape::Lower(set) => lower = set,
                Escape::Upper(encoding) => upper = encoding,
            }
            position += length;
        } else if byte >= 0x80 {
            let length = rest
                .iter()
                .position(|byte| *byte < 0x80)
                .unwrap_or(rest.len());
            text.push_str(&plain(upper, &rest[..length]));
            position += length;
        } else if lower == Lower::Ascii || byte <= 0x20 || rest.len() < 2 {
            let ends = match byte {
                b'\r' | b'\n' | 0x0C | b'\t' => true,
                b'\\' => kind != Kind::Prose,
                b'^' | b'=' => kind == Kind::Name,
                _ => false,
            };
            if ends {
                (lower, upper) = (Lower::Ascii, base);
            }
            if byte != 0x1B {
                text.push(char::from(byte));
            }
            position += 1;
        } else {
            // The double-byte sets lie in the lower half here and in the upper half of EUC-JP.
            let pair = [rest[0] | 0x80, rest[1] | 0x80];
            let code = match lower {
                Lower::Jis0212 => [&[0x8F], pair.as_slice()].concat(),
                _ => pair.to_vec(),
            };
            text.push_str(&plain(EUC_JP, &code));
            position += 2;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of PS3.5 annexes H, I and K.
    #[test]
    fn names_of_the_standards_annexes_read_as_printed_there() {
        for (terms, bytes, expected) in [
            (
                "\\ISO 2022 IR 87",
                b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B"
                    .as_slice(),
                "Yamada^Tarou=山田^太郎=やまだ^たろう",
            ),
            (
                "ISO 2022 IR 13\\ISO 2022 IR 87",
                b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J",
                "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
            ),
            (
                "\\ISO 2022 IR 149",
                b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7",
                "Hong^Gildong=洪^吉洞",
            ),
            ("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang^XiaoDong=王^小东"),
            ("ISO_IR 192", "Wang^XiaoDong=王^小東".as_bytes(), "Wang^XiaoDong=王^小東"),
        ] {
            assert_eq!(Charset::from_terms(terms).decode(bytes, Kind::Name), expected);
        }
    }

    #[test]
    fn undeclared_text_is_utf8_where_it_can_be_and_latin_1_otherwise() {
        for terms in ["", "ISO_IR 99999", "nonsense"] {
            let set = Charset::from_terms(terms);
            assert_eq!(set.decode("Müller".as_bytes(), Kind::Name), "Müller");
            assert_eq!(set.decode(b"M\xFCller", Kind::Name), "Müller");
        }
    }

    #[test]
    fn broken_text_is_marked_and_never_fails() {
        let set = Charset::from_terms("ISO_IR 192");
        assert_eq!(set.decode(b"a\xFFb", Kind::List), "a\u{FFFD}b");
        Charset::from_terms("\\ISO 2022 IR 87").decode(b"\x1B$B;\x1B", Kind::Prose);
    }
}
