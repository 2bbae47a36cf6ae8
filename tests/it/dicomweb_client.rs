//! PyPI's dicomweb-client, a client of another make, asks the gateway in more than a hundred ways; pydicom says what is right.

use std::path::{Path, PathBuf};
use std::process::Command;

use phantom::dicom::Encoding;
use sagitta_tests::{Gateway, TempFolder, shared_data};

/// Of the real files those of many kinds that pydicom reads with no other package.
const REAL: [&str; 8] = [
    "charset",
    "ecg",
    "palette",
    "plain",
    "pr",
    "sr",
    "us-cine",
    "ct-gantry-tilt",
];

pub fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| root.join("target"));
    let python = target.join("dicomweb-client/bin/python");
    assert!(
        python.is_file(),
        "PyPI's dicomweb-client is missing: cargo xtask test installs it"
    );
    python
}

/// Runs the calls; gives how many different ones were made.
fn run(folders: &[&Path]) -> u32 {
    let store = TempFolder::new("store").unwrap();
    let into = store.path().to_str().unwrap();
    let gateway = Gateway::start_with(folders, &["--store", into]).unwrap();
    gateway.wait_until_indexed(20).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/client_calls.py");
    let out = Command::new(python())
        .arg(script)
        .arg(format!("{}dicomweb", gateway.url()))
        .arg("yes")
        .args(folders)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{text}\n{errors}");
    println!("{text}");
    text.split_whitespace().next().unwrap().parse().unwrap()
}

pub fn made_up() -> TempFolder {
    let folder = TempFolder::new("made").unwrap();
    let small = phantom::small(7).unwrap();
    let three = phantom::three(7, Encoding::ExplicitLittle).unwrap();
    for (name, bytes) in small
        .iter()
        .map(|it| ("small", it))
        .chain(three.iter().map(|it| ("three", it)))
        .map(|(folder, (name, bytes))| (format!("{folder}/{name}"), bytes))
    {
        folder.write(&name, bytes).unwrap();
    }
    folder
}

#[test]
fn dicomweb_client_is_answered_rightly_about_made_up_files() {
    let made = made_up();
    assert!(run(&[made.path()]) >= 100);
}

#[test]
fn dicomweb_client_is_answered_rightly_about_real_files() {
    let Some(data) = shared_data() else { return };
    let made = made_up();
    let real = REAL.map(|name| data.join(name));
    let mut folders = vec![made.path()];
    folders.extend(real.iter().map(PathBuf::as_path));
    assert!(run(&folders) >= 100);
}
