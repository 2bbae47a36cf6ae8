//! WADO-URI, PS3.18 chapter 9.

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;

use crate::files::{EXPLICIT, IMPLICIT, Made, ct, empty};
use crate::server::{Answer, Server};

fn ask(server: &Server, made: &Made, more: &str) -> Answer {
    server.get(&format!(
        "/wado?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}{more}",
        made.study, made.series, made.instance
    ))
}

fn png(answer: &Answer) -> (u32, u32, Vec<u8>) {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), Some("image/png"));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&answer.body))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let shown = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(shown.buffer_size());
    (shown.width, shown.height, pixels)
}

#[test]
fn a_picture_is_drawn_as_the_parameters_say() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let usual = ask(&server, &made, "");
    assert_eq!(usual.header("content-type"), Some("image/jpeg"));
    let shown = |more: &str| {
        let more = format!("&contentType=image/png&windowCenter=128&windowWidth=256{more}");
        png(&ask(&server, &made, &more))
    };
    assert_eq!(shown(""), (4, 3, (100..112).collect()));
    assert_eq!(shown("&rows=6").1, 6);
    assert_eq!(shown("&rows=30&columns=20").0, 20);
    // The right half of the upper two thirds.
    let part = shown("&region=0.5,0,1,0.66666667");
    assert_eq!(part, (2, 2, vec![102, 103, 106, 107]));
    let answer = ask(&server, &made, "&contentType=image/gif,image/png;q=0.1");
    assert_eq!(answer.header("content-type"), Some("image/gif"));
    let answer = ask(&server, &made, "&imageQuality=10");
    assert_eq!(answer.header("content-type"), Some("image/jpeg"));
}

#[test]
fn a_file_comes_as_explicit_little_endian_or_in_the_syntax_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = ct("1", "2", 1);
    made.transfer_syntax = IMPLICIT;
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    for more in [
        "&contentType=application/dicom",
        "&contentType=application%2Fdicom&transferSyntax=1.2.840.10008.1.2.1",
        "&contentType=application/dicom,image/jpeg;q=0.1",
    ] {
        let answer = ask(&server, &made, more);
        assert_eq!(answer.status, 200, "{more}");
        let kind = format!("application/dicom; transfer-syntax={EXPLICIT}");
        assert_eq!(answer.header("content-type"), Some(kind.as_str()));
        let read = dicom_object::from_reader(&answer.body[..]).unwrap();
        assert_eq!(read.meta().transfer_syntax(), EXPLICIT);
        let pixels = read.element(tags::PIXEL_DATA).unwrap().to_bytes().unwrap();
        let expected: Vec<u8> = (100..112u16).flat_map(u16::to_le_bytes).collect();
        assert_eq!(&*pixels, expected);
    }
    let other = "&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.4.50";
    assert_eq!(ask(&server, &made, other).status, 406);
    let report = empty("1", "3", "4");
    report.write(folder.path(), "b.dcm");
    server.wait_until(|server| ask(server, &report, "").status == 200);
    // Of what has no pixels the file is the default.
    let answer = ask(&server, &report, "");
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/dicom;")
    );
}

#[test]
fn frames_are_named_from_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = empty("1", "2", "3");
    made.image(1, 2, 8);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    let pixels = [10, 20, 30, 40];
    made.put(
        tags::PIXEL_DATA,
        VR::OB,
        PrimitiveValue::U8(pixels.as_slice().into()),
    );
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    let frame = "&contentType=image/png&windowCenter=128&windowWidth=256&frameNumber=";
    assert_eq!(png(&ask(&server, &made, &format!("{frame}1"))).2, [10, 20]);
    assert_eq!(png(&ask(&server, &made, &format!("{frame}2"))).2, [30, 40]);
    assert_eq!(ask(&server, &made, &format!("{frame}3")).status, 404);
    for number in ["0", "x", "-1"] {
        assert_eq!(ask(&server, &made, &format!("{frame}{number}")).status, 400);
    }
    // PS3.18 table 8.7.2-1: several frames are a file, unless one of them is named.
    let answer = ask(&server, &made, "");
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/dicom;")
    );
    let named = ask(&server, &made, "&frameNumber=1");
    assert_eq!(named.header("content-type"), Some("image/jpeg"));
    let both = ask(
        &server,
        &made,
        "&contentType=application/dicom&frameNumber=1",
    );
    assert_eq!(both.status, 400);
}

#[test]
fn what_is_missing_malformed_or_not_done_is_400_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    for (more, code) in [
        ("&anonymize=yes", "parameter_unknown"),
        ("&annotation=logo", "annotation_unknown"),
        ("&presentationUID=1.2", "presentation_invalid"),
        ("&presentationSeriesUID=1.2", "presentation_invalid"),
        (
            "&presentationUID=1.2&presentationSeriesUID=1&contentType=application/dicom",
            "presentation_invalid",
        ),
        ("&windowCenter=1", "window_invalid"),
        ("&windowCenter=a&windowWidth=1", "window_invalid"),
        ("&windowCenter=1&windowWidth=0", "window_invalid"),
        ("&rows=0", "viewport_invalid"),
        ("&columns=100000", "viewport_invalid"),
        ("&region=0,0,1", "region_invalid"),
        ("&region=0.5,0,0.5,1", "region_invalid"),
        ("&region=0,0,2,1", "region_invalid"),
        ("&imageQuality=0", "quality_invalid"),
    ] {
        let answer = ask(&server, &made, more);
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (400, code),
            "{more}"
        );
    }
    for (path, code) in [
        ("/wado", "request_type_unknown"),
        ("/wado?requestType=WADO", "uid_missing"),
        (
            "/wado?requestType=OTHER&studyUID=1&seriesUID=2&objectUID=3",
            "request_type_unknown",
        ),
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (400, code),
            "{path}"
        );
    }
    assert_eq!(ask(&server, &made, "&contentType=text/html").status, 406);
    let unknown = "/wado?requestType=WADO&studyUID=9&seriesUID=2&objectUID=3";
    assert_eq!(server.get(unknown).error_code(), "study_unknown");
}
