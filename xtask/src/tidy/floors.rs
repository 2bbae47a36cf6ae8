//! Floors between crates: each imports only from below.

use super::{File, Finding, code};

/// A crate and what it must not import.
struct Floor {
    name: &'static str,
    /// Crates of this workspace that it may import.
    below: &'static [&'static str],
    /// Foreign crates that belong to other floors; a dash at the end stands for all that start so.
    foreign: &'static [&'static str],
}

/// What only the browser side may know.
const BROWSER: [&str; 6] = ["wasm-bindgen", "web-sys", "js-sys", "gloo-", "yew", "wgpu"];

const FLOORS: [Floor; 8] = [
    Floor {
        name: "protocol",
        below: &[],
        foreign: CORE,
    },
    Floor {
        name: "viewer-core",
        below: &["protocol"],
        foreign: CORE,
    },
    Floor {
        name: "viewer-gpu",
        below: &["viewer-core"],
        foreign: &["yew", "gloo-", "axum", "tokio", "rusqlite"],
    },
    Floor {
        name: "viewer-ui",
        below: &["protocol", "viewer-core", "viewer-gpu"],
        foreign: &["axum", "tokio", "rusqlite", "tower-"],
    },
    Floor {
        name: "gateway",
        below: &["protocol", "viewer-core"],
        foreign: &BROWSER,
    },
    Floor {
        name: "phantom",
        below: &["protocol"],
        foreign: &BROWSER,
    },
    Floor {
        name: "tests",
        below: &[
            "protocol",
            "viewer-core",
            "viewer-gpu",
            "gateway",
            "phantom",
        ],
        foreign: &["yew"],
    },
    Floor {
        name: "xtask",
        below: &[],
        foreign: &["wgpu", "yew", "axum"],
    },
];

/// Floors 0 and 1 only decide: nothing that waits, draws, or talks to the outside.
const CORE: &[&str] = &[
    "wasm-bindgen",
    "wasm-bindgen-",
    "web-sys",
    "js-sys",
    "gloo-",
    "yew",
    "wgpu",
    "naga",
    "tokio",
    "futures",
    "futures-",
    "async-",
    "pollster",
    "axum",
    "hyper",
    "reqwest",
    "rusqlite",
    "rayon",
    "web-time",
    "instant",
    "chrono",
    "time",
];

const WORKSPACE: [&str; 8] = [
    "protocol",
    "viewer-core",
    "viewer-gpu",
    "viewer-ui",
    "gateway",
    "phantom",
    "sagitta-tests",
    "xtask",
];

fn floor_of(path: &str) -> Option<&'static Floor> {
    let folder = path.split('/').next()?;
    FLOORS.iter().find(|floor| floor.name == folder)
}

impl Floor {
    fn forbids(&self, import: &str) -> bool {
        if WORKSPACE.contains(&import) {
            let own = if self.name == "tests" {
                "sagitta-tests"
            } else {
                self.name
            };
            return import != own && !self.below.contains(&import);
        }
        self.foreign
            .iter()
            .any(|name| match name.strip_suffix('-') {
                Some(start) => import
                    .strip_prefix(start)
                    .is_some_and(|rest| rest.starts_with('-')),
                None => import == *name,
            })
    }
}

/// Dependencies of a Cargo.toml; those of tests may come from anywhere.
pub(super) fn dependencies(file: &File<'_>) -> Vec<Finding> {
    let Some(floor) = floor_of(file.path).filter(|_| file.path.ends_with("/Cargo.toml")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut is_open = false;
    for (index, line) in file.text.lines().enumerate() {
        if let Some(section) = line.trim().strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_open = section == "dependencies" || section.ends_with(".dependencies");
            let single = section
                .rsplit_once("dependencies.")
                .filter(|_| !section.contains("dev-"));
            if let Some((_, name)) = single.filter(|(_, name)| floor.forbids(name)) {
                found.push(Finding::new(
                    index + 1,
                    format!("{} must not depend on {name}", floor.name),
                ));
            }
        } else if is_open {
            let name = line
                .split(['=', '.', ' '])
                .next()
                .unwrap_or_default()
                .trim();
            if floor.forbids(name) {
                found.push(Finding::new(
                    index + 1,
                    format!("{} must not depend on {name}", floor.name),
                ));
            }
        }
    }
    found
}

/// Imports of Rust sources outside tests.
pub(super) fn imports(file: &File<'_>) -> Vec<Finding> {
    let Some(floor) = floor_of(file.path).filter(|_| file.path.ends_with(".rs")) else {
        return Vec::new();
    };
    let blanked = code::blanked(file.text);
    let tests = code::test_lines(file.path, &blanked);
    let used = code::paths(&blanked)
        .into_iter()
        .filter(|used| !used.is_member && !tests[used.line - 1]);
    used.filter_map(|used| {
        let (first, _) = used.path.split_once("::")?;
        let name = first.replace('_', "-");
        floor
            .forbids(&name)
            .then(|| Finding::new(used.line, format!("{} must not import {first}", floor.name)))
    })
    .collect()
}

/// Every crate has the lints of the workspace.
pub(super) fn lints_everywhere(file: &File<'_>) -> Vec<Finding> {
    if floor_of(file.path).is_none() || !file.path.ends_with("/Cargo.toml") {
        return Vec::new();
    }
    let has_lints = file
        .text
        .replace(' ', "")
        .contains("[lints]\nworkspace=true");
    if has_lints {
        Vec::new()
    } else {
        vec![Finding::new(1, "the workspace's lints are missing")]
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    #[test]
    fn a_crate_depends_only_on_lower_floors() {
        let text = "[dependencies]\nviewer-core.workspace = true\ngateway = { path = \"x\" }\n[dev-dependencies]\ngateway.workspace = true\n";
        assert_lines(dependencies, "viewer-gpu/Cargo.toml", text, &[3]);
        assert_lines(
            dependencies,
            "viewer-core/Cargo.toml",
            "[dependencies]\nfutures-util = \"1\"\nserde = \"1\"\n",
            &[2],
        );
        assert_lines(
            dependencies,
            "gateway/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nwgpu = \"1\"\n",
            &[2],
        );
        assert_lines(
            dependencies,
            "gateway/Cargo.toml",
            "[dependencies.yew]\nversion = \"1\"\n",
            &[1],
        );
        assert_lines(
            dependencies,
            "gateway/Cargo.toml",
            "[dependencies]\nfutures-util = \"1\"\ntokio = \"1\"\n",
            &[],
        );
    }

    #[test]
    fn sources_import_only_from_lower_floors() {
        let text = "use viewer_core::x;\n// viewer_ui::y\nfn f() { gateway::g() }\n#[cfg(test)]\nmod tests { use phantom::h; }\n";
        assert_lines(imports, "viewer-gpu/src/a.rs", text, &[3]);
        assert_lines(imports, "viewer-core/src/a.rs", "use protocol::uid;\n", &[]);
    }

    #[test]
    fn every_crate_has_the_lints() {
        assert_lines(lints_everywhere, "gateway/Cargo.toml", "[package]\n", &[1]);
        assert_lines(
            lints_everywhere,
            "gateway/Cargo.toml",
            "[lints]\nworkspace = true\n",
            &[],
        );
    }
}
