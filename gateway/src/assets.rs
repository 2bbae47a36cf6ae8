//! The app's files: read once, compressed once, kept in memory as long as they do not change.
//!
//! Beside a file may lie `name.br` and `name.gz`, made when the app was built; where they are
//! missing, or older than the file, the gateway compresses by itself.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// One file of the app.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Media type.
    pub media_type: &'static str,
    /// As it is.
    pub plain: Bytes,
    /// Compressed by brotli, where that is shorter.
    pub brotli: Option<Bytes>,
    /// Compressed by gzip, where that is shorter.
    pub gzip: Option<Bytes>,
    /// Weak entity tag: the same for all compressions.
    pub etag: String,
}

type Stamp = (SystemTime, u64);

/// The folder of the built app.
#[derive(Debug)]
pub struct Assets {
    folder: PathBuf,
    kept: Mutex<HashMap<PathBuf, (Stamp, Arc<Asset>)>>,
}

impl Assets {
    /// Names the folder; it need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            kept: Mutex::default(),
        }
    }

    /// A file below the folder, by a path with `/`; `None` where there is none.
    pub fn load(&self, name: &str) -> Option<Arc<Asset>> {
        let relative = Path::new(name);
        // Only plain names: nothing absolute, nothing upwards, nothing hidden.
        let plain = relative.components().all(|part| match part {
            Component::Normal(part) => part.to_str().is_some_and(|part| !part.starts_with('.')),
            _ => false,
        });
        if !plain || name.is_empty() || name.contains('\\') {
            return None;
        }
        let path = self.folder.join(relative);
        let stamp = stamp(&path)?;
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&path)
            .cloned();
        if let Some((_, asset)) = kept.filter(|(known, _)| *known == stamp) {
            return Some(asset);
        }
        let asset = Arc::new(read(&path, stamp).ok()?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(path, (stamp, Arc::clone(&asset)));
        Some(asset)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path, stamp: Stamp) -> io::Result<Asset> {
    let plain = fs::read(path)?;
    let media_type = media_type(path);
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        let fresh = self::stamp(&path).is_some_and(|(modified, _)| modified >= stamp.0);
        fresh.then(|| fs::read(&path).ok()).flatten()
    };
    let compressible = !media_type.starts_with("image/p") && !media_type.starts_with("font/");
    let (mut brotli, mut gzip) = (beside(".br"), beside(".gz"));
    if compressible && brotli.is_none() {
        brotli = Some(compress_brotli(&plain)?);
    }
    if compressible && gzip.is_none() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&plain)?;
        gzip = Some(encoder.finish()?);
    }
    let shorter = |bytes: Option<Vec<u8>>| bytes.filter(|bytes| bytes.len() < plain.len());
    let digest = Sha256::digest(&plain);
    let hex: String = digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Asset {
        media_type,
        brotli: shorter(brotli).map(Bytes::from),
        gzip: shorter(gzip).map(Bytes::from),
        etag: format!("W/\"{hex}\""),
        plain: Bytes::from(plain),
    })
}

fn compress_brotli(plain: &[u8]) -> io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 6,
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*plain, &mut compressed, &parameters)?;
    Ok(compressed)
}

fn media_type(path: &Path) -> &'static str {
    match path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "ts" | "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("dist");
        fs::create_dir_all(folder.join("assets")).unwrap();
        fs::write(outer.path().join("secret"), "s").unwrap();
        fs::write(folder.join(".hidden"), "s").unwrap();
        fs::write(folder.join("assets/a.js"), "a".repeat(1000)).unwrap();
        let assets = Assets::new(folder);
        for name in [
            "../secret",
            "assets/../../secret",
            "/etc/passwd",
            ".hidden",
            "",
            "assets",
            ".",
        ] {
            assert!(assets.load(name).is_none(), "{name}");
        }
        let asset = assets.load("assets/a.js").unwrap();
        assert!(asset.gzip.as_ref().unwrap().len() < 100);
        assert!(asset.brotli.is_some());
    }

    #[test]
    fn a_rebuilt_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.html");
        fs::write(&path, "one").unwrap();
        let assets = Assets::new(folder.path().to_owned());
        let first = assets.load("index.html").unwrap();
        fs::write(&path, "three").unwrap();
        assert_ne!(assets.load("index.html").unwrap().etag, first.etag);
    }
}
