//! Sizes, names and words of files.

use super::{File, Finding, code};

/// Most lines of a file.
const LINES: usize = 600;
/// Most bytes of a picture that guards layout.
const GOLDEN_BYTES: u64 = 16 * 1024;

/// Files stay short, unless a program wrote them and says so at their top.
pub(super) fn sizes(file: &File<'_>) -> Vec<Finding> {
    if !file.has_extension(&["rs", "wgsl", "js", "mjs", "css"]) {
        return Vec::new();
    }
    let is_generated = file
        .text
        .lines()
        .take(3)
        .any(|line| line.to_ascii_lowercase().contains("generated"));
    let count = file.text.lines().count();
    if count > LINES && !is_generated {
        return vec![Finding::new(
            LINES + 1,
            format!("{count} lines: {LINES} at most, split it"),
        )];
    }
    Vec::new()
}

/// Nothing has a name under which anything could be put.
pub(super) fn names(file: &File<'_>) -> Vec<Finding> {
    const EVERYTHING: [&str; 8] = [
        "utils", "util", "helper", "helpers", "manager", "info", "data", "misc",
    ];
    if !file.has_extension(&["rs", "wgsl", "js", "mjs", "css"]) {
        return Vec::new();
    }
    let stems = file
        .path
        .split('/')
        .map(|part| part.split('.').next().unwrap_or_default());
    stems
        .filter(|stem| {
            let last = stem.rsplit(['_', '-']).next().unwrap_or_default();
            EVERYTHING.contains(stem)
                || matches!(
                    last,
                    "utils" | "util" | "helper" | "helpers" | "manager" | "misc"
                )
        })
        .map(|stem| Finding::new(1, format!("{stem} says nothing: name what it is")))
        .collect()
}

/// Words that no file may hold, put together here so that this one does not.
fn forbidden_words() -> Vec<String> {
    [
        ["to", "do!("],
        ["unimple", "mented!("],
        ["TO", "DO"],
        ["FIX", "ME"],
        ["#[ig", "nore"],
        ["sub", "agent"],
        ["/wo", "rk/"],
        ["xf", "ail"],
    ]
    .map(|parts| parts.concat())
    .to_vec()
}

/// No unfinished work, no test that does not run, nothing about how the project was made.
pub(super) fn forbidden(file: &File<'_>) -> Vec<Finding> {
    let is_text = file.has_extension(&[
        "rs", "wgsl", "js", "mjs", "ts", "css", "html", "md", "toml", "json", "txt", "sh", "yml",
        "yaml", "svg", "py",
    ]);
    if !is_text && file.path != ".ci/run" {
        return Vec::new();
    }
    let words = forbidden_words();
    let is_script = file.has_extension(&["js", "mjs", "ts"]);
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in words.iter().filter(|word| holds(line, word)) {
            found.push(Finding::new(
                index + 1,
                format!("`{word}` must not be here"),
            ));
        }
        if is_script && line.contains(".skip(") {
            found.push(Finding::new(index + 1, "a test must not be skipped"));
        }
    }
    found
}

/// True where a line holds a word that is not part of a longer one.
fn holds(line: &str, word: &str) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    line.match_indices(word).any(|(start, _)| {
        let bytes = line.as_bytes();
        let end = start + word.len();
        let longer_before =
            is_letter(bytes.get(start)) && start > 0 && is_letter(bytes.get(start - 1));
        let longer_after = is_letter(bytes.get(end - 1)) && is_letter(bytes.get(end));
        // Plurals of these words are no better; longer words in capitals are other words.
        let is_other_word = longer_after && word.bytes().all(|byte| byte.is_ascii_uppercase());
        !longer_before && !is_other_word
    })
}

/// Nothing that users run panics on purpose.
pub(super) fn no_panics(file: &File<'_>) -> Vec<Finding> {
    const CRATES: [&str; 5] = [
        "protocol/src/",
        "viewer-core/src/",
        "viewer-gpu/src/",
        "viewer-ui/src/",
        "gateway/src/",
    ];
    if !CRATES.iter().any(|folder| file.path.starts_with(folder)) || !file.path.ends_with(".rs") {
        return Vec::new();
    }
    let blanked = code::blanked(file.text);
    let tests = code::test_lines(file.path, &blanked);
    let excused = code::excused_lines(&blanked);
    let mut found = Vec::new();
    for (index, (code, text)) in blanked.lines().zip(file.text.lines()).enumerate() {
        if tests[index] || excused[index] {
            continue;
        }
        let expects = |(at, _): (usize, &str)| {
            text.get(at..)
                .is_some_and(|rest| rest.starts_with(".expect(\""))
        };
        let word = if code.contains(".unwrap()") {
            ".unwrap()"
        } else if code.match_indices(".expect(").any(expects) {
            ".expect()"
        } else if code
            .match_indices("panic!(")
            .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        {
            "panic!()"
        } else {
            continue;
        };
        found.push(Finding::new(
            index + 1,
            format!("{word} outside a test: return an error"),
        ));
    }
    found
}

