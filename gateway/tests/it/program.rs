//! The program itself: what it prints, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::files::ct;

fn sagitta() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagitta"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn it_says_where_it_is_ready_answers_at_once_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let index = tempfile::tempdir().unwrap();
    for number in 1..=300 {
        ct("1", "2", number).write(folder.path(), &number.to_string());
    }
    let mut child = sagitta()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .arg("--index")
        .arg(index.path().join("index.db"))
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.strip_prefix("Sagitta is ready at http://").unwrap();
    let address = address.strip_suffix("/\n").unwrap();
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "{line}"
    );
    for path in ["/healthz", "/dicomweb/studies"] {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    // `kill` is everywhere where there are signals.
    let asked = cfg!(unix)
        && Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap()
            .success();
    if !asked {
        child.kill().unwrap();
    }
    assert_eq!(child.wait().unwrap().success(), asked);
}

#[test]
fn what_stops_the_start_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sagitta.toml");
    std::fs::write(&config, "[server]\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let config = config.to_str().unwrap();
    for (line, words) in [
        (vec!["serve"], "name a folder"),
        (
            vec![
                "serve",
                "--data",
                "/no/such/folder",
                "--listen",
                "127.0.0.1:0",
            ],
            "the data folder",
        ),
        (
            vec!["serve", "--data", "/", "--listen", "0.0.0.0:80"],
            "login is not configured",
        ),
        (vec!["serve", "--data", "/", "--config", config], "lisen"),
        (vec!["view"], "there is no command view"),
    ] {
        let output = sagitta().args(&line).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{line:?}");
        assert_eq!(error.lines().count(), 1, "{line:?}: {error}");
        assert!(
            error.starts_with("sagitta: ") && error.contains(words),
            "{line:?}: {error}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn t23_who_never_reads_the_log_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "2", 1).write(folder.path(), "a.dcm");
    let other = tempfile::tempdir().unwrap();
    let config = other.path().join("gateway.toml");
    std::fs::write(&config, "[log]\nrequests = true\n").unwrap();
    let mut child = sagitta()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .arg("--index")
        .arg(other.path().join("index.db"))
        .arg("--config")
        .arg(&config)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.strip_prefix("Sagitta is ready at http://").unwrap();
    let address = address.trim_end_matches("/\n");
    // A pipe holds 64 KiB; these are several times as much.
    for _ in 0..1500 {
        let answer = crate::server::exchange(address, "/dicomweb/studies");
        assert_eq!(answer.status, 200);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(said.len() > 60_000, "{}", said.len());
    assert!(
        said.lines()
            .next()
            .unwrap()
            .contains("\"route\":\"/dicomweb/studies\"")
    );
}
