//! Rust sources as the rules see them: without comments and strings, with paths spelt out, and knowing
//! which lines belong to tests.

/// A path of identifiers as the code uses it, groups spelt out: `use a::{b, c}` are two paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Used {
    /// 1-based.
    pub(super) line: usize,
    /// `a::b`
    pub(super) path: String,
    /// True after a dot: a method or field.
    pub(super) is_member: bool,
}

/// The text with comments, strings and characters blanked; lines and columns stay as they are.
pub(super) fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'/')) => find(bytes, at, b"\n"),
            (b'/', Some(b'*')) => comment_end(bytes, at),
            (b'"', _) => string_end(bytes, at + 1),
            (b'r' | b'b' | b'c', _) if !is_word_before(bytes, at) => {
                match raw_string_end(bytes, at) {
                    Some(end) => end,
                    None => {
                        at += 1;
                        continue;
                    }
                }
            }
            (b'\'', _) => match character_end(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            _ => {
                at += 1;
                continue;
            }
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_word_before(bytes: &[u8], at: usize) -> bool {
    at > 0 && is_word(bytes[at - 1])
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    let found = bytes[from..]
        .windows(what.len())
        .position(|part| part == what);
    found.map_or(bytes.len(), |place| from + place)
}

fn comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// End of `r"..."`, `r#"..."#`, `b"..."`, `b'x'` and the like, where one starts here.
fn raw_string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while matches!(bytes.get(at), Some(b'r' | b'b' | b'c')) && at < start + 2 {
        at += 1;
    }
    let is_raw = bytes[start..at].contains(&b'r');
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    match bytes.get(at + hashes) {
        Some(b'"') if is_raw => {
            let close = [b"\"", "#".repeat(hashes).as_bytes()].concat();
            Some((find(bytes, at + hashes + 1, &close) + close.len()).min(bytes.len()))
        }
        Some(b'"') if hashes == 0 => Some(string_end(bytes, at + 1)),
        Some(b'\'') if hashes == 0 && !is_raw => character_end(bytes, at),
        _ => None,
    }
}

/// End of a character; `None` for a lifetime.
fn character_end(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes.get(start + 1) == Some(&b'\\') {
        return Some(find(bytes, start + 3, b"'") + 1).map(|end| end.min(bytes.len()));
    }
    // One character of up to four bytes, then the closing quote.
    (2..=5)
        .map(|length| start + length)
        .find(|end| bytes.get(*end) == Some(&b'\''))
        .and_then(|end| {
            let inside = std::str::from_utf8(&bytes[start + 1..end]).ok()?;
            (inside.chars().count() == 1).then_some(end + 1)
        })
}

