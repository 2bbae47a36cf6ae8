//! Bodies that are none, files that lie about themselves, and too much of everything: a status or a reason in each case, and
//! nothing of it stays.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::files::{EXPLICIT, JPEG_LS, PIXELS_IN_FRAGMENTS, ct, empty, item};
use crate::server::Answer;
use crate::stow::{House, failures, multipart, others, post, replaced, stored};

fn is_empty(house: &House) {
    assert_eq!(house.counts(), [0, 0, 0]);
    assert!(house.files().is_empty());
    let incoming = std::fs::read_dir(house.store().join(".incoming")).unwrap();
    assert_eq!(incoming.count(), 1, "something is left on its way");
}

#[test]
fn bodies_that_cannot_be_taken_are_refused_in_words() {
    let house = House::new();
    let file = ct("1.5", "1.5.2", 1).bytes();
    let (media, body) = multipart(std::slice::from_ref(&file));
    let cut = &body[..body.len() - 20];
    let multi = |kind: &str| format!("multipart/related; type=\"{kind}\"; boundary=\"stow b\"");
    let cases: [(&str, &[u8], u16, &str); 12] = [
        // PS3.18 table 10.5.3-1: 400 a problem in the request, 415 another media type.
        ("", &body, 415, "media_type_unsupported"),
        ("text/plain", &body, 415, "media_type_unsupported"),
        ("application/zip", &body, 415, "media_type_unsupported"),
        (&multi("image/jpeg"), &body, 415, "media_type_unsupported"),
        (
            &multi("application/dicom+xml"),
            &body,
            400,
            "metadata_invalid",
        ),
        (
            "multipart/form-data; boundary=b",
            &body,
            415,
            "media_type_unsupported",
        ),
        (
            "multipart/related; type=\"application/dicom\"",
            &body,
            400,
            "body_invalid",
        ),
        (&media, cut, 400, "body_broken"),
        (&media, &body[..10], 400, "body_broken"),
        (&media, b"--stow b--\r\n", 400, "body_empty"),
        (&media, &[b'x'; 70_000], 400, "body_invalid"),
        (&media, b"", 400, "body_broken"),
    ];
    for (media, body, status, code) in cases {
        let answer = house.post("/dicomweb/studies", media, body);
        assert_eq!(
            (answer.status, answer.error_code()),
            (status, code.to_owned()),
            "{media}"
        );
    }
    let with = |name: &str, value: &str| -> Answer {
        let headers = [("Content-Type", media.as_str()), (name, value)];
        post(&house.server, "/dicomweb/studies", &headers, &body)
    };
    assert_eq!(with("Content-Encoding", "gzip").status, 415);
    assert_eq!(with("Accept", "image/png").status, 406);
    let unknown = house.post("/dicomweb/elsewhere/studies", &media, &body);
    assert_eq!(unknown.status, 404);
    is_empty(&house);
    assert_eq!(with("Accept", "application/json").status, 200);
}

#[test]
fn t14_half_files_and_files_that_lie_are_not_stored() {
    let house = House::with("[limits]\ndecoded_max = \"8MiB\"\n", |_| {});
    let whole = ct("1.5", "1.5.2", 1).bytes();
    let rest = |element: &[u8]| [&empty("1.5", "1.5.2", "1.5.2.1").bytes(), element].concat();
    let pixels = |length: u32, value: &[u8]| {
        let head = [&[0xE0, 0x7F, 0x10, 0][..], b"OW\0\0", &length.to_le_bytes()].concat();
        rest(&[&head[..], value].concat())
    };
    let fragments = |value: &[u8]| rest(&[&PIXELS_IN_FRAGMENTS[..], value].concat());
    let comment = |length: u32| {
        rest(
            &[
                &[0x20, 0, 0, 0x40][..],
                b"UT\0\0",
                &length.to_le_bytes(),
                b"abc",
            ]
            .concat(),
        )
    };
    let mut deep = b"\x20\0\x40\x92SQ\0\0\xFF\xFF\xFF\xFF".to_vec();
    for _ in 0..200 {
        deep.extend(b"\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF");
    }
    // 1 GiB of zeros in 1 MiB: the value of one element, and then pixels.
    let bomb = |tag: &[u8]| {
        let set = &empty("1.5", "1.5.2", "1.5.2.1").bytes();
        let syntax = b"1.2.840.10008.1.2.1\0";
        let at = memchr::memmem::find(set, syntax).unwrap() + syntax.len();
        let mut packed =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&set[at..]).unwrap();
        packed.write_all(tag).unwrap();
        packed.write_all(&(1_u32 << 26).to_le_bytes()).unwrap();
        let zeros = vec![0; 1 << 20];
        (0..64).for_each(|_| packed.write_all(&zeros).unwrap());
        // Three characters more: the head is written anew.
        let head = [&set[..at - 24], b"UI\x16\0", b"1.2.840.10008.1.2.1.99"].concat();
        [head, packed.finish().unwrap()].concat()
    };
    let odd: Vec<(&str, Vec<u8>)> = vec![
        ("a preamble alone", vec![0; 128]),
        ("the prefix alone", [&[0; 128][..], b"DICM"].concat()),
        ("a head alone", whole[..340.min(whole.len() / 2)].to_vec()),
        ("half a file", whole[..whole.len() - 1].to_vec()),
        ("no preamble", whole[132..].to_vec()),
        ("pixels of 4 GB", pixels(0xFFFF_FFFE, &[0; 24])),
        ("a text of 4 GB", comment(0xFFFF_FFFE)),
        ("a text of 2 GB", comment(0x7FFF_FFFF)),
        ("fragments without an end", fragments(&item(&[1, 2]))),
        (
            "a fragment of 4 GB",
            fragments(&[0xFE, 0xFF, 0, 0xE0, 0xFE, 0xFF, 0xFF, 0xFF]),
        ),
        ("a fragment that is none", fragments(&[1; 8])),
        ("sequences without end", rest(&deep)),
        ("a bomb of a text", bomb(b"\x20\0\0\x40UT\0\0")),
        ("a bomb of pixels", bomb(b"\xE0\x7F\x10\0OW\0\0")),
        (
            "a UID with letters",
            replaced(&whole, b"1.5.2\0", b"1.x.2\0"),
        ),
        (
            "a UID that leads elsewhere",
            replaced(&whole, b"1.5.2\0", b"../..\0"),
        ),
    ];
    for (words, bytes) in &odd {
        let begun = Instant::now();
        let answer = house.stow("/dicomweb/studies", std::slice::from_ref(bytes));
        assert!(
            [409, 413].contains(&answer.status),
            "{words}: {}",
            answer.status
        );
        assert!(begun.elapsed() < Duration::from_secs(5), "{words}");
    }
    for uid in [
        tags::STUDY_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::SOP_INSTANCE_UID,
        tags::SOP_CLASS_UID,
    ] {
        let mut made = ct("1.5", "1.5.2", 1);
        made.set.remove_element(uid);
        let answer = house.stow("/dicomweb/studies", &[made.bytes()]);
        assert_eq!(answer.status, 409, "{uid}");
        assert_eq!(
            failures(&answer.json()).len() + others(&answer.json()).len(),
            1
        );
    }
    is_empty(&house);
    // All of them together keep nobody out.
    let mut all: Vec<Vec<u8>> = odd.into_iter().map(|(_, bytes)| bytes).collect();
    all.push(whole);
    let mut good = empty("1.5", "1.5.2", "1.5.2.8");
    good.text(tags::MODALITY, VR::CS, "SR");
    good.fragments(JPEG_LS, vec![], vec![vec![1, 2]]);
    all.push(good.bytes());
    let answer = house.stow("/dicomweb/studies", &all);
    assert_eq!(answer.status, 202);
    assert_eq!(stored(&answer.json()), ["1.5.2.1", "1.5.2.8"]);
    assert_eq!(ct("1.5", "1.5.2", 1).transfer_syntax, EXPLICIT);
}

