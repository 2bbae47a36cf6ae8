//! Where an instance stays: a folder for each study and series, named by their UIDs, below one of 256 folders.
//!
//! A name is made of digits and dots alone, so that no file system and no shell reads anything else in it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::check::{Names, is_uid};
use super::make_private;

/// The folder of a study, relative to the store; `None` for what is no UID.
pub fn of_study(study: &str) -> Option<PathBuf> {
    if !is_uid(study) {
        return None;
    }
    // Studies of one device begin alike: a hash spreads them.
    let first = Sha256::digest(study.as_bytes())[0];
    Some(Path::new(&format!("{first:02x}")).join(study))
}

/// The file of an instance, relative to the store; `None` where one of its names is no UID.
pub fn of_instance(names: &Names) -> Option<PathBuf> {
    let study = of_study(&names.study)?;
    if !is_uid(&names.series) || !is_uid(&names.sop) {
        return None;
    }
    Some(study.join(&names.series).join(format!("{}.dcm", names.sop)))
}

/// Makes the folders of a file below the store, and notes all folders that have something new in them.
///
/// # Errors
/// The disk's.
pub fn make_folders(root: &Path, below: &Path, new_in: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let mut folder = root.to_owned();
    for part in below.parent().into_iter().flat_map(Path::iter) {
        let above = folder.clone();
        folder.push(part);
        if !folder.is_dir() {
            make_private(&folder)?;
            new_in.insert(above);
        }
    }
    new_in.insert(folder);
    Ok(())
}

/// What is new in a folder is on the disk when this ends well.
///
/// # Errors
/// The disk's.
pub fn settle(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    fs::metadata(folder)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn t17_no_name_leaves_the_store() {
        let names = |study: &str, series: &str, sop: &str| Names {
            study: study.into(),
            series: series.into(),
            sop: sop.into(),
            ..Names::default()
        };
        // The SHA-256 of 1.2 begins with 77, as coreutils' sha256sum says.
        let path = of_instance(&names("1.2", "3", "4")).unwrap();
        assert_eq!(path, Path::new("77/1.2/3/4.dcm"));
        for odd in ["..", "/etc", "a", "", "1/../2", "C:", "1\0"] {
            assert_eq!(of_instance(&names(odd, "3", "4")), None);
            assert_eq!(of_instance(&names("1", odd, "4")), None);
            assert_eq!(of_instance(&names("1", "3", odd)), None);
        }
    }
}