/// Every source says at its top what it is.
pub(super) fn headers(file: &File<'_>) -> Vec<Finding> {
    let wanted = match file.path.rsplit_once('.') {
        Some((_, "rs")) => "//!",
        Some((_, "wgsl")) => "//",
        _ => return Vec::new(),
    };
    if file.text.starts_with(wanted) {
        return Vec::new();
    }
    vec![Finding::new(
        1,
        format!("the file must start with `{wanted}` and say what it is"),
    )]
}

/// Pictures that guard layout stay small.
pub(super) fn small_goldens(file: &File<'_>) -> Vec<Finding> {
    let is_golden =
        file.path.ends_with(".png") && file.path.split('/').any(|folder| folder == "golden");
    if is_golden && file.bytes > GOLDEN_BYTES {
        return vec![Finding::new(
            1,
            format!("{} bytes: {GOLDEN_BYTES} at most", file.bytes),
        )];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    #[test]
    fn files_stay_short_unless_generated() {
        let long = "x\n".repeat(601);
        assert_lines(sizes, "a/b.rs", &long, &[601]);
        assert_lines(sizes, "a/b.rs", &"x\n".repeat(600), &[]);
        assert_lines(
            sizes,
            "a/b.rs",
            &format!("//! Generated by x.\n{long}"),
            &[],
        );
        assert_lines(sizes, "a/b.md", &long, &[]);
    }

    #[test]
    fn names_say_what_a_file_is() {
        for path in [
            "a/src/utils.rs",
            "a/src/helpers/b.rs",
            "www/file_manager.js",
            "a/src/info.rs",
        ] {
            assert_lines(names, path, "", &[1]);
        }
        for path in ["a/src/dataset.rs", "a/src/frame_data.rs", "a/misc/b.md"] {
            assert_lines(names, path, "", &[]);
        }
    }

    #[test]
    fn unfinished_work_is_found() {
        for word in forbidden_words() {
            assert_lines(forbidden, "a/b.rs", &format!("x\n// {word} y"), &[2]);
        }
        assert_lines(forbidden, "a/b.mjs", "it.skip('x')", &[1]);
        assert_lines(
            forbidden,
            "a/b.rs",
            "x.iter().skip(1); METHODOLOGY; autodoc",
            &[],
        );
    }

    #[test]
    fn what_users_run_does_not_panic_on_purpose() {
        let text = "fn a() { b.unwrap() }\nfn c() { d.expect(\"e\") }\nfn f() { panic!(\"g\") }\nfn h() { i.expect('j') }\n\
            // k.unwrap()\n#[expect(clippy::panic, reason = \"l\")]\nfn m() { panic!(\"n\") }\n\
            #[cfg(test)]\nmod tests { fn o() { p.unwrap() } }\n";
        assert_lines(no_panics, "gateway/src/a.rs", text, &[1, 2, 3]);
        assert_lines(no_panics, "phantom/src/a.rs", text, &[]);
    }

    #[test]
    fn sources_say_what_they_are() {
        assert_lines(headers, "a/b.rs", "use x;\n", &[1]);
        assert_lines(headers, "a/b.rs", "//! It.\n", &[]);
        assert_lines(headers, "a/b.wgsl", "fn x() {}\n", &[1]);
        assert_lines(headers, "a/b.wgsl", "// b.wgsl: it.\n", &[]);
    }

    #[test]
    fn goldens_stay_small() {
        let of = |path, bytes| {
            small_goldens(&File {
                path,
                text: "",
                bytes,
            })
            .len()
        };
        assert_eq!(of("tests/golden/a.png", 16 * 1024 + 1), 1);
        assert_eq!(of("tests/golden/a.png", 16 * 1024), 0);
        assert_eq!(of("docs/a.png", 1 << 20), 0);
    }
}
