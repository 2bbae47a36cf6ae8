//! `index.html` and `bench.html` of `dist/`, made from the one `index.html` that trunk reads too.

use crate::bundle::{Asset, Worker, copy_folder};
use crate::steps::root;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Hashed files that pages name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    /// The app's module.
    pub app_wasm: Asset,
    /// Its glue.
    pub app_glue: Asset,
    /// The decode worker.
    pub worker: Worker,
    /// The decode worker with all decoders.
    pub worker_all: Worker,
    /// The worker that samples planes.
    pub plane_worker: Worker,
    /// The worker that decodes videos.
    pub video_worker: Worker,
    /// Start file of the page.
    pub boot: Asset,
    /// Icon of the page.
    pub icon: Asset,
    /// Style sheets, in order.
    pub styles: Vec<Asset>,
    /// Files that are loaded when they are wanted: name in the source, and what became of it.
    pub later: Vec<(String, Asset)>,
}

/// Value of an attribute in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    tag[start..].split('"').next()
}

/// The `<link data-trunk ...>` tags of a page.
fn trunk_links(source: &str) -> Vec<&str> {
    source
        .match_indices("<link data-trunk")
        .filter_map(|(start, _)| {
            source[start..]
                .find('>')
                .map(|end| &source[start..=start + end])
        })
        .collect()
}

fn source() -> Result<String> {
    std::fs::read_to_string(root().join("index.html")).context("index.html is missing")
}

/// Files that get a hash in their name and are loaded when they are wanted.
pub fn linked_later() -> Result<Vec<PathBuf>> {
    linked("copy-file", true)
}

fn linked(kind: &str, is_hashed: bool) -> Result<Vec<PathBuf>> {
    Ok(trunk_links(&source()?)
        .into_iter()
        .filter(|tag| attribute(tag, "rel") == Some(kind))
        .filter(|tag| tag.contains(" data-hashed") == is_hashed)
        .filter_map(|tag| attribute(tag, "href"))
        .map(|path| root().join(path))
        .collect())
}

/// Style sheets that the page links, in order.
pub fn linked_styles() -> Result<Vec<PathBuf>> {
    linked("css", false)
}

/// Writes the pages and the files that keep their names.
pub fn write(dist: &Path, assets: &Assets) -> Result<()> {
    let source = source()?;
    let app = render(&source, assets, false)?;
    std::fs::write(dist.join("index.html"), app)?;
    std::fs::write(dist.join("bench.html"), render(&source, assets, true)?)?;
    std::fs::write(
        dist.join("config.json"),
        "{\"sources\":[{\"id\":\"local\",\"label\":\"DICOMweb\",\"dicomweb\":\"/dicomweb\"}]}\n",
    )?;
    for file in linked("copy-file", false)? {
        let name = file.file_name().context("a file to copy has no name")?;
        std::fs::copy(&file, dist.join(name))
            .with_context(|| format!("{} is missing", file.display()))?;
    }
    for folder in linked("copy-dir", false)? {
        let name = folder.file_name().context("a folder to copy has no name")?;
        copy_folder(&folder, &dist.join(name))
            .with_context(|| format!("{} cannot be copied", folder.display()))?;
    }
    Ok(())
}

/// The page with every trunk link replaced by what this build made.
fn render(source: &str, assets: &Assets, is_bench: bool) -> Result<String> {
    let mut page = source.to_owned();
    for tag in trunk_links(source) {
        let replacement = match (attribute(tag, "rel"), attribute(tag, "data-type")) {
            (Some("css"), _) => {
                let name = attribute(tag, "href").unwrap_or_default();
                let stem = Path::new(name)
                    .file_stem()
                    .and_then(|stem| stem.to_str())
                    .unwrap_or("");
                let style = assets
                    .styles
                    .iter()
                    .find(|style| style.name.starts_with(stem));
                let style = style.with_context(|| format!("{name} was not built"))?;
                format!(
                    "<link rel=\"stylesheet\" href=\"./assets/{}\" integrity=\"{}\">",
                    style.name, style.integrity
                )
            }
            (Some("rust"), Some("main")) => start_tags(assets, is_bench),
            (Some("icon"), _) => {
                format!(
                    "<link rel=\"icon\" type=\"image/svg+xml\" href=\"./assets/{}\">",
                    assets.icon.name
                )
            }
            (Some("inline"), _) => {
                let path = root().join(attribute(tag, "href").unwrap_or_default());
                let svg = std::fs::read_to_string(&path)
                    .with_context(|| format!("{} is missing", path.display()))?;
                svg.trim().to_owned()
            }
            _ => String::new(),
        };
        page = page.replacen(tag, &replacement, 1);
    }
    for (loader, worker) in [
        ("decode_worker_loader.js", &assets.worker),
        ("decode_worker_all_loader.js", &assets.worker_all),
        ("plane_worker_loader.js", &assets.plane_worker),
        ("video_worker_loader.js", &assets.video_worker),
    ] {
        let start = format!(
            "content=\"./assets/{}\" data-module=\"./assets/{}\"",
            worker.start.name, worker.wasm.name
        );
        page = page.replace(&format!("content=\"./{loader}\""), &start);
    }
    for (name, asset) in &assets.later {
        // A script that is imported cannot be checked by its hash; a style sheet can.
        let integrity = match name.ends_with(".css") {
            true => format!(" data-integrity=\"{}\"", asset.integrity),
            false => String::new(),
        };
        let found = format!("content=\"./assets/{}\"{integrity}", asset.name);
        page = page.replace(&format!("content=\"./{name}\""), &found);
    }
    let without_comments: Vec<&str> = page
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("<!--"))
        .collect();
    Ok(without_comments.join("\n") + "\n")
}

