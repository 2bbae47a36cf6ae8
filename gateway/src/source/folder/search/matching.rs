//! How a value matches what is asked for, as functions of SQLite.
//!
//! Both sides are folded: without case and accents. A column that may hold several values has them between backslashes; any of
//! them may match. Source: DICOM PS3.4 sections C.2.2.2.1, C.2.2.2.4 (wild cards), C.2.2.2.6 (sequences) and C.2.2.3.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::FromSqlError;

/// Between the attributes of an item, and between items, of a sequence in one column.
pub const NEXT_ATTRIBUTE: char = '\t';
/// See [`NEXT_ATTRIBUTE`].
pub const NEXT_ITEM: char = '\n';

/// A pattern, read once for all rows.
struct Pattern {
    /// Its groups between `=`; only names have several.
    groups: Vec<Vec<char>>,
    /// Its words, for fuzzy matching.
    words: Vec<String>,
}

impl Pattern {
    fn text(pattern: &str) -> Self {
        Self {
            groups: vec![pattern.chars().collect()],
            words: Vec::new(),
        }
    }

    /// Empty components at the end of a group mean nothing, PS3.5 6.2.1.
    fn name(pattern: &str) -> Self {
        let groups = pattern.split('=');
        let trimmed = groups.map(|group| group.trim().trim_end_matches('^').chars().collect());
        Self {
            groups: trimmed.collect(),
            words: words(pattern).map(str::to_owned).collect(),
        }
    }

    /// One group matches the whole name or any of its groups, several match theirs; an empty one matches anything.
    fn matches_name(&self, name: &str) -> bool {
        match self.groups.as_slice() {
            [group] => glob(group, name) || name.split('=').any(|part| glob(group, part)),
            groups => {
                let mut parts = name.split('=');
                groups.iter().all(|group| {
                    let part = parts.next().unwrap_or_default();
                    group.is_empty() || glob(group, part)
                })
            }
        }
    }

    /// Every word begins a word of the name.
    fn matches_words(&self, name: &str) -> bool {
        let begins = |word: &String| words(name).any(|other| other.starts_with(word.as_str()));
        !self.words.is_empty() && self.words.iter().all(begins)
    }
}

/// Runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Values of a column.
fn values(text: &str) -> impl Iterator<Item = &str> {
    text.split('\\')
}

fn glob(pattern: &[char], text: &str) -> bool {
    let (mut at, mut rest) = (0, text.chars());
    // Behind the last star, and where in the text it was tried last.
    let mut star: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let Some(character) = rest.clone().next() else {
            return pattern[at..].iter().all(|c| *c == '*');
        };
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, rest.clone()));
            }
            Some(c) if *c == '?' || *c == character => {
                at += 1;
                rest.next();
            }
            // On a mismatch the last star swallows one character more.
            _ => match &mut star {
                Some((behind, from)) => {
                    from.next();
                    (at, rest) = (*behind, from.clone());
                }
                None => return false,
            },
        }
    }
}

fn matches_text(pattern: &Pattern, text: &str) -> bool {
    let groups = &pattern.groups;
    values(text).any(|value| groups.iter().any(|group| glob(group, value)))
}

fn matches_code(pattern: &Pattern, text: &str) -> bool {
    match text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        true => matches_text(pattern, &text.to_ascii_uppercase()),
        false => matches_text(pattern, text),
    }
}

fn matches_name(pattern: &Pattern, text: &str) -> bool {
    values(text).any(|name| pattern.matches_name(name))
}

fn matches_fuzzily(pattern: &Pattern, text: &str) -> bool {
    values(text).any(|name| pattern.matches_name(name) || pattern.matches_words(name))
}

/// One item must match in all attributes that are asked for.
fn matches_item(patterns: &[Option<&Pattern>], items: &str) -> bool {
    items.split(NEXT_ITEM).any(|item| {
        let mut attributes = item.split(NEXT_ATTRIBUTE);
        patterns.iter().all(|pattern| {
            let value = attributes.next().unwrap_or_default();
            pattern.is_none_or(|pattern| matches_text(pattern, value))
        })
    })
}

