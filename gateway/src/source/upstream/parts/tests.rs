//! Bodies in parts, whole and broken, in pieces of every size.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use protocol::dicomweb::multipart;

use super::*;

fn parts(expected: Option<usize>) -> Parts {
    let place = Place {
        study: "1".into(),
        series: Some("2".into()),
        instance: Some("3".into()),
    };
    let root = Url::parse("http://pacs.example/dicom-web").unwrap();
    let answered =
        Url::parse("http://pacs.example/dicom-web/studies/1/series/2/instances/3/frames/1")
            .unwrap();
    let expected = Expected {
        place,
        parts: expected,
    };
    Parts::new("b", expected, root, &answered)
}

fn passed(expected: Option<usize>, body: &[u8], size: usize) -> Result<Vec<u8>, Reason> {
    let mut parts = parts(expected);
    let mut out = Vec::new();
    for piece in body.chunks(size) {
        out.extend(parts.take(piece)?);
    }
    parts.end()?;
    Ok(out)
}

const OUTER: &str = "multipart/related; type=\"application/octet-stream\"; boundary=b";

#[test]
fn payloads_come_through_whole_however_they_are_cut() {
    // Payloads with what looks like the front of a delimiter.
    let one = b"\r\n--a\r\n--\n-\r\r\n".to_vec();
    let two: Vec<u8> = (0..=255).collect();
    for style in ["\r\n", "\n"] {
        let mut body = format!("preamble{style}--b  {style}").into_bytes();
        body.extend(format!("Content-Type: image/jls; transfer-syntax=1.2{style}{style}").bytes());
        body.extend(&one);
        body.extend(format!("{style}--b{style}content-length: 256{style}{style}").bytes());
        body.extend(&two);
        body.extend(format!("{style}--b--{style}epilogue").bytes());
        for size in [1, 2, 3, 7, 64, 10_000] {
            let out = passed(Some(2), &body, size).unwrap();
            let read = multipart::parse(OUTER, &out).unwrap();
            assert_eq!(read.len(), 2);
            assert_eq!(read[0].body, one, "{style:?} {size}");
            assert_eq!(read[1].body, two, "{style:?} {size}");
            assert_eq!(read[0].content_type, Some("image/jls"));
            assert_eq!(read[0].transfer_syntax.as_deref(), Some("1.2"));
            assert_eq!(read[1].content_type, Some("application/octet-stream"));
            assert!(out.starts_with(b"--b\r\n") && out.ends_with(b"\r\n--b--\r\n"));
        }
    }
}

#[test]
fn a_part_may_have_no_header_and_no_payload() {
    let out = passed(Some(2), b"--b\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--", 1).unwrap();
    let read = multipart::parse(OUTER, &out).unwrap();
    assert_eq!(read[0].body, b"x");
    assert_eq!(read[1].body, b"");
}

#[test]
fn t24_other_parts_than_those_that_were_asked_for_are_refused() {
    let one = "--b\r\n\r\nx\r\n";
    for (expected, body, reason) in [
        (Some(1), format!("{one}{one}--b--"), Reason::Broken),
        (Some(2), format!("{one}--b--"), Reason::Broken),
        (Some(1), "--b--".to_owned(), Reason::Broken),
        (None, "--b--".to_owned(), Reason::Broken),
        (
            Some(1),
            "--b\r\nContent-Location: ../../4/frames/1\r\n\r\nx\r\n--b--".to_owned(),
            Reason::Mixed,
        ),
    ] {
        for size in [1, 1000] {
            assert_eq!(
                passed(expected, body.as_bytes(), size),
                Err(reason),
                "{body}"
            );
        }
    }
    let same = "--b\r\nContent-Location: ../../3/frames/1\r\n\r\nx\r\n--b--";
    assert!(passed(Some(1), same.as_bytes(), 9).is_ok());
}

#[test]
fn what_breaks_off_or_contradicts_itself_is_broken() {
    for body in [
        "",
        "nothing",
        "--b",
        "--b\r\n",
        "--b\r\nContent-Type: image/jls\r\n",
        "--b\r\n\r\nx",
        "--b\r\n\r\nx\r\n--b",
        "--b\r\n\r\nx\r\n--bc--",
        "--b\r\nContent-Length: 2\r\n\r\nx\r\n--b--",
        "--b\r\nContent-Length: -1\r\n\r\nx\r\n--b--",
        "--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--",
        "--b\r\nContent-Type: image/svg+xml\r\n\r\nx\r\n--b--",
        "--b\r\nContent-Type: nonsense\r\n\r\nx\r\n--b--",
        "--b\r\nContent-Encoding: gzip\r\n\r\nx\r\n--b--",
    ] {
        for size in [1, 1000] {
            assert_eq!(
                passed(Some(1), body.as_bytes(), size),
                Err(Reason::Broken),
                "{body:?}"
            );
        }
    }
}

#[test]
fn t14_heads_without_end_are_not_waited_for() {
    for front in ["", "--b", "--b\r\nX: "] {
        let mut parts = parts(Some(1));
        let mut taken = parts.take(front.as_bytes()).map(|_| ());
        let mut pieces = 0;
        while taken.is_ok() {
            taken = parts.take(&[b' '; 1024]).map(|_| ());
            pieces += 1;
            assert!(pieces < 20, "{front:?}");
        }
        assert_eq!(taken, Err(Reason::Broken));
    }
}

#[test]
fn only_pixels_and_bytes_are_passed_on() {
    let of = |text: &str| payload_type(&MediaType::parse(text).unwrap());
    assert_eq!(
        of("image/jp2; transfer-syntax=1.2.3; x=\"y\r\nSet-Cookie: z\"").as_deref(),
        Some("image/jp2; transfer-syntax=1.2.3")
    );
    assert_eq!(
        of("application/octet-stream; transfer-syntax=evil").as_deref(),
        Some("application/octet-stream")
    );
    for bad in [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "application/javascript",
        "image/x\r\ny",
    ] {
        assert_eq!(of(bad), None, "{bad}");
    }
    assert!(is_boundary("sagitta-frame-7c1f0a") && is_boundary("a=_b'c?"));
    for bad in ["", "a b", "a\"", "a\r\n", "ä", "a;b"] {
        assert!(!is_boundary(bad), "{bad:?}");
    }
}