/// Everything the app starts from: what takes longest is asked for first.
///
/// Modules are named without a hash: a browser that has to check one cannot compile it while it arrives, and keeps no compiled
/// code of it, which costs some 100 ms at each start. The script that fetches it is checked.
fn start_tags(assets: &Assets, is_bench: bool) -> String {
    let Assets {
        app_wasm,
        app_glue,
        boot,
        ..
    } = assets;
    let mut tags = vec![
        format!(
            "<link rel=\"preload\" as=\"fetch\" type=\"application/wasm\" crossorigin href=\"./assets/{}\">",
            app_wasm.name
        ),
        format!(
            "<link rel=\"modulepreload\" href=\"./assets/{}\" integrity=\"{}\">",
            app_glue.name, app_glue.integrity
        ),
        format!(
            "<meta name=\"sagitta-app\" content=\"./assets/{}\">",
            app_glue.name
        ),
        format!(
            "<meta name=\"sagitta-app-wasm\" content=\"./assets/{}\">",
            app_wasm.name
        ),
        format!(
            "<script type=\"module\" src=\"./assets/{}\" integrity=\"{}\"></script>",
            boot.name, boot.integrity
        ),
    ];
    if is_bench {
        tags.push("<meta name=\"sagitta-page\" content=\"bench\">".into());
    }
    tags.join("\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn asset(name: &str) -> Asset {
        Asset {
            name: name.into(),
            integrity: "sha384-x".into(),
        }
    }

    fn worker(name: &str) -> Worker {
        Worker {
            start: asset(&format!("{name}.js")),
            wasm: asset(&format!("{name}.wasm")),
        }
    }

    fn assets() -> Assets {
        Assets {
            app_wasm: asset("app-1.wasm"),
            app_glue: asset("app-2.js"),
            worker: worker("decode_worker-3"),
            worker_all: worker("decode_worker_all-7"),
            plane_worker: worker("plane_worker-8"),
            video_worker: worker("video_worker-1"),
            boot: asset("boot-4.js"),
            icon: asset("favicon-6.svg"),
            styles: vec![asset("tokens-5.css")],
            later: vec![
                ("upload.js".into(), asset("upload-7.js")),
                ("upload.css".into(), asset("upload-8.css")),
            ],
        }
    }

    #[test]
    fn trunk_links_become_what_was_built() {
        let source = "<link data-trunk rel=\"css\" href=\"www/tokens.css\">\n\
            <link data-trunk rel=\"rust\" data-type=\"main\">\n\
            <link data-trunk rel=\"copy-file\" href=\"www/upload.js\" data-hashed>\n\
            <meta name=\"sagitta-upload\" content=\"./upload.js\">\n\
            <meta name=\"sagitta-upload-style\" content=\"./upload.css\">\n\
            <meta name=\"sagitta-worker\" content=\"./decode_worker_loader.js\">\n";
        let page = render(source, &assets(), false).unwrap();
        assert!(page.contains("href=\"./assets/tokens-5.css\" integrity=\"sha384-x\""));
        assert!(page.contains(
            "content=\"./assets/decode_worker-3.js\" data-module=\"./assets/decode_worker-3.wasm\""
        ));
        assert!(page.contains("content=\"./assets/upload-7.js\">"));
        assert!(page.contains("content=\"./assets/upload-8.css\" data-integrity=\"sha384-x\""));
        let page = render(&super::source().unwrap(), &assets_of_all_styles(), false).unwrap();
        assert!(page.contains("name=\"sagitta-worker\" content=\"./assets/decode_worker-3.js\""));
        assert!(
            page.contains(
                "name=\"sagitta-worker-all\" content=\"./assets/decode_worker_all-7.js\""
            )
        );
        assert!(
            page.contains("name=\"sagitta-plane-worker\" content=\"./assets/plane_worker-8.js\"")
        );
        assert!(
            page.contains("name=\"sagitta-video-worker\" content=\"./assets/video_worker-1.js\"")
        );
        assert!(!page.contains("data-trunk") && !page.contains("sagitta-page"));
    }

    #[test]
    fn no_page_starts_by_an_inline_script() {
        let page = render(&source().unwrap(), &assets_of_all_styles(), true);
        let page = page.unwrap();
        let scripts = page.matches("<script").count();
        assert_eq!(
            scripts,
            page.matches("<script type=\"module\" src=").count()
        );
        assert!(!page.contains(" style=") && !page.contains(" onload="));
        assert!(page.contains("sagitta-page"));
    }

    #[test]
    fn t25_whatever_a_page_loads_is_its_own_and_named_with_its_hash() {
        for is_bench in [false, true] {
            let page = render(&source().unwrap(), &assets_of_all_styles(), is_bench).unwrap();
            let mut checked = 0;
            for tag in page.split('<').filter_map(|rest| rest.split_once('>')) {
                let tag = tag.0;
                let kind = attribute(tag, "rel").unwrap_or_default();
                let loads =
                    tag.starts_with("script") || ["stylesheet", "modulepreload"].contains(&kind);
                if loads {
                    assert!(tag.contains("integrity=\"sha384-"), "{tag}");
                    checked += 1;
                }
                for name in ["src", "href", "content", "data-module"] {
                    let value = attribute(tag, name).unwrap_or_default();
                    assert!(!value.contains("//"), "{tag}");
                }
            }
            // Five styles, the glue ahead, the start file.
            assert_eq!(checked, 5 + 1 + 1);
        }
    }

    fn assets_of_all_styles() -> Assets {
        let styles = linked_styles().unwrap();
        let named = styles
            .iter()
            .filter_map(|path| path.file_name()?.to_str().map(asset));
        Assets {
            styles: named.collect(),
            ..assets()
        }
    }
}
