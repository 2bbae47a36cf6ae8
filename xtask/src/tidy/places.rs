//! Things that only one place may do.

use super::{File, Finding, code};

fn is_in(file: &File<'_>, places: &[&str]) -> bool {
    places.iter().any(|place| file.path.starts_with(place))
}

/// Paths used by a Rust file, with its tests.
fn used(file: &File<'_>) -> Vec<code::Used> {
    if file.path.ends_with(".rs") {
        code::paths(&code::blanked(file.text))
    } else {
        Vec::new()
    }
}

/// Code for the browser alone stands where the floors meet it.
pub(super) fn wasm_only_at_the_edge(file: &File<'_>) -> Vec<Finding> {
    const PLACES: [&str; 4] = [
        "viewer-gpu/src/context.rs",
        "viewer-gpu/src/context/",
        "viewer-ui/src/platform/",
        "viewer-core/src/decode/simd/",
    ];
    if !file.path.ends_with(".rs") || is_in(file, &PLACES) {
        return Vec::new();
    }
    let blanked = code::blanked(file.text);
    let lines = blanked.lines().zip(file.text.lines()).enumerate();
    lines
        .filter(|(_, (code, text))| {
            let asks = code.contains("target_arch") || code.contains("target_family");
            asks && text.contains("wasm")
        })
        .map(|(index, _)| Finding::new(index + 1, "code for wasm only belongs to viewer-gpu's context, viewer-ui's platform or decode/simd"))
        .collect()
}

/// Fetch, workers, storage and animation frames belong to the platform.
pub(super) fn browser_only_in_platform(file: &File<'_>) -> Vec<Finding> {
    const TYPES: [&str; 8] = [
        "web_sys::Worker",
        "web_sys::WorkerOptions",
        "web_sys::Storage",
        "web_sys::Request",
        "web_sys::RequestInit",
        "web_sys::XmlHttpRequest",
        "web_sys::AbortController",
        "gloo_net",
    ];
    const MEMBERS: [&str; 9] = [
        "fetch",
        "fetch_with_str",
        "fetch_with_request",
        "fetch_with_str_and_init",
        "fetch_with_request_and_init",
        "request_animation_frame",
        "local_storage",
        "session_storage",
        "indexed_db",
    ];
    if !is_in(file, &["viewer-ui/src/"]) || is_in(file, &["viewer-ui/src/platform/"]) {
        return Vec::new();
    }
    let found = used(file).into_iter().filter(|used| {
        let is_type = TYPES.iter().any(|name| {
            used.path
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        });
        // Own functions may be named fetch; the browser's are methods of the window.
        let is_member = used.is_member && MEMBERS[1..].contains(&used.path.as_str());
        is_type || is_member
    });
    found
        .map(|used| {
            Finding::new(
                used.line,
                format!("{} belongs to viewer-ui/src/platform", used.path),
            )
        })
        .collect()
}

/// Only the embedding speaks to the page around the frame.
pub(super) fn parent_only_in_embed(file: &File<'_>) -> Vec<Finding> {
    const RULE: &str = "the page around the frame belongs to viewer-ui/src/embed and www/embed.js";
    if is_in(file, &["viewer-ui/src/"]) && !is_in(file, &["viewer-ui/src/embed/"]) {
        let found = used(file)
            .into_iter()
            .filter(|used| used.is_member && used.path == "parent");
        return found.map(|used| Finding::new(used.line, RULE)).collect();
    }
    if file.has_extension(&["js", "mjs", "html"])
        && is_in(file, &["www/", "index.html"])
        && !is_in(file, &["www/embed"])
    {
        let lines = file.text.lines().enumerate();
        return lines
            .filter(|(_, line)| {
                line.contains("window.parent") || line.contains("parent.postMessage")
            })
            .map(|(index, _)| Finding::new(index + 1, RULE))
            .collect();
    }
    Vec::new()
}

/// Within the gateway, only its sources read DICOM.
pub(super) fn dicom_only_in_source(file: &File<'_>) -> Vec<Finding> {
    if !is_in(file, &["gateway/src/"]) || is_in(file, &["gateway/src/source/"]) {
        return Vec::new();
    }
    let tests = code::test_lines(file.path, &code::blanked(file.text));
    let found = used(file).into_iter().filter(|used| {
        !tests[used.line - 1]
            && !used.is_member
            && used.path.split("::").next() == Some("dicom_object")
    });
    found
        .map(|used| Finding::new(used.line, "reading DICOM belongs to gateway/src/source"))
        .collect()
}

