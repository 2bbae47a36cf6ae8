//! Folders that are not as one wishes: away for a while, never to be written to, with names of every kind, with links that lead
//! out; and metadata of which only differences are kept. `SAGITTA_ODD_FILES` sets how many odd names, 3,000 unless it is said.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use gateway::source::folder::entry::{Entry, inflate_into};
use gateway::source::folder::scan::{ScanLimits, scan};

use crate::files::ct;
use crate::server::{Server, options};

fn instances(server: &Server) -> usize {
    let found = server.get("/dicomweb/instances").json();
    found.as_array().unwrap().len()
}

/// Waits for two whole looks at the folders.
fn looked_again(server: &Server) {
    let rounds = |server: &Server| server.state.store.progress().rounds.load(Ordering::Relaxed);
    let before = rounds(server);
    // A look at a million files takes its time.
    server.wait_for(Duration::from_secs(120), |server| {
        rounds(server) >= before + 2
    });
}

fn folders(server: &Server) -> serde_json::Value {
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 200);
    ready.json()["folders"].clone()
}

#[test]
fn a_data_folder_that_is_away_keeps_its_studies_and_readiness_says_so() {
    let (house, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (data, away) = (house.path().join("data"), house.path().join("away"));
    let made = ct("1", "2", 1);
    made.write(&data, "a/1.dcm");
    ct("1", "2", 2).write(&data, "2.dcm");
    let options = options(&data, &index.path().join("index.db"));
    let server = Server::start(options.clone());
    server.wait_until_indexed();
    let frame = format!("{}/frames/1", made.address());
    assert_eq!(folders(&server), true);
    fs::rename(&data, &away).unwrap();
    server.wait_until(|server| folders(server) == false);
    // What is known is still listed; what is away cannot be had, in words.
    assert_eq!(instances(&server), 2);
    assert_eq!(server.get(&frame).error_code(), "file_unreadable");
    // Where its disk was mounted an empty folder is left.
    #[cfg(unix)]
    {
        fs::create_dir(&data).unwrap();
        looked_again(&server);
        assert_eq!((folders(&server), instances(&server)), (false.into(), 2));
        // Nor is it forgotten by a gateway that starts meanwhile.
        drop(server);
        let server = Server::start(options.clone());
        server.wait_until_indexed();
        looked_again(&server);
        assert_eq!((folders(&server), instances(&server)), (false.into(), 2));
        drop(server);
        fs::remove_dir(&data).unwrap();
    }
    fs::rename(&away, &data).unwrap();
    let server = Server::start(options);
    server.wait_until_indexed();
    assert_eq!((folders(&server), instances(&server)), (true.into(), 2));
    assert_eq!(server.get(&frame).status, 200);
    // Nothing was read again.
    let opened = server.state.store.progress().opened.load(Ordering::Relaxed);
    assert_eq!(opened, 0);
}

/// Names, sizes and times of everything below.
fn listing(folder: &Path) -> Vec<(std::path::PathBuf, u64, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let found = entry.metadata().unwrap();
        all.push((entry.path(), found.len(), found.modified().unwrap()));
        if found.is_dir() {
            all.extend(listing(&entry.path()));
        }
    }
    all.sort();
    all
}

#[test]
fn nothing_is_written_into_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    made.write(folder.path(), "a/1.dcm");
    fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    let mut read_only = fs::metadata(folder.path()).unwrap().permissions();
    read_only.set_readonly(true);
    fs::set_permissions(folder.path().join("a"), read_only.clone()).unwrap();
    let before = listing(folder.path());
    let server = Server::over(folder.path());
    for path in ["frames/1", "metadata", "rendered", "thumbnail"] {
        let answer = server.get(&format!("{}/{path}", made.address()));
        assert_eq!(answer.status, 200, "{path}");
    }
    looked_again(&server);
    assert_eq!(listing(folder.path()), before);
}

/// Names that file systems of Unix allow, made odd by a number.
#[cfg(unix)]
fn odd_name(number: usize) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    let text: Vec<u8> = match number % 12 {
        0 => [&b"\xFF\xFEnot UTF-8 "[..], number.to_string().as_bytes()].concat(),
        1 => format!("two\nlines {number}").into_bytes(),
        2 => format!("{number:0>255}").into_bytes(),
        3 => format!("-rf {number}").into_bytes(),
        4 => format!("'; DROP TABLE files; -- {number}").into_bytes(),
        5 => format!("\u{202e}mcd.{number}").into_bytes(),
        6 => format!("%2e%2e%2f{number}?a=b#c").into_bytes(),
        7 => format!("e\u{301}\u{1f600} {number}").into_bytes(),
        8 => format!("{number}\\").into_bytes(),
        9 => format!("\x01\x1b[31m\x7f{number}").into_bytes(),
        10 => format!(".hidden {number}").into_bytes(),
        _ => format!("{number}.dcm.").into_bytes(),
    };
    std::ffi::OsString::from_vec(text)
}

