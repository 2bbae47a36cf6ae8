//! Inside viewer-core: modules import only from lower modules, and nothing there has a host.

use super::{File, Finding, code};

/// Modules from the bottom up; those of one row may know each other.
const ROWS: [&[&str]; 5] = [
    &["geometry", "pixel"],
    &["decode", "video", "volume", "model"],
    &["loading", "annotation"],
    &["tools"],
    &["state"],
];

fn row_of(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// Imports between modules of viewer-core.
pub(super) fn modules_of_the_core(file: &File<'_>) -> Vec<Finding> {
    let inside = file
        .path
        .strip_prefix("viewer-core/src/")
        .filter(|_| file.path.ends_with(".rs"));
    let Some(inside) = inside else {
        return Vec::new();
    };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    let Some(own) = row_of(module) else {
        return Vec::new();
    };
    let blanked = code::blanked(file.text);
    let tests = code::test_lines(file.path, &blanked);
    let used = code::paths(&blanked)
        .into_iter()
        .filter(|used| !tests[used.line - 1]);
    used.filter_map(|used| {
        let other = used.path.strip_prefix("crate::")?.split("::").next()?;
        let is_above = row_of(other)? > own;
        is_above.then(|| {
            Finding::new(
                used.line,
                format!("{module} must not import {other}: it lies above"),
            )
        })
    })
    .collect()
}

/// What decides must not wait, read, draw, or look at the clock.
const HOSTS: [&str; 16] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "SystemTime",
    "web_sys",
    "js_sys",
    "wasm_bindgen",
    "tokio",
    "wgpu",
    "futures",
];

/// No host in floors 0 and 1.
pub(super) fn core_without_hosts(file: &File<'_>) -> Vec<Finding> {
    let is_core = ["protocol/src/", "viewer-core/src/"]
        .iter()
        .any(|folder| file.path.starts_with(folder));
    if !is_core || !file.path.ends_with(".rs") {
        return Vec::new();
    }
    let blanked = code::blanked(file.text);
    let tests = code::test_lines(file.path, &blanked);
    let used = code::paths(&blanked)
        .into_iter()
        .filter(|used| !tests[used.line - 1]);
    used.filter_map(|used| {
        let is_async = used.path == "async" || (used.is_member && used.path == "await");
        let host = HOSTS.iter().find(|host| {
            used.path
                .strip_prefix(**host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        });
        match host {
            _ if is_async => Some(Finding::new(used.line, "async must not be used here")),
            Some(host) if !used.is_member => Some(Finding::new(
                used.line,
                format!("{host} must not be used here"),
            )),
            _ => None,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    #[test]
    fn modules_of_the_core_import_only_from_below() {
        let text = "use crate::geometry::A;\nuse crate::{pixel::B, state::C};\nfn f(x: crate::tools::D) {}\n";
        assert_lines(
            modules_of_the_core,
            "viewer-core/src/decode/a.rs",
            text,
            &[2, 3],
        );
        assert_lines(
            modules_of_the_core,
            "viewer-core/src/state/mod.rs",
            text,
            &[],
        );
        assert_lines(modules_of_the_core, "viewer-ui/src/decode/a.rs", text, &[]);
    }

    #[test]
    fn the_core_has_no_host() {
        let text = "use std::{fs, fmt};\nasync fn f() { g().await }\nlet t = std::time::Instant::now();\n// std::net\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_lines(
            core_without_hosts,
            "viewer-core/src/a.rs",
            text,
            &[1, 2, 2, 3],
        );
        assert_lines(core_without_hosts, "gateway/src/a.rs", text, &[]);
        assert_lines(
            core_without_hosts,
            "protocol/src/a.rs",
            "struct Instant;\nfn tokio_free() {}\n",
            &[],
        );
    }
}
