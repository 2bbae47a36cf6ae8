//! Metadata of an instance as the difference to that of its series' first one: what all images of a series say is kept once.
//!
//! Data sets are JSON text as the index writes it: no spaces, attributes in the order of their tags. A difference has the
//! attributes that are others, and `null` for those that the instance lacks. Nothing is kept as a difference that does not give
//! back the same bytes.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::entry::{Entry, deflate, inflate_into};
use super::index::IndexError;

/// Metadata that is larger, deflated, is kept as it is: of frames by the thousand little is alike.
const LARGEST: usize = 32 << 10;

/// An attribute with its tag, as a part of a text.
#[derive(Debug, Clone, Copy)]
struct Member {
    start: usize,
    key_end: usize,
    end: usize,
}

impl Member {
    fn key(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.key_end]
    }

    fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.end]
    }
}

/// The attributes of a data set; `None` where the text is none.
fn members(text: &[u8]) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    if text.first() != Some(&b'{') || text.last() != Some(&b'}') {
        return None;
    }
    let end = text.len() - 1;
    let mut at = 1;
    while at < end {
        let start = at;
        if text[at] != b'"' {
            return None;
        }
        let key_end = at + 1 + memchr::memchr(b'"', &text[at + 1..end])?;
        at = value_end(text, key_end + 1, end)?;
        members.push(Member {
            start,
            key_end,
            end: at,
        });
        at += 1;
    }
    Some(members)
}

