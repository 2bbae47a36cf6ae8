//! Rendered pictures: window, viewport, formats, and what is said where there is none.

use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;

use crate::files::{Made, ct, empty, parts};
use crate::server::{Answer, Server, options};

fn served(made: &Made) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    made.write(folder.path(), "a.dcm");
    let server = Server::over(folder.path());
    (folder, server)
}

fn get(server: &Server, path: &str, accept: &str) -> Answer {
    server.request("GET", path, &[("Accept", accept)])
}

/// Width, height and samples of a picture; an independent library reads it.
fn picture(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    if bytes.starts_with(b"\x89PNG") {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let shown = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(shown.buffer_size());
        return (shown.width, shown.height, pixels);
    }
    let picture = image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg).unwrap();
    (picture.width(), picture.height(), picture.into_bytes())
}

fn drawn(server: &Server, path: &str) -> (u32, u32, Vec<u8>) {
    let answer = get(server, path, "image/png");
    assert_eq!(
        answer.status,
        200,
        "{path} {}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), Some("image/png"));
    picture(&answer.body)
}

/// PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for the values 100 to 111 of the file.
#[test]
fn the_window_that_is_asked_for_is_drawn_by_its_function() {
    let made = {
        let mut made = ct("1", "2", 1);
        made.text(tags::WINDOW_CENTER, VR::DS, "0");
        made.text(tags::WINDOW_WIDTH, VR::DS, "1");
        made
    };
    let (_folder, server) = served(&made);
    let path = format!("{}/rendered", made.address());
    // The file's own window shows white alone.
    assert_eq!(drawn(&server, &path), (4, 3, vec![255; 12]));
    let values: Vec<f64> = (100..112).map(f64::from).collect();
    let linear = |x: f64, c: f64, w: f64| ((x - (c - 0.5)) / (w - 1.0) + 0.5).clamp(0.0, 1.0);
    let exact = |x: f64, c: f64, w: f64| ((x - c) / w + 0.5).clamp(0.0, 1.0);
    let sigmoid = |x: f64, c: f64, w: f64| 1.0 / (1.0 + (-4.0 * (x - c) / w).exp());
    let check = |query: &str, curve: &dyn Fn(f64) -> f64| {
        let (width, height, found) = drawn(&server, &format!("{path}?window={query}"));
        assert_eq!((width, height), (4, 3));
        for (value, found) in values.iter().zip(found) {
            let expected = curve(*value) * 255.0;
            let difference = (expected - f64::from(found)).abs();
            assert!(
                difference <= 0.51,
                "{query} {value}: {found}, not {expected}"
            );
        }
    };
    check("128,256,linear", &|x| linear(x, 128.0, 256.0));
    check("105.5,8,linear", &|x| linear(x, 105.5, 8.0));
    check("105,8,linear-exact", &|x| exact(x, 105.0, 8.0));
    check("105,6,sigmoid", &|x| sigmoid(x, 105.0, 6.0));
    // Without a function it is the file's, here LINEAR.
    check("105.5,8", &|x| linear(x, 105.5, 8.0));
}

/// PS3.18 section 8.3.5.1.3.
#[test]
fn a_viewport_scales_cuts_and_turns_round() {
    let made = ct("1", "2", 1);
    let (_folder, server) = served(&made);
    let path = format!("{}/rendered?window=128,256,linear", made.address());
    let shown = |viewport: &str| drawn(&server, &format!("{path}&viewport={viewport}"));
    // Rows of 4: 100.., 104.., 108..
    assert_eq!(shown("4,3").2, (100..112).collect::<Vec<u8>>());
    assert_eq!(shown("2,1,1,1,2,1"), (2, 1, vec![105, 106]));
    assert_eq!(shown("2,1,1,1,-2,1"), (2, 1, vec![106, 105]));
    assert_eq!(shown("1,2,3,1,1,-2"), (1, 2, vec![111, 107]));
    // What is not named reaches to the end, and what lies outside is cut off.
    assert_eq!(
        shown("4,3,2,,9"),
        (2, 3, vec![102, 103, 106, 107, 110, 111])
    );
    let (width, height, pixels) = shown("40,40");
    assert_eq!((width, height), (40, 30));
    assert_eq!((pixels[0], pixels[40 * 30 - 1]), (100, 111));
    assert!(pixels.iter().all(|grey| (100..=111).contains(grey)));
    // Halved, each pixel is the mean of those below it, to the nearest grey.
    let small = shown("2,2,0,0,4,2");
    assert_eq!((small.0, small.1), (2, 1));
    assert!((102..=103).contains(&small.2[0]) && (104..=105).contains(&small.2[1]));
}

#[test]
fn a_picture_is_a_jpeg_unless_another_format_is_better_liked() {
    let made = {
        let mut made = empty("1", "2", "3");
        made.image(64, 64, 8);
        made.text(tags::WINDOW_CENTER, VR::DS, "128");
        made.text(tags::WINDOW_WIDTH, VR::DS, "256");
        let pixels: Vec<u8> = (0..64 * 64u32)
            .map(|at| ((at % 64) * 3 + (at / 64)) as u8)
            .collect();
        made.put(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8(pixels.into()));
        made
    };
    let (_folder, server) = served(&made);
    let path = format!("{}/rendered", made.address());
    let exact = drawn(&server, &path).2;
    for accept in [
        "",
        "*/*",
        "image/*",
        "image/jpeg",
        "image/png;q=0.1, image/jpeg",
    ] {
        let answer = get(&server, &path, accept);
        assert_eq!(
            answer.header("content-type"),
            Some("image/jpeg"),
            "{accept}"
        );
        let (width, height, pixels) = picture(&answer.body);
        assert_eq!((width, height), (64, 64));
        let far = pixels.iter().zip(&exact).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far.unwrap() <= 16, "{far:?}");
    }
    let length = |quality: u8| {
        let answer = get(&server, &format!("{path}?quality={quality}"), "image/jpeg");
        assert_eq!(answer.status, 200);
        answer.body.len()
    };
    assert!(length(10) < length(60) && length(60) < length(100));
    let whole = get(&server, &path, "multipart/related; type=\"image/png\"");
    let all = parts(&whole);
    assert_eq!(all.len(), 1);
    assert_eq!(picture(&all[0].1).2, exact);
    for accept in [
        "text/plain",
        "application/dicom",
        "video/mp4",
        "image/png;q=0",
    ] {
        let answer = get(&server, &path, accept);
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (406, "not_acceptable")
        );
    }
}

