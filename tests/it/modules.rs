//! The modules of the decode workers: what a smaller one lacks, a larger one decodes.

use crate::made::{Coded, Made};
use crate::stage::Stage;
use sagitta_tests::{Backend, TempFolder};

/// A stream of viewer-core's own tests, which says there how it was made; without a name the pixels that are in them.
fn stream(name: &str) -> Vec<u8> {
    if name.is_empty() {
        let places = (0..33).flat_map(|y| (0..36).map(move |x| (x, y)));
        let grey = |(x, y): (u32, u32)| match (x / 8 + y / 8) % 2 {
            0 => 1000,
            _ => (x * 97 + y * 57) % 4096,
        };
        let low_and_high = |value: u32| value.to_le_bytes()[..2].to_vec();
        return places.map(grey).flat_map(low_and_high).collect();
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../viewer-core/tests/streams");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

#[test]
fn workers_are_exchanged_for_other_decoders_and_no_frame_is_lost() {
    let folder = TempFolder::new("modules").unwrap();
    let coded = [
        ("1.2.840.10008.1.2.4.57", "grey12_predictor1.jpg"),
        ("1.2.840.10008.1.2.4.90", "grey12.j2k"),
        ("1.2.840.10008.1.2.4.201", "grey12.htj2k"),
        ("1.2.840.10008.1.2.4.110", "grey12.jxl"),
        // The label says JPEG-LS, so the smaller module meets it and gives it back.
        ("1.2.840.10008.1.2.4.80", "grey12.htj2k"),
        ("1.2.840.10008.1.2.8.1", "grey12.deflate"),
        ("1.2.840.10008.1.2.1.98", ""),
    ];
    let mut instances = Vec::new();
    for place in 0..20 {
        // Every fourth is native.
        let coded = (place % 4 != 3).then(|| coded[place % coded.len()]);
        let made = Made {
            instance: place + 1,
            coded: coded.map(|(syntax, name)| Coded {
                syntax,
                stream: stream(name),
                rows: 33,
                columns: 36,
                bits: 12,
            }),
            ..Made::of_study(1)
        };
        folder
            .write(&format!("{place}.dcm"), &made.bytes())
            .unwrap();
        instances.push(format!("{}.{}", made.series_uid(), place + 1));
    }
    let stage = Stage::blank(Backend::Cpu, folder.path());
    stage
        .page
        .init_script(
            "(() => { const Plain = window.Worker; window.__started = [];
           window.Worker = class extends Plain {
             constructor(url, ...rest) { super(url, ...rest); window.__started.push(String(url)); }
           }; })()",
        )
        .unwrap();
    stage.go("");
    let started = stage.page.eval("window.__started.join()").unwrap();
    assert!(
        !started.to_string().contains("decode_worker_all"),
        "{started}"
    );
    // All at once; native pictures are 0, 4, 8 and so on, the others what the formula says.
    let wrong = stage
        .page
        .eval(&format!(
            "(async () => {{
               const grey = (x, y) => ((x >> 3) + (y >> 3)) % 2 ? (x * 97 + y * 57) % 4096 : 1000;
               const check = async (uid) => {{
                 const found = await window.sagitta.pixels(uid, 1);
                 const bad = found.rows === 8
                   ? found.data.findIndex((value, place) => value !== 4 * place)
                   : found.data.findIndex((value, place) => value !== grey(place % 36, Math.floor(place / 36)));
                 return bad < 0 ? [] : [uid + ' at ' + bad];
               }};
               const all = await Promise.all({instances:?}.map((uid) => check(uid).catch((e) => [uid + ' ' + e])));
               return all.flat().join('; ');
             }})()"
        ))
        .unwrap();
    assert_eq!(wrong, "");
    let started = stage
        .page
        .eval("window.__started.join()")
        .unwrap()
        .to_string();
    assert!(started.contains("decode_worker_all"), "{started}");
    let notes = stage
        .page
        .eval("sagitta.stats().notes")
        .unwrap()
        .to_string();
    assert!(!notes.contains("worker"), "{notes}");
}

#[test]
fn an_image_that_contradicts_its_attributes_says_so_beside_the_image() {
    const LOSS: &str = "promises an image without loss";
    const CODEC: &str = "names another compression";
    let folder = TempFolder::new("contradictions").unwrap();
    // The transfer syntaxes are JPEG Lossless, JPEG Extended, JPEG-LS Lossless and HTJ2K Lossless (PS3.6 annex A).
    let cases: [(&str, &str, &[&str]); 4] = [
        ("1.2.840.10008.1.2.4.57", "grey12_dct.jpg", &[LOSS]),
        ("1.2.840.10008.1.2.4.51", "grey12_dct.jpg", &[]),
        ("1.2.840.10008.1.2.4.80", "grey12.htj2k", &[CODEC]),
        ("1.2.840.10008.1.2.4.201", "grey12.htj2k", &[]),
    ];
    let mut made = Vec::new();
    for (place, (syntax, name, _)) in cases.iter().enumerate() {
        let coded = Coded {
            syntax,
            stream: stream(name),
            rows: 33,
            columns: 36,
            bits: 12,
        };
        let image = Made {
            series: place + 1,
            coded: Some(coded),
            ..Made::of_study(1)
        };
        let name = format!("{place}.dcm");
        folder.write(&name, &image.bytes()).unwrap();
        made.push(image);
    }
    let stage = Stage::list(Backend::Cpu, folder.path());
    for (image, (syntax, _, expected)) in made.iter().zip(cases) {
        stage.open(&image.study_uid(), &image.series_uid());
        stage.eval("window.sagitta.complete()");
        let tip = stage.eval("document.querySelector('.ov.tr .tip')?.textContent ?? ''");
        let notes = stage.eval("window.sagitta.viewports()[0].notes.join()");
        for words in [LOSS, CODEC] {
            let told = expected.contains(&words);
            assert_eq!(tip.to_string().contains(words), told, "{syntax}: {tip}");
            assert_eq!(notes.to_string().contains(words), told, "{syntax}: {notes}");
        }
    }
    stage.expect_no_problems();
}