/// All paths that the code uses, outside of comments and strings.
pub(super) fn paths(blanked: &str) -> Vec<Used> {
    let tokens = tokens(blanked);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_identifier(tokens[at].1) {
            let is_member = at > 0 && tokens[at - 1].1 == ".";
            at = expand(&tokens, at, "", is_member, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn is_identifier(token: &str) -> bool {
    token
        .bytes()
        .next()
        .is_some_and(|byte| is_word(byte) && !byte.is_ascii_digit())
}

/// Lines and tokens: words, `::`, and single characters.
fn tokens(blanked: &str) -> Vec<(usize, &str)> {
    let bytes = blanked.as_bytes();
    let (mut found, mut line, mut at) = (Vec::new(), 1, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        let end = if is_word(byte) {
            at + bytes[at..]
                .iter()
                .take_while(|byte| is_word(**byte))
                .count()
        } else if bytes[at..].starts_with(b"::") {
            at + 2
        } else {
            at + 1
        };
        if byte == b'\n' {
            line += 1;
        } else if !byte.is_ascii_whitespace() {
            found.push((line, &blanked[at..end]));
        }
        at = end;
    }
    found
}

/// Spells out the path or group that starts here; returns where the code goes on.
fn expand(
    tokens: &[(usize, &str)],
    start: usize,
    prefix: &str,
    is_member: bool,
    found: &mut Vec<Used>,
) -> usize {
    let mut at = start;
    let mut path = prefix.to_owned();
    let token = |at: usize| tokens.get(at).map_or("", |token| token.1);
    loop {
        match token(at) {
            "{" if !prefix.is_empty() || at > start => {
                at += 1;
                while at < tokens.len() && token(at) != "}" {
                    at = match token(at) {
                        "," => at + 1,
                        _ => expand(tokens, at, &path, false, found),
                    };
                }
                return at + 1;
            }
            word if is_identifier(word) || word == "*" => {
                if word != "self" || path.is_empty() {
                    let between = if path.is_empty() { "" } else { "::" };
                    path = format!("{path}{between}{word}");
                }
                at += 1;
            }
            _ => break,
        }
        let goes_on = is_identifier(token(at + 1)) || matches!(token(at + 1), "{" | "*");
        if token(at) != "::" || !goes_on {
            break;
        }
        at += 1;
    }
    if at > start {
        found.push(Used {
            line: tokens[start].0,
            path,
            is_member,
        });
    }
    if !prefix.is_empty() && token(at) == "as" {
        return at + 2;
    }
    at.max(start + 1)
}

/// For each line (index 0 is line 1) whether it belongs to an item under an attribute that is wanted.
fn lines_under(blanked: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<bool> {
    let mut under = vec![false; blanked.lines().count() + 1];
    let line_of = |at: usize| blanked[..at].matches('\n').count();
    for (start, _) in blanked.match_indices("#[") {
        let end = closing(blanked, start + 1);
        let attribute: String = blanked[start..end].split_whitespace().collect();
        if is_wanted(&attribute) {
            let last = line_of(item_end(blanked, end).min(blanked.len()));
            under[line_of(start)..=last].fill(true);
        }
    }
    under
}

/// Place after the bracket that closes the one at `open`.
fn closing(blanked: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    for (place, byte) in blanked.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    blanked.len()
}

/// Place after the item or statement that starts here.
fn item_end(blanked: &str, start: usize) -> usize {
    let mut depth = 0_i32;
    for (place, byte) in blanked.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        let is_over = match byte {
            b';' => depth == 0,
            // A block ends an item, also the last one of a block around it.
            b'}' => depth <= 0,
            _ => false,
        };
        if is_over {
            return place;
        }
    }
    blanked.len()
}

/// For each line whether it is part of a test.
pub(super) fn test_lines(path: &str, blanked: &str) -> Vec<bool> {
    let stem = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs");
    let is_test_file = stem == "tests"
        || stem.ends_with("_tests")
        || path.split('/').any(|folder| folder == "tests");
    if is_test_file {
        return vec![true; blanked.lines().count() + 1];
    }
    lines_under(blanked, |attribute| {
        attribute == "#[cfg(test)]" || attribute.starts_with("#[cfg(all(test")
    })
}

/// For each line whether a lint of panics is expected there, with its reason.
pub(super) fn excused_lines(blanked: &str) -> Vec<bool> {
    const LINTS: [&str; 4] = [
        "clippy::panic",
        "clippy::unwrap_used",
        "clippy::expect_used",
        "clippy::missing_panics_doc",
    ];
    lines_under(blanked, |attribute| {
        attribute.starts_with("#[expect(") && LINTS.iter().any(|lint| attribute.contains(lint))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked_and_lifetimes_stay() {
        let text = "a /* b /* c */ d */ \"e\\\"f\" g // h\nlet r = r#\"i\"j\"#; 'k' '\\'' b'l' &'m n br\"o\" 'é' p";
        let words: Vec<String> = blanked(text)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(words.join(" "), "a g let r = ; &'m n p");
        assert_eq!(blanked(text).len(), text.len());
    }

    #[test]
    fn groups_are_spelt_out() {
        let text = "use a::{self, b::{C, D as E}, f::*};\nlet x = g::h(1).await; S { i: j }";
        let found = paths(text);
        let paths: Vec<&str> = found.iter().map(|used| used.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "use", "a", "a::b::C", "a::b::D", "a::f::*", "let", "x", "g::h", "await", "S", "i",
                "j"
            ]
        );
        assert_eq!((found[7].line, found[8].is_member), (2, true));
    }

    #[test]
    fn test_modules_and_expected_lints_are_known_by_line() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n";
        let tests = test_lines("x/src/a.rs", text);
        assert_eq!(&tests[..7], [false, true, true, true, true, true, false]);
        let text =
            "#[expect(clippy::panic, reason = \"\")]\nfn a() -> [u8; 2] {\n  b\n}\nfn c() {}\n";
        assert_eq!(&excused_lines(text)[..5], [true, true, true, true, false]);
        assert!(test_lines("x/src/a_tests.rs", "fn a() {}")[0]);
    }
}