#[test]
fn more_than_is_taken_is_413() {
    let limits = "[limits]\nstow_max = \"400KiB\"\nstow_instance_max = \"100KiB\"\n";
    let house = House::with(limits, |_| {});
    let small = ct("1.5", "1.5.2", 1).bytes();
    let mut large = ct("1.5", "1.5.2", 2);
    large.text(tags::IMAGE_COMMENTS, VR::LT, &"x".repeat(60_000));
    large.text(tags::PATIENT_COMMENTS, VR::LT, &"x".repeat(60_000));
    let large = large.bytes();
    let answer = house.stow("/dicomweb/studies", std::slice::from_ref(&large));
    assert_eq!(
        (answer.status, answer.error_code()),
        (413, "instance_too_large".into())
    );
    let answer = house.stow("/dicomweb/studies", &vec![large.clone(); 5]);
    assert_eq!(
        (answer.status, answer.error_code()),
        (413, "request_too_large".into())
    );
    // The same without a length that is said before.
    let (media, body) = multipart(&vec![large.clone(); 5]);
    let mut stream = TcpStream::connect(house.server.address).unwrap();
    let head = format!(
        "POST /dicomweb/studies HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {media}\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        house.server.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    for piece in body.chunks(50_000) {
        let length = format!("{:x}\r\n", piece.len());
        stream
            .write_all(&[length.as_bytes(), piece, b"\r\n"].concat())
            .unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    is_empty(&house);
    // A700: out of resources; the other one is stored.
    let answer = house.stow("/dicomweb/studies", &[large, small]);
    assert_eq!(answer.status, 202);
    assert_eq!(others(&answer.json()), [0xA700]);
    assert_eq!(stored(&answer.json()), ["1.5.2.1"]);
}

#[test]
fn t23_who_sends_slowly_keeps_no_one_waiting() {
    let house = House::new();
    let (media, body) = multipart(&[ct("1.5", "1.5.2", 1).bytes()]);
    let head = format!(
        "POST /dicomweb/studies HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {media}\r\n\
         Content-Length: {}\r\n\r\n",
        house.server.address,
        body.len()
    );
    // They have a part each that does not end.
    let slow: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(house.server.address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body[..200]).unwrap();
            stream
        })
        .collect();
    // 64 have a place; the others are asked to come again, and are answered at once.
    let mut refused = 0;
    for mut stream in slow.iter().rev() {
        stream
            .set_read_timeout(Some(Duration::from_secs(1)))
            .unwrap();
        let mut bytes = [0; 12];
        if stream.read_exact(&mut bytes).is_ok() {
            assert_eq!(&bytes, b"HTTP/1.1 503");
            refused += 1;
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5);
    let begun = Instant::now();
    assert_eq!(house.server.get("/healthz").status, 200);
    assert_eq!(house.server.get("/dicomweb/studies").status, 200);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    drop(slow);
    // Their places are free again.
    house
        .server
        .wait_until(|_| house.post("/dicomweb/studies", &media, &body).status == 200);
    assert_eq!(house.counts(), [1, 1, 1]);
}