/// Where the value ends whose colon is at `at`.
fn value_end(text: &[u8], mut at: usize, end: usize) -> Option<usize> {
    let mut depth = 0_u32;
    while at < end {
        match text[at] {
            b'"' => {
                at += 1;
                loop {
                    at += memchr::memchr2(b'"', b'\\', text.get(at..end)?)?;
                    if text[at] == b'"' {
                        break;
                    }
                    at += 2;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (depth == 0).then_some(end)
}

/// The data set from which those of a series differ.
pub struct Base {
    text: Vec<u8>,
    members: Vec<Member>,
}

impl Base {
    /// Of this text; `None` where it is no data set.
    pub fn new(text: Vec<u8>) -> Option<Self> {
        let members = members(&text)?;
        Some(Self { text, members })
    }

    /// What a data set has otherwise; `None` where it cannot be made of that again.
    pub fn difference(&self, text: &[u8]) -> Option<Vec<u8>> {
        let own = members(text)?;
        let (mut base, mut found) = (self.members.iter().peekable(), vec![b'{']);
        let mut add = |part: &[&[u8]]| {
            if found.len() > 1 {
                found.push(b',');
            }
            part.iter().for_each(|part| found.extend_from_slice(part));
        };
        for member in own {
            while let Some(lost) = base.next_if(|it| it.key(&self.text) < member.key(text)) {
                add(&[lost.key(&self.text), b"\":null"]);
            }
            let same = base.next_if(|it| it.key(&self.text) == member.key(text));
            if same.is_none_or(|same| same.of(&self.text) != member.of(text)) {
                add(&[member.of(text)]);
            }
        }
        for lost in base {
            add(&[lost.key(&self.text), b"\":null"]);
        }
        found.push(b'}');
        let mut again = Vec::new();
        self.append(&found, &mut again)?;
        (again == text).then_some(found)
    }

    /// Appends the data set that differs so; `None` where that is no difference.
    pub fn append(&self, difference: &[u8], text: &mut Vec<u8>) -> Option<()> {
        let others = members(difference)?;
        let mut base = self.members.iter().peekable();
        text.push(b'{');
        let begin = text.len();
        let mut add = |part: &[u8]| {
            if text.len() > begin {
                text.push(b',');
            }
            text.extend_from_slice(part);
        };
        for other in others {
            while let Some(same) = base.next_if(|it| it.key(&self.text) < other.key(difference)) {
                add(same.of(&self.text));
            }
            base.next_if(|it| it.key(&self.text) == other.key(difference));
            if &difference[other.key_end..other.end] != b"\":null" {
                add(other.of(difference));
            }
        }
        base.for_each(|same| add(same.of(&self.text)));
        text.push(b'}');
        Some(())
    }
}

/// What the index keeps as the metadata of a file, and the row of the base from which it differs.
pub(super) fn pack(
    transaction: &Transaction,
    entry: &Entry,
) -> Result<(Vec<u8>, Option<i64>), IndexError> {
    let whole = || (entry.metadata.clone(), None);
    if entry.metadata.len() > LARGEST {
        return Ok(whole());
    }
    let known: Option<(i64, Vec<u8>)> = transaction
        .prepare_cached("SELECT id, text FROM bases WHERE study = ?1 AND series = ?2")?
        .query_row([&entry.study, &entry.series], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((id, base)) = known else {
        let id = transaction
            .prepare_cached(
                "INSERT INTO bases (study, series, text) VALUES (?1, ?2, ?3) RETURNING id",
            )?
            .query_row(params![entry.study, entry.series, entry.metadata], |row| {
                row.get(0)
            })?;
        let nothing = deflate(b"{}").map_err(|_| IndexError::Damaged)?;
        return Ok((nothing, Some(id)));
    };
    let (mut base_text, mut text) = (Vec::new(), Vec::new());
    inflate_into(&base, &mut base_text).map_err(|_| IndexError::Damaged)?;
    inflate_into(&entry.metadata, &mut text).map_err(|_| IndexError::Damaged)?;
    let difference = Base::new(base_text).and_then(|base| base.difference(&text));
    match difference.map(|difference| deflate(&difference)) {
        Some(Ok(packed)) if packed.len() < entry.metadata.len() => Ok((packed, Some(id))),
        _ => Ok(whole()),
    }
}

/// Takes out the base of a series that has gone.
pub(super) fn forget(
    transaction: &Transaction,
    study: &str,
    series: &str,
) -> Result<(), IndexError> {
    transaction
        .prepare_cached(
            "DELETE FROM bases WHERE study = ?1 AND series = ?2 AND NOT EXISTS (
                SELECT 1 FROM files WHERE study = ?1 AND series = ?2)",
        )?
        .execute([study, series])?;
    Ok(())
}

/// Columns of a row of `f`, which is `files`, that [`Unpacker::append`] takes.
pub const PACKED: &str =
    "f.metadata, f.base, (SELECT b.text FROM bases b WHERE b.id = f.base) AS base_text";

/// Makes metadata whole again; rows of one series follow each other.
#[derive(Default)]
pub struct Unpacker {
    last: Option<(i64, Base)>,
    piece: Vec<u8>,
}

impl Unpacker {
    /// Appends the metadata of a row; `at` is the number of the first of the columns [`PACKED`].
    ///
    /// # Errors
    /// The index is damaged.
    pub fn append(
        &mut self,
        row: &rusqlite::Row<'_>,
        at: usize,
        text: &mut Vec<u8>,
    ) -> Result<(), IndexError> {
        let blob = row.get_ref(at)?.as_blob().unwrap_or_default();
        let Some(id) = row.get::<_, Option<i64>>(at + 1)? else {
            return inflate_into(blob, text).map_err(|_| IndexError::Damaged);
        };
        if self.last.as_ref().is_none_or(|(last, _)| *last != id) {
            let mut base = Vec::new();
            let packed = row.get_ref(at + 2)?.as_blob();
            inflate_into(packed.map_err(|_| IndexError::Damaged)?, &mut base)
                .map_err(|_| IndexError::Damaged)?;
            self.last = Some((id, Base::new(base).ok_or(IndexError::Damaged)?));
        }
        self.piece.clear();
        inflate_into(blob, &mut self.piece).map_err(|_| IndexError::Damaged)?;
        let base = self.last.as_ref().map(|(_, base)| base);
        base.and_then(|base| base.append(&self.piece, text))
            .ok_or(IndexError::Damaged)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn check(base: &str, text: &str, expected: Option<&str>) {
        let base = Base::new(base.into()).unwrap();
        let found = base.difference(text.as_bytes());
        let found = found.map(|found| String::from_utf8(found).unwrap());
        assert_eq!(found.as_deref(), expected, "{text}");
        if let Some(found) = found {
            let mut again = b"before".to_vec();
            base.append(found.as_bytes(), &mut again).unwrap();
            assert_eq!(String::from_utf8(again).unwrap(), format!("before{text}"));
        }
    }

    #[test]
    fn what_differs_is_kept_and_gives_back_the_same_bytes() {
        let base =
            r#"{"0010":{"vr":"PN"},"0020":{"Value":["a,\"}\\"],"vr":"LO"},"0030":{"vr":"IS"}}"#;
        check(base, base, Some("{}"));
        check(
            base,
            r#"{"0010":{"vr":"PN"}}"#,
            Some(r#"{"0020":null,"0030":null}"#),
        );
        check(base, "{}", Some(r#"{"0010":null,"0020":null,"0030":null}"#));
        let other = r#"{"0005":{"Value":[{"1":{"a":"]"}},{}],"vr":"SQ"},"0010":{"vr":"PN"},"0020":{"Value":["b"],"vr":"LO"},"0030":{"vr":"IS"},"0040":{"vr":"IS"}}"#;
        let difference = r#"{"0005":{"Value":[{"1":{"a":"]"}},{}],"vr":"SQ"},"0020":{"Value":["b"],"vr":"LO"},"0040":{"vr":"IS"}}"#;
        check(base, other, Some(difference));
        check("{}", other, Some(other));
    }

    #[test]
    fn what_could_not_be_made_again_is_no_difference() {
        let base = r#"{"0010":{"vr":"PN"},"0020":{"vr":"LO"}}"#;
        // Out of order, with spaces, a value that means that there is none.
        check(base, r#"{"0020":{"vr":"LO"},"0010":{"vr":"PN"}}"#, None);
        check(base, r#"{"0010": {"vr":"PN"}, "0020":{"vr":"LO"}}"#, None);
        check(base, r#"{"0010":null}"#, None);
        for broken in [
            "",
            "{",
            "[]",
            r#"{"0010":{"vr""#,
            r#"{"0010":]}"#,
            r#"{"a":"b\"}"#,
        ] {
            check(base, broken, None);
            assert!(Base::new(broken.into()).is_none(), "{broken}");
        }
    }
}