/// Three frames of 2 x 1 pixels, 50 ms each.
fn film() -> Made {
    let mut made = empty("1", "2", "3");
    made.image(1, 2, 8);
    made.text(tags::NUMBER_OF_FRAMES, VR::IS, "3");
    made.text(tags::FRAME_TIME, VR::DS, "50");
    made.text(tags::WINDOW_CENTER, VR::DS, "128");
    made.text(tags::WINDOW_WIDTH, VR::DS, "256");
    let pixels = [1, 2, 3, 4, 5, 6];
    made.put(
        tags::PIXEL_DATA,
        VR::OB,
        PrimitiveValue::U8(pixels.as_slice().into()),
    );
    made
}

#[test]
fn frames_come_one_by_one_in_parts_or_as_a_film() {
    let made = film();
    let (_folder, server) = served(&made);
    let path = made.address();
    // The one in the middle stands for all.
    assert_eq!(drawn(&server, &format!("{path}/rendered")).2, [3, 4]);
    assert_eq!(
        drawn(&server, &format!("{path}/frames/3/rendered")).2,
        [5, 6]
    );
    assert_eq!(
        drawn(&server, &format!("{path}/frames/1/thumbnail")).2,
        [1, 2]
    );
    let several = format!("{path}/frames/3,1/rendered");
    let answer = get(&server, &several, "multipart/related; type=\"image/png\"");
    let pixels: Vec<Vec<u8>> = parts(&answer)
        .iter()
        .map(|part| picture(&part.1).2)
        .collect();
    assert_eq!(pixels, [[5, 6], [1, 2]]);
    let kinds: Vec<String> = parts(&get(&server, &several, "*/*"))
        .into_iter()
        .map(|part| part.0)
        .collect();
    assert_eq!(kinds, ["image/jpeg ", "image/jpeg "]);
    assert_eq!(get(&server, &several, "image/png").status, 406);
    for (address, expected) in [
        (format!("{path}/rendered"), vec![[1, 2], [3, 4], [5, 6]]),
        (several, vec![[5, 6], [1, 2]]),
    ] {
        let answer = get(&server, &address, "image/gif");
        assert_eq!(answer.header("content-type"), Some("image/gif"));
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(&answer.body[..]).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            assert_eq!(frame.delay, 5);
            frames.push([frame.buffer[0], frame.buffer[4]]);
        }
        assert_eq!(frames, expected);
    }
    for (list, status, code) in [
        ("4", 404, "frame_unknown"),
        ("0", 400, "frame_invalid"),
        ("x", 400, "frame_invalid"),
    ] {
        for end in ["rendered", "thumbnail"] {
            let answer = get(&server, &format!("{path}/frames/{list}/{end}"), "*/*");
            assert_eq!(
                (answer.status, answer.error_code().as_str()),
                (status, code)
            );
        }
    }
    let answer = get(&server, &format!("{path}/frames/1,2/thumbnail"), "*/*");
    assert_eq!(answer.status, 400);
}

#[test]
fn colour_films_are_in_colour() {
    let mut made = empty("1", "2", "3");
    made.image(1, 2, 8);
    made.put(tags::SAMPLES_PER_PIXEL, VR::US, 3u16.into());
    made.put(tags::PLANAR_CONFIGURATION, VR::US, 0u16.into());
    made.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB");
    let pixels = [255, 0, 0, 0, 0, 255];
    made.put(
        tags::PIXEL_DATA,
        VR::OB,
        PrimitiveValue::U8(pixels.as_slice().into()),
    );
    let (_folder, server) = served(&made);
    let answer = get(
        &server,
        &format!("{}/rendered", made.address()),
        "image/gif",
    );
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(&answer.body[..]).unwrap();
    let frame = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!(&frame.buffer[..], [255, 0, 0, 255, 0, 0, 255, 255]);
}

