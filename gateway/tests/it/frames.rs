//! WADO-RS frames: what is sent, and in which clothes.

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;

use crate::files::{self, BIG_ENDIAN, EXPLICIT, IMPLICIT, JPEG_LS, Made, ct, empty, parts};
use crate::server::{Answer, Server};

fn served(made: &Made) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    (folder, server)
}

fn frames(server: &Server, made: &Made, list: &str, accept: &str) -> Answer {
    let path = format!("{}/frames/{list}", made.address());
    let accept = [("Accept", accept)];
    server.request(
        "GET",
        &path,
        if accept[0].1.is_empty() { &[] } else { &accept },
    )
}

/// Four fragments that stand for code streams of one frame each.
fn encapsulated() -> Made {
    let mut made = ct("1", "2", 1);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "4");
    let fragments = (0..4).map(|index| vec![0xFF, 0xD8, index, index]).collect();
    made.fragments(JPEG_LS, Vec::new(), fragments);
    made
}

const LITTLE: &str = "application/octet-stream 1.2.840.10008.1.2.1";

#[test]
fn native_frames_go_out_explicit_little_endian_whatever_the_file_is() {
    let expected: Vec<u8> = (100..112u16).flat_map(u16::to_le_bytes).collect();
    for syntax in [EXPLICIT, IMPLICIT, BIG_ENDIAN] {
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        let (_folder, server) = served(&made);
        let set = &server.get(&format!("{}/metadata", made.address())).json()[0];
        assert_eq!(set["00083002"]["Value"][0], EXPLICIT);
        for accept in [
            "",
            "*/*",
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
            "multipart/related; type=\"application/octet-stream\"",
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
        ] {
            let answer = frames(&server, &made, "1", accept);
            assert_eq!(
                parts(&answer),
                [(LITTLE.to_owned(), expected.clone())],
                "{syntax} {accept}"
            );
        }
    }
}

#[test]
fn stored_frames_go_out_as_they_are_when_any_syntax_is_welcome() {
    let made = encapsulated();
    let (_folder, server) = served(&made);
    for (accept, kind) in [
        (
            "multipart/related; type=\"image/jls\"; transfer-syntax=*",
            "image/jls",
        ),
        ("multipart/related; type=image/jls", "image/jls"),
        (
            "multipart/related; type=\"image/jls\"; transfer-syntax=1.2.840.10008.1.2.4.80",
            "image/jls",
        ),
        (
            "multipart/related; type=\"*/*\"; transfer-syntax=*",
            "image/jls",
        ),
        (
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
            "application/octet-stream",
        ),
        (
            "multipart/related; type=image/jp2, multipart/related; type=image/jls; q=0.5",
            "image/jls",
        ),
    ] {
        let answer = frames(&server, &made, "2,4", accept);
        let kind = format!("{kind} {JPEG_LS}");
        let expected = [
            (kind.clone(), vec![0xFF, 0xD8, 1, 1]),
            (kind, vec![0xFF, 0xD8, 3, 3]),
        ];
        assert_eq!(parts(&answer), expected, "{accept}");
    }
}

#[test]
fn one_frame_may_come_alone() {
    let made = encapsulated();
    let (_folder, server) = served(&made);
    let answer = frames(&server, &made, "3", "image/jls");
    assert_eq!(
        answer.header("content-type"),
        Some("image/jls; transfer-syntax=1.2.840.10008.1.2.4.80")
    );
    assert_eq!(answer.body, [0xFF, 0xD8, 2, 2]);
    let alone = frames(
        &server,
        &made,
        "3",
        "application/octet-stream; transfer-syntax=*",
    );
    assert_eq!(alone.body, [0xFF, 0xD8, 2, 2]);
    assert_eq!(frames(&server, &made, "2,3", "image/jls").status, 406);
}

#[test]
fn what_cannot_be_sent_is_406_in_words() {
    let made = encapsulated();
    let (_folder, server) = served(&made);
    for accept in [
        "image/png",
        "multipart/related; type=image/jp2",
        "multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.90",
        // The made-up code streams are none, so decoding fails.
        "*/*",
    ] {
        let answer = frames(&server, &made, "1", accept);
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (406, "not_acceptable"),
            "{accept}"
        );
    }
}

#[test]
fn a_frame_that_is_not_there_is_said_in_words() {
    let made = encapsulated();
    let (_folder, server) = served(&made);
    for (list, status, code) in [
        ("0", 400, "frame_invalid"),
        ("x", 400, "frame_invalid"),
        ("1,,2", 400, "frame_invalid"),
        ("-1", 400, "frame_invalid"),
        ("99999999999", 400, "frame_invalid"),
        ("5", 404, "frame_unknown"),
        ("1,5", 404, "frame_unknown"),
    ] {
        let answer = frames(&server, &made, list, "");
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (status, code),
            "{list}"
        );
    }
    let report = empty("1", "2", "3");
    let (_folder, server) = served(&report);
    for path in ["frames/1", "thumbnail"] {
        let answer = server.get(&format!("{}/{path}", report.address()));
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (404, "no_pixels"),
            "{path}"
        );
    }
    let series = server.get("/dicomweb/studies/1/series/2/thumbnail");
    assert_eq!(
        (series.status, series.error_code().as_str()),
        (404, "no_pixels")
    );
}