/// Within the gateway, who may do what and how people prove who they are is decided in one place, and the audit record is
/// written in one.
pub(super) fn rights_and_record_in_their_places(file: &File<'_>) -> Vec<Finding> {
    const RIGHTS: [&str; 5] = [
        "cedar_policy",
        "argon2",
        "totp_rs",
        "webauthn_rs",
        "openidconnect",
    ];
    const WRITERS: [&str; 2] = ["audit::chain::Chain", "audit::file::AuditFile"];
    if !is_in(file, &["gateway/src/"]) {
        return Vec::new();
    }
    let is_audit = is_in(file, &["gateway/src/audit"]);
    let is_auth = is_in(file, &["gateway/src/auth/"]);
    let found = used(file).into_iter().filter_map(|used| {
        let first = used.path.split("::").next().unwrap_or_default();
        if !is_auth && !used.is_member && RIGHTS.contains(&first) {
            let message = format!("{first} belongs to gateway/src/auth");
            return Some(Finding::new(used.line, message));
        }
        let writes = WRITERS.iter().any(|writer| used.path.contains(writer));
        (writes && !is_audit).then(|| {
            let message = "writing the audit record belongs to gateway/src/audit";
            Finding::new(used.line, message)
        })
    });
    found.collect()
}

/// `unsafe` stands in one folder only.
pub(super) fn no_unsafe(file: &File<'_>) -> Vec<Finding> {
    if is_in(file, &["viewer-core/src/decode/simd/"]) {
        return Vec::new();
    }
    let found = used(file)
        .into_iter()
        .filter(|used| matches!(used.path.as_str(), "unsafe" | "unsafe_code"));
    found
        .map(|used| {
            Finding::new(
                used.line,
                "unsafe code belongs to viewer-core/src/decode/simd",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    #[test]
    fn rights_and_the_record_have_their_places() {
        let text = "use cedar_policy::Policy;\nuse crate::audit::file::AuditFile;\nfn f() { argon2::hash(); }\n";
        let rule = rights_and_record_in_their_places;
        assert_lines(rule, "gateway/src/routes/x.rs", text, &[1, 2, 3]);
        assert_lines(rule, "gateway/src/auth/x.rs", text, &[2]);
        assert_lines(rule, "gateway/src/audit/x.rs", text, &[1, 3]);
        assert_lines(rule, "viewer-ui/src/x.rs", text, &[]);
    }

    #[test]
    fn wasm_only_code_stands_at_the_edge() {
        let text = "fn a() {}\n#[cfg(target_arch = \"wasm32\")]\nfn b() {}\n// cfg(target_arch = \"wasm32\")\n";
        assert_lines(wasm_only_at_the_edge, "viewer-ui/src/app.rs", text, &[2]);
        assert_lines(
            wasm_only_at_the_edge,
            "viewer-ui/src/platform/page.rs",
            text,
            &[],
        );
        assert_lines(
            wasm_only_at_the_edge,
            "viewer-gpu/src/context.rs",
            text,
            &[],
        );
    }

    #[test]
    fn the_browser_is_asked_by_the_platform() {
        let text = "use web_sys::{Element, Worker};\nwindow.request_animation_frame(f);\nwindow.local_storage()?;\nplatform::fetch(x);\nweb_sys::Request::new(x);\n";
        assert_lines(
            browser_only_in_platform,
            "viewer-ui/src/app.rs",
            text,
            &[1, 2, 3, 5],
        );
        assert_lines(
            browser_only_in_platform,
            "viewer-ui/src/platform/fetch.rs",
            text,
            &[],
        );
    }

    #[test]
    fn only_the_embedding_knows_the_parent() {
        let text = "let parent = 1;\nlet p = window.parent()?;\nlet q = node.parent_element();\n";
        assert_lines(parent_only_in_embed, "viewer-ui/src/app.rs", text, &[2]);
        assert_lines(
            parent_only_in_embed,
            "viewer-ui/src/embed/bridge.rs",
            text,
            &[],
        );
        assert_lines(
            parent_only_in_embed,
            "www/boot.js",
            "window.parent.x()\n",
            &[1],
        );
        assert_lines(
            parent_only_in_embed,
            "www/embed.js",
            "window.parent.x()\n",
            &[],
        );
    }

    #[test]
    fn dicom_is_read_by_sources() {
        let text = "use dicom_object::open_file;\nuse dicom_core::Tag;\n#[cfg(test)]\nmod tests { use dicom_object::x; }\n";
        assert_lines(dicom_only_in_source, "gateway/src/routes/a.rs", text, &[1]);
        assert_lines(
            dicom_only_in_source,
            "gateway/src/source/folder/a.rs",
            text,
            &[],
        );
    }

    #[test]
    fn unsafe_stands_in_one_folder() {
        let text = "// unsafe\nfn f() { unsafe { g() } }\n#[allow(unsafe_code)]\nfn h() {}\n";
        assert_lines(no_unsafe, "viewer-core/src/a.rs", text, &[2, 3]);
        assert_lines(no_unsafe, "viewer-core/src/decode/simd/a.rs", text, &[]);
    }
}