#[test]
fn a_series_and_a_study_have_a_picture_that_stands_for_them() {
    let folder = tempfile::tempdir().unwrap();
    // The first series by its number has no pixels.
    let mut report = empty("1", "1", "9");
    report.text(tags::SERIES_NUMBER, VR::IS, "1");
    report.write(folder.path(), "sr.dcm");
    for number in 1..=3 {
        ct("1", "2", number).write(folder.path(), &number.to_string());
    }
    let server = Server::over(folder.path());
    let window = "rendered?window=128,256,linear";
    for path in [
        format!("/dicomweb/studies/1/series/2/{window}"),
        format!("/dicomweb/local/studies/1/{window}"),
    ] {
        // The second of three: 200 to 211.
        assert_eq!(drawn(&server, &path).2, (200..212).collect::<Vec<u8>>());
    }
    let small = "/dicomweb/studies/1/thumbnail";
    assert_eq!(drawn(&server, small).2.len(), 12);
    assert_eq!(drawn(&server, &format!("{small}?viewport=2,2")).0, 2);
    for path in [
        "/dicomweb/studies/1/series/1/rendered",
        "/dicomweb/studies/1/series/1/thumbnail",
    ] {
        let answer = get(&server, path, "*/*");
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (404, "no_pixels")
        );
    }
    let answer = get(&server, &format!("{}/rendered", report.address()), "*/*");
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (406, "document_unknown")
    );
    for path in [
        "/dicomweb/studies/7/rendered",
        "/dicomweb/studies/7/thumbnail",
    ] {
        assert_eq!(get(&server, path, "*/*").error_code(), "study_unknown");
    }
}

#[test]
fn what_cannot_be_asked_for_is_400_in_words() {
    let made = ct("1", "2", 1);
    let (_folder, server) = served(&made);
    let path = format!("{}/rendered", made.address());
    for (query, code) in [
        ("window=1", "window_invalid"),
        ("window=1,0,linear", "window_invalid"),
        ("window=1,2,cubic", "window_invalid"),
        ("viewport=0,1", "viewport_invalid"),
        ("viewport=99999,1", "viewport_invalid"),
        ("viewport=4,3,9,9", "picture_invalid"),
        ("quality=0", "quality_invalid"),
        ("quality=high", "quality_invalid"),
        ("annotation=patient,logo", "annotation_unknown"),
        // 4 x 3 pixels hold no text.
        ("annotation=patient", "picture_invalid"),
        ("iccprofile=adobergb", "profile_unknown"),
    ] {
        let answer = get(&server, &format!("{path}?{query}"), "image/png");
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (400, code),
            "{query}"
        );
    }
    let small = format!("{}/thumbnail?viewport=2000,2000", made.address());
    assert_eq!(get(&server, &small, "*/*").status, 400);
}

/// RFC 9110 sections 8.8.3 and 13.1.2. The index of the second server is another one.
#[test]
fn pictures_frames_and_metadata_have_tags_that_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let made = ct("1", "2", 1);
    let path = made.write(folder.path(), "a.dcm");
    let addresses = [
        format!("{}/rendered", made.address()),
        format!("{}/rendered?quality=50", made.address()),
        format!("{}/thumbnail", made.address()),
        format!("{}/frames/1", made.address()),
        format!("{}/metadata", made.address()),
        "/dicomweb/studies/1/metadata".to_owned(),
        "/dicomweb/studies/1/thumbnail".to_owned(),
    ];
    let server = Server::over(folder.path());
    let tags: Vec<String> = addresses
        .iter()
        .map(|address| {
            let answer = get(&server, address, "*/*");
            assert_eq!(answer.status, 200, "{address}");
            answer.header("etag").unwrap().to_owned()
        })
        .collect();
    drop(server);
    let server = Server::over(folder.path());
    let ask = |server: &Server, address: &str, tag: &str| {
        server.request("GET", address, &[("Accept", "*/*"), ("If-None-Match", tag)])
    };
    for (address, tag) in addresses.iter().zip(&tags) {
        let answer = ask(&server, address, tag);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{address}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()), "{address}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            ask(&server, address, "W/\"other\"").status,
            200,
            "{address}"
        );
    }
    let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
    // Of one instance alone the study's metadata are the same data sets, under another address.
    assert!(distinct.len() >= 5, "{tags:?}");
    drop(server);
    // Another file under the same UIDs.
    let mut other = ct("1", "2", 1);
    other.text(tags::WINDOW_CENTER, VR::DS, "100");
    other.text(tags::WINDOW_WIDTH, VR::DS, "10");
    std::fs::remove_file(&path).unwrap();
    other.write(folder.path(), "a.dcm");
    let index = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path(), &index.path().join("i.db")));
    server.wait_until_indexed();
    for (address, tag) in addresses.iter().zip(&tags) {
        assert_eq!(ask(&server, address, tag).status, 200, "{address}");
    }
}