#[cfg(unix)]
#[test]
fn files_with_odd_names_are_found_read_and_known_again() {
    let files = std::env::var("SAGITTA_ODD_FILES").map_or(3000, |text| text.parse().unwrap());
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut images = 0;
    for number in 0..files {
        // Folders have such names as well, one inside the other.
        let mut path = folder.path().to_owned();
        for level in 0..number % 4 {
            path.push(odd_name(level + number % 7));
        }
        fs::create_dir_all(&path).unwrap();
        let path = path.join(odd_name(100 + number));
        if number % 10 == 3 && images < 300 {
            images += 1;
            fs::write(path, ct("1", "2", images).bytes()).unwrap();
        } else {
            fs::write(path, "something else").unwrap();
        }
    }
    let options = options(folder.path(), &index.path().join("index.db"));
    let server = Server::start(options.clone());
    server.wait_until_indexed();
    assert_eq!(instances(&server), usize::from(images));
    for number in 1..=images {
        let frame = format!("{}/frames/1", ct("1", "2", number).address());
        assert_eq!(server.get(&frame).status, 200, "{number}");
    }
    drop(server);
    let server = Server::start(options);
    server.wait_until_indexed();
    looked_again(&server);
    let opened = server.state.store.progress().opened.load(Ordering::Relaxed);
    assert_eq!((opened, instances(&server)), (0, usize::from(images)));
}

#[cfg(unix)]
#[test]
fn t17_what_a_link_out_of_the_folders_leads_to_is_not_served() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ct("1", "2", 1).write(folder.path(), "in.dcm");
    let secret = ct("7", "8", 1).write(other.path(), "deep/secret.dcm");
    std::os::unix::fs::symlink(&secret, folder.path().join("link.dcm")).unwrap();
    std::os::unix::fs::symlink(other.path(), folder.path().join("folder")).unwrap();
    let server = Server::over(folder.path());
    assert_eq!(instances(&server), 1);
    assert_eq!(server.get("/dicomweb/studies/7/metadata").status, 404);
    let refused = server.state.store.refused().unwrap();
    let refused = refused
        .iter()
        .filter(|(_, reason)| reason.contains("leads out"));
    assert_eq!(refused.count(), 2);
}

#[test]
fn metadata_is_that_of_each_file_although_only_differences_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for number in 1..=6_u16 {
        let mut made = ct("1", "2", number);
        match number {
            2 => made.set.remove_element(tags::PATIENT_ID),
            3 => {
                made.text(
                    tags::IMAGE_COMMENTS,
                    VR::LT,
                    "\"quoted\", {\"00100010\":null} \\",
                );
                true
            }
            4 => {
                made.text(tags::PATIENT_NAME, VR::PN, "Doe^Jane^Anna");
                made.set.remove_element(tags::STUDY_DESCRIPTION)
            }
            5 => {
                made.text(tags::STUDY_DESCRIPTION, VR::LO, "");
                true
            }
            _ => true,
        };
        files.push(made.write(folder.path(), &format!("{number}.dcm")));
    }
    let server = Server::over(folder.path());
    // The header as the reader of headers gives it, whatever the index makes of it.
    let text = |path: &std::path::PathBuf| {
        let entry = Entry::from_scan(scan(path, &ScanLimits::default()).unwrap()).unwrap();
        let mut text = Vec::new();
        inflate_into(&entry.metadata, &mut text).unwrap();
        // What is left out has an address: that of its instance.
        let at = format!(
            "/dicomweb/local/studies/1/series/2/instances/{}/bulk/",
            entry.sop
        );
        let text = String::from_utf8(text).unwrap();
        text.replace("\"BulkDataURI\":\"", &format!("\"BulkDataURI\":\"{at}"))
    };
    let check = |server: &Server| {
        let texts: Vec<String> = files
            .iter()
            .filter(|file| file.exists())
            .map(text)
            .collect();
        let found = server.get("/dicomweb/studies/1/series/2/metadata").body;
        String::from_utf8(found).unwrap() == format!("[{}]", texts.join(","))
    };
    assert!(text(&files[0]).contains("BulkDataURI"));
    assert!(check(&server));
    let fourth = server.get("/dicomweb/studies/1/series/2/instances/2.4/metadata");
    assert_eq!(
        String::from_utf8(fourth.body).unwrap(),
        format!("[{}]", text(&files[3]))
    );
    let found = server.get("/dicomweb/studies/1/series/2/instances?includefield=00204000");
    let comments = &found.json()[2]["00204000"]["Value"][0];
    assert_eq!(comments, "\"quoted\", {\"00100010\":null} \\");
    // That from which the others differ goes, and another one becomes something else.
    fs::remove_file(&files[0]).unwrap();
    let mut other = ct("1", "2", 6);
    other.text(tags::PATIENT_NAME, VR::PN, "Someone^Else and longer");
    other.write(folder.path(), "6.dcm");
    server.wait_until(check);
    for file in &files {
        let _ = fs::remove_file(file);
    }
    server.wait_until(|server| server.get("/dicomweb/studies").body == b"[]");
    ct("1", "2", 1).write(folder.path(), "1.dcm");
    server.wait_until(|server| server.get("/dicomweb/studies/1/metadata").status == 200);
    assert!(check(&server));
}