#[test]
fn fragments_are_put_together_by_the_offset_table_or_by_their_beginnings() {
    let fragments = vec![vec![0xFF, 0xD8, 1, 1], vec![2, 2], vec![0xFF, 0xD8, 3, 3]];
    // Offsets count from the first item after the table: 8 + 4 + 8 + 2 bytes to the third.
    for table in [vec![0, 22], Vec::new()] {
        let mut made = ct("1", "2", 1);
        made.text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
        made.fragments(JPEG_LS, table, fragments.clone());
        let (_folder, server) = served(&made);
        let answer = frames(
            &server,
            &made,
            "1,2",
            "multipart/related; type=\"image/jls\"",
        );
        let bodies: Vec<Vec<u8>> = parts(&answer).into_iter().map(|(_, body)| body).collect();
        assert_eq!(
            bodies,
            [vec![0xFF, 0xD8, 1, 1, 2, 2], vec![0xFF, 0xD8, 3, 3]]
        );
    }
}

#[test]
fn each_frame_of_single_bits_starts_on_a_byte() {
    let mut made = empty("1", "2", "3");
    made.image(3, 3, 1);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    // Frame 1: nine ones; frame 2: ones at its first and its last pixel.
    let bits = vec![0xFF, 0b0000_0011, 0b0000_0010, 0];
    made.put(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8(bits.into()));
    let (_folder, server) = served(&made);
    let bodies: Vec<Vec<u8>> = parts(&frames(&server, &made, "1,2", ""))
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    assert_eq!(bodies, [vec![0xFF, 0x01], vec![0x01, 0x01]]);
}

#[test]
fn head_is_answered_wherever_get_is() {
    let made = encapsulated();
    let (_folder, server) = served(&made);
    let address = made.address();
    for path in [
        "/healthz",
        "/config.json",
        "/dicomweb/studies",
        &format!("{address}/metadata"),
    ] {
        let (get, head) = (server.get(path), server.request("HEAD", path, &[]));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(
            head.header("content-length"),
            get.header("content-length"),
            "{path}"
        );
    }
    let post = server.request("POST", "/dicomweb/series", &[("Content-Length", "0")]);
    assert_eq!(
        (post.status, post.error_code().as_str()),
        (405, "method_not_allowed")
    );
}

#[test]
fn a_client_that_reads_nothing_holds_up_nobody() {
    let mut made = ct("1", "2", 1);
    made.image(1000, 1000, 16);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "20");
    made.put(
        tags::PIXEL_DATA,
        VR::OW,
        PrimitiveValue::U16(vec![7; 20_000_000].into()),
    );
    let (_folder, server) = served(&made);
    let list = (1..=20)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let lazy: Vec<_> = (0..40)
        .map(|_| {
            use std::io::Write as _;
            let mut stream = std::net::TcpStream::connect(server.address).unwrap();
            let path = format!("{}/frames/{list}", made.address());
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
                server.address
            )
            .unwrap();
            stream
        })
        .collect();
    assert_eq!(
        files::parts(&frames(&server, &made, "20", ""))[0].1.len(),
        2_000_000
    );
    assert_eq!(server.get("/healthz").status, 200);
    drop(lazy);
}

/// PS3.18 table 8.7.3-3: a video is one frame of a media type of its own, whatever Number of Frames says, and PS3.5 8.2.6 and
/// further: the fragmentable syntaxes may cut it into fragments, anywhere.
#[test]
fn a_video_is_one_frame_of_all_its_fragments() {
    for (syntax, kind) in [
        ("1.2.840.10008.1.2.4.100.1", "video/mpeg"),
        ("1.2.840.10008.1.2.4.102.1", "video/mp4"),
        ("1.2.840.10008.1.2.4.106.1", "video/mp4"),
        ("1.2.840.10008.1.2.4.107", "video/mp4"),
        ("1.2.840.10008.1.2.4.108", "video/mp4"),
    ] {
        let mut made = ct("1", "2", 1);
        made.text(tags::NUMBER_OF_FRAMES, VR::IS, "3");
        // Each begins as a code stream of a picture may.
        let fragments = vec![vec![0xFF, 0xD8, 1, 1], vec![0xFF, 0xD8, 2, 2], vec![3, 3]];
        let whole = fragments.concat();
        made.fragments(syntax, Vec::new(), fragments);
        let (_folder, server) = served(&made);
        let stored = format!("{kind} {syntax}");
        let as_bytes = format!("application/octet-stream {syntax}");
        for (accept, expected) in [
            (
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"
                    .to_owned(),
                &as_bytes,
            ),
            (format!("multipart/related; type={kind}"), &stored),
            (
                "multipart/related; type=\"*/*\"; transfer-syntax=*".to_owned(),
                &stored,
            ),
        ] {
            let answer = frames(&server, &made, "1", &accept);
            assert_eq!(
                parts(&answer),
                [(expected.clone(), whole.clone())],
                "{accept}"
            );
        }
        let alone = frames(&server, &made, "1", kind);
        let named = format!("{kind}; transfer-syntax={syntax}");
        assert_eq!(alone.header("content-type"), Some(named.as_str()));
        assert_eq!(alone.body, whole);
        assert_eq!(frames(&server, &made, "2", kind).status, 404);
    }
}