/// Makes the functions known to a connection.
///
/// # Errors
/// SQLite has no room for them.
pub fn register(connection: &Connection) -> rusqlite::Result<()> {
    type Read = fn(&str) -> Pattern;
    type Matches = fn(&Pattern, &str) -> bool;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let table: [(&str, Read, Matches); 4] = [
        ("text_match", Pattern::text, matches_text),
        ("code_match", Pattern::text, matches_code),
        ("name_match", Pattern::name, matches_name),
        ("fuzzy_match", Pattern::name, matches_fuzzily),
    ];
    for (name, read, matches) in table {
        connection.create_scalar_function(name, 2, flags, move |context| {
            let pattern = context
                .get_or_create_aux(0, |value| Ok::<_, FromSqlError>(read(value.as_str()?)))?;
            Ok(matches(&pattern, text(context, 1)))
        })?;
    }
    // Patterns of the attributes of an item, null for those that are not asked for; then the items.
    connection.create_scalar_function("item_match", 3, flags, |context| {
        let pattern = |index| {
            context
                .get_raw(index)
                .as_str_or_null()
                .map(|text| text.map(Pattern::text))
        };
        let patterns = [pattern(0)?, pattern(1)?];
        let patterns = patterns.each_ref().map(Option::as_ref);
        Ok(matches_item(&patterns, text(context, 2)))
    })
}

fn text<'a>(context: &'a Context<'_>, index: usize) -> &'a str {
    context.get_raw(index).as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_ps3_4() {
        for (pattern, text, expected) in [
            ("doe*", "doe^john", true),
            ("*john", "doe^john", true),
            ("d?e^*", "doe^john", true),
            ("doe", "doe^john", false),
            ("doe^john*", "doe^john", true),
            ("doe^john?", "doe^john", false),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("*a*b*c", "xxaxxbxxbd", false),
            ("**", "", true),
            ("?", "山", true),
            ("", "doe", false),
        ] {
            let found = matches_text(&Pattern::text(pattern), text);
            assert_eq!(found, expected, "{pattern} {text}");
        }
    }

    #[test]
    fn groups_of_names_match_alone_or_each_its_own() {
        let name = "yamada^tarou=山田^太郎=やまだ^たろう";
        for (pattern, expected) in [
            ("yamada*", true),
            ("山田*", true),
            ("山田^太郎", true),
            ("やまだ^たろう", true),
            ("yamada^tarou=山田^太郎", true),
            ("=山田*", true),
            ("yamada*=*=やまだ*", true),
            ("山田*=yamada*", false),
            ("yamada", false),
            ("yamada^tarou^^", true),
        ] {
            let found = matches_name(&Pattern::name(pattern), name);
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn fuzzy_matching_adds_names_whose_words_begin_so_in_any_order() {
        let found = |pattern| matches_fuzzily(&Pattern::name(pattern), "doe^john");
        assert!(found("john do") && found("*ohn") && found("john"));
        assert!(!found("ohn") && !found("") && !found("??"));
    }

    #[test]
    fn any_value_and_any_single_item_may_match() {
        let text = |pattern, text| matches_text(&Pattern::text(pattern), text);
        assert!(text("b*", "ab\\bc") && !text("c*", "ab\\bc"));
        assert!(matches_code(&Pattern::text("C?"), "\\mr\\ct\\"));
        let items = "s1\tr1\ns2\tr2";
        let item = |sps, rp| {
            matches_item(
                &[Some(&Pattern::text(sps)), Some(&Pattern::text(rp))],
                items,
            )
        };
        assert!(item("s1", "r1") && item("s?", "r2") && !item("s1", "r2"));
        assert!(matches_item(&[None, Some(&Pattern::text("r2"))], items));
    }
}
