//! From a data set to the picture, by the way that the viewer goes: instance, state, parameters, renderer.

#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up numbers within the range of their type"
)]

#[path = "../../viewer-gpu/src/test_scenes/chance.rs"]
mod chance;
#[path = "oracle/viewing.rs"]
mod viewing;

use chance::Chance;
use serde_json::{Value, json};
use viewer_core::model::Instance;
use viewer_core::pixel::format::sample_at;
use viewer_core::state::{Action, ViewChange};
use viewer_core::tools::probe::probe;
use viewing::{Viewing, base, with};

/// Attributes that are broken, and a word of the note that says so.
fn broken() -> Vec<(Value, &'static str)> {
    let lut = |descriptor: Value, data: Value| json!({"Value": [{"00283002": {"Value": descriptor}, "00283006": {"Value": data}}]});
    let mut cases = Vec::new();
    for (descriptor, data) in [
        (json!([9, 0, 16]), json!([1, 2, 3])),
        (json!([3, 0, 0]), json!([1, 2, 3])),
        (json!([3, 0, 17]), json!([1, 2, 3])),
        (json!([3, 0]), json!([1, 2, 3])),
        (json!([3, "NaN", 16]), json!([1, 2, 3])),
        (json!([3, 70_000, 16]), json!([1, 2, 3])),
        (json!([3, 0, 16]), json!(["x", 2, 3])),
        (json!([3, 0, 16]), json!([])),
    ] {
        let table = lut(descriptor, data);
        cases.push((json!({"00283000": table}), "modality LUT"));
        cases.push((json!({"00283010": table}), "VOI LUT"));
        cases.push((json!({"20500010": table}), "presentation LUT"));
    }
    let plane = |attributes: Value| {
        let size = json!({"60000010": {"Value": [4]}, "60000011": {"Value": [4]}});
        with(
            with(size, json!({"60003000": {"InlineBinary": "//8="}})),
            attributes,
        )
    };
    for attributes in [
        json!({"60003000": {"InlineBinary": "/w=="}}),
        json!({"60003000": {"InlineBinary": "%%"}}),
        json!({"60000010": {"Value": [0]}}),
        json!({"60000011": {"Value": ["NaN"]}}),
        json!({"60000050": {"Value": ["NaN", 1]}}),
        json!({"60000050": {"Value": [1]}}),
        json!({"60000015": {"Value": [900]}}),
    ] {
        cases.push((plane(attributes), "overlay plane"));
    }
    for attributes in [
        json!({"00181600": {"Value": ["CIRCULAR"]}, "00181610": {"Value": [2, 2]}, "00181612": {"Value": ["NaN"]}}),
        json!({"00181600": {"Value": ["CIRCULAR"]}, "00181610": {"Value": [2, 2]}, "00181612": {"Value": [0]}}),
        json!({"00181600": {"Value": ["POLYGONAL"]}, "00181620": {"Value": [1, 1, 2, 2, 3]}}),
        json!({"00181600": {"Value": ["RECTANGULAR"]}, "00181602": {"Value": [2]}}),
        json!({"00181600": {"Value": ["ROUND"]}}),
    ] {
        cases.push((attributes, "shutter"));
    }
    for number in [json!("NaN"), json!(0), json!("x"), json!("Infinity")] {
        cases.push((json!({"00281053": {"Value": [number]}}), "rescale slope"));
        cases.push((json!({"00280034": {"Value": [number, 1]}}), "aspect"));
        cases.push((json!({"00280030": {"Value": [1, number]}}), "spacing"));
        let regions = json!({"Value": [{
            "00186018": {"Value": [0]}, "0018601A": {"Value": [0]}, "0018601C": {"Value": [3]},
            "0018601E": {"Value": [3]}, "0018602C": {"Value": [number]}, "0018602E": {"Value": [1]},
        }]});
        cases.push((json!({"00186011": regions}), "region"));
        cases.push((
            json!({"00281050": {"Value": [90]}, "00281051": {"Value": [number]}}),
            "window",
        ));
        cases.push((json!({"00280101": {"Value": [number]}}), "bits stored"));
        if number != json!(0) {
            cases.push((
                json!({"00281052": {"Value": [number]}}),
                "rescale intercept",
            ));
            cases.push((json!({"00280120": {"Value": [number]}}), "padding"));
        }
    }
    cases
}

#[test]
fn what_is_broken_is_ignored_with_a_note_and_changes_nothing() {
    let mut wrong = Vec::new();
    for (attributes, word) in broken() {
        let viewing = Viewing::of(with(base(), attributes.clone()));
        let notes: Vec<String> = viewing.instance().notes(0).collect();
        if !notes.iter().any(|note| note.contains(word)) {
            wrong.push(format!("{attributes} has no note: {notes:?}"));
        }
        // The image without what is broken.
        let mut plain = base();
        for tag in attributes.as_object().unwrap().keys() {
            plain.as_object_mut().unwrap().remove(tag);
        }
        // A window is a pair.
        if word == "window" {
            plain.as_object_mut().unwrap().remove("00281050");
        }
        if viewing.picture() != Viewing::of(plain).picture() {
            wrong.push(format!("{attributes} changes the picture"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

fn palette(first: i64, entries: [Value; 3]) -> Value {
    let mut set = json!({"00280004": {"Value": ["PALETTE COLOR"]}});
    for (channel, data) in ["1", "2", "3"].into_iter().zip(entries) {
        set[format!("0028110{channel}")] = json!({"Value": [4, first, 16]});
        set[format!("0028120{channel}")] = json!({"Value": data});
    }
    set
}

#[test]
fn a_palette_that_is_not_whole_is_said_and_never_drawn_grey() {
    let whole = json!([0, 0xff00, 0x8000, 0x4000]);
    for data in [json!([1, 2]), json!([]), json!(["x", 1, 2, 3])] {
        let set = palette(0, [whole.clone(), data, whole.clone()]);
        let viewing = Viewing::of(with(base(), set));
        assert!(
            viewing
                .instance()
                .notes(0)
                .any(|note| note.contains("palette"))
        );
        assert_eq!(viewing.params().palette, None);
        // What a screen takes for a message in place of the picture.
        assert_eq!(
            viewing.picture(),
            Err("its palette is missing or not valid")
        );
    }
}

#[test]
fn lesson_14_a_palette_is_coloured() {
    let channels = [
        json!([0, 0xff00, 0, 0]),
        json!([0, 0, 0xff00, 0]),
        json!([0, 0, 0, 0xff00]),
    ];
    let viewing = Viewing::of(with(base(), palette(100, channels)));
    let picture = viewing.picture().unwrap();
    let colors = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]];
    for (place, pixel) in picture.iter().enumerate() {
        // Inputs outside have the end colours.
        let index = (viewing.stored(place) - 100.0).clamp(0.0, 3.0) as usize;
        assert_eq!(*pixel, colors[index]);
    }
}

#[test]
fn lesson_14_ybr_is_not_green() {
    for (code, grey) in [
        ("YBR_FULL", [90, 128, 128]),
        ("YBR_FULL_422", [90, 128, 128]),
    ] {
        let set = json!({
            "00280004": {"Value": [code]}, "00280002": {"Value": [3]}, "00280100": {"Value": [8]},
            "00280101": {"Value": [8]}, "00280102": {"Value": [7]}, "00280103": {"Value": [0]},
        });
        let bytes = grey.repeat(viewing::PIXELS);
        let viewing = Viewing::with_bytes(with(base(), set), bytes);
        assert_eq!(
            viewing.picture().unwrap(),
            [[90; 3]; viewing::PIXELS],
            "{code}"
        );
    }
}

#[test]
fn lesson_14_reset_equals_the_first_paint() {
    for photometric in [
        "MONOCHROME1",
        "MONOCHROME2",
        "PALETTE COLOR",
        "RGB",
        "YBR_FULL",
    ] {
        let mut set = palette(
            100,
            ["a", "b", "c"].map(|_| json!([0, 0xff00, 0x8000, 0x4000])),
        );
        set["00280004"] = json!({"Value": [photometric]});
        let mut viewing = if ["RGB", "YBR_FULL"].contains(&photometric) {
            let bytes = json!({
                "00280002": {"Value": [3]}, "00280100": {"Value": [8]}, "00280101": {"Value": [8]},
                "00280102": {"Value": [7]}, "00280103": {"Value": [0]},
            });
            let samples = (0..3 * viewing::PIXELS).map(|i| (i * 5) as u8).collect();
            Viewing::with_bytes(with(with(base(), set), bytes), samples)
        } else {
            Viewing::of(with(base(), set))
        };
        let first = (viewing.params(), viewing.picture().unwrap());
        for action in [
            Action::Invert(0),
            Action::DragWindow {
                viewport: 0,
                dx: 40.0,
                dy: -9.0,
            },
            Action::ChangeView {
                viewport: 0,
                change: ViewChange::ZoomBy {
                    factor: 1.5,
                    about: None,
                },
            },
        ] {
            viewing.state.apply(action);
        }
        assert_ne!(viewing.picture().unwrap(), first.1, "{photometric}");
        viewing.state.apply(Action::Reset(0));
        assert_eq!(
            (viewing.params(), viewing.picture().unwrap()),
            first,
            "{photometric}"
        );
    }
}

/// Grey of a modality value on screen.
fn level(grey: f64) -> u8 {
    (grey * 255.0 + 0.5).floor() as u8
}

#[test]
fn lesson_13_sigmoid_is_not_linear() {
    let viewing = Viewing::of(with(base(), json!({"00281056": {"Value": ["SIGMOID"]}})));
    for (place, pixel) in viewing.picture().unwrap().into_iter().enumerate() {
        let value = 2.0 * viewing.stored(place) - 100.0;
        let grey = 1.0 / (1.0 + (-4.0 * (value - 90.0) / 300.0).exp());
        assert_eq!(pixel, [level(grey); 3]);
    }
}

#[test]
fn lesson_13_luts_of_the_file_are_applied() {
    let item = |first: i64| json!({"Value": [{"00283002": {"Value": [5, first, 8]}, "00283006": {"Value": [255, 200, 60, 90, 0]}}]});
    let entries = [255_u8, 200, 60, 90, 0];
    let at = |input: f64| entries[input.clamp(0.0, 4.0) as usize];
    let voi = Viewing::of(with(
        base(),
        json!({"00283010": item(40), "00281053": {"Value": [1]}}),
    ));
    for (place, pixel) in voi.picture().unwrap().into_iter().enumerate() {
        assert_eq!(pixel, [at(voi.stored(place) - 100.0 - 40.0); 3]);
    }
    let modality = Viewing::of(with(base(), json!({"00283000": item(100)})));
    for (place, pixel) in modality.picture().unwrap().into_iter().enumerate() {
        let value = f64::from(at(modality.stored(place) - 100.0));
        // The window 90 / 300 of the file, C.11.2.1.2.1.
        let grey = ((value - 89.5) / 299.0 + 0.5).clamp(0.0, 1.0);
        assert_eq!(pixel, [level(grey); 3]);
    }
}

#[test]
fn lesson_08_a_probe_reads_decoded_integers_through_the_rescale() {
    let types = [(8, 0), (8, 1), (16, 0), (16, 1), (32, 0), (32, 1)];
    let mut probes = 0;
    for number in 0..500_u32 {
        let chance = &mut Chance(u64::from(number) + 9);
        let (bits, signed) = types[number as usize % types.len()];
        let (columns, rows) = (4 + chance.below(90), 4 + chance.below(90));
        let [slope, intercept] = [
            chance.by_magnitude(0.01, 20.0),
            chance.between(-2000.0, 2000.0),
        ];
        let set = with(
            base(),
            json!({
                "00280010": {"Value": [rows]}, "00280011": {"Value": [columns]}, "00280100": {"Value": [bits]},
                "00280101": {"Value": [bits]}, "00280102": {"Value": [bits - 1]},
                "00280103": {"Value": [signed]}, "00281053": {"Value": [slope]}, "00281052": {"Value": [intercept]},
            }),
        );
        let size = bits as usize / 8;
        let bytes: Vec<u8> = (0..columns as usize * rows as usize * size)
            .map(|_| chance.below(256) as u8)
            .collect();
        let viewing = Viewing::with_bytes(set, bytes.clone());
        let frame = viewing.frame();
        for place in 0..16_u32 {
            let [column, row] = [place % 4 * (columns - 1) / 3, place / 4 * (rows - 1) / 3];
            let at = |edge| f64::from(edge) + chance.between(-0.49, 0.49);
            let mut at = at;
            let sample = |c, r, s| frame.sample(c, r, s);
            let found = probe(viewing.instance(), 0, at(column), at(row), sample).unwrap();
            // The integer out of the bytes as the file has them.
            let start = (row * columns + column) as usize * size;
            let whole = bytes[start..start + size]
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | i64::from(*byte));
            let whole = if signed == 1 && whole >> (bits - 1) == 1 {
                whole - (1 << bits)
            } else {
                whole
            };
            assert_eq!((found.column, found.row), (column, row));
            assert_eq!(found.stored, [whole as f64]);
            assert_eq!(
                found.value,
                Some(slope * whole as f64 + intercept),
                "scene {number}"
            );
            probes += 1;
        }
    }
    assert_eq!(probes, 8000);
}

/// Changes one value somewhere in a data set.
fn mutate(chance: &mut Chance, value: &mut Value) {
    match value {
        Value::Object(map) if !map.is_empty() && !chance.one_in(12) => {
            let place = chance.below(map.len() as u32) as usize;
            if let Some(inner) = map.values_mut().nth(place) {
                mutate(chance, inner);
            }
        }
        Value::Array(list) if !list.is_empty() && !chance.one_in(6) => {
            if chance.one_in(6) {
                let copy = list[0].clone();
                list.push(copy);
            } else if chance.one_in(6) {
                list.pop();
            } else {
                let place = chance.below(list.len() as u32) as usize;
                mutate(chance, &mut list[place]);
            }
        }
        other => {
            let numbers = [
                0.0, 1.0, -1.0, 2.0, 3.0, 8.0, 16.0, 32.0, 64.0, 255.0, 32_768.0, 65_535.0,
                65_536.0, 4e9, -4e9, 1e300, 0.5,
            ];
            *other = match chance.below(9) {
                0 => Value::Null,
                1 => json!("NaN"),
                2 => json!(""),
                3 => json!([]),
                4 => json!("-1e400"),
                5 => json!(
                    ["RGB", "INVERSE", "SIGMOID", "POLYGONAL", "PALETTE COLOR"]
                        [chance.below(5) as usize]
                ),
                _ => json!(numbers[chance.below(numbers.len() as u32) as usize]),
            };
        }
    }
}

/// A data set that has all that the chain reads.
fn rich() -> Value {
    let lut = json!({"Value": [{
        "00283002": {"Value": [4, 0, 16]}, "00283003": {"Value": ["A"]}, "00283006": {"Value": [0, 9000, 40_000, 65_535]},
    }]});
    let mut set = with(
        base(),
        palette(0, [0, 1, 2].map(|_| json!([0, 0xff00, 0x8000, 0x4000]))),
    );
    set["00280004"] = json!({"Value": ["MONOCHROME2"]});
    with(
        set,
        json!({
            "00089205": {"Value": ["COLOR"]}, "00283000": lut, "00283010": lut, "20500010": lut,
            "20500020": {"Value": ["IDENTITY"]}, "00281056": {"Value": ["SIGMOID"]}, "00280120": {"Value": [3]},
            "00280121": {"Value": [5]}, "00280106": {"Value": [0]}, "00280107": {"Value": [90]},
            "00280030": {"Value": [0.5, 0.25]}, "00280034": {"Value": [1, 2]}, "00280008": {"Value": [2]},
            "60000010": {"Value": [4]}, "60000011": {"Value": [4]}, "60000050": {"Value": [1, 1]},
            "60003000": {"InlineBinary": "//8="}, "60000015": {"Value": [1]}, "60000051": {"Value": [1]},
            "60020010": {"Value": [4]}, "60020011": {"Value": [4]}, "60020100": {"Value": [16]}, "60020102": {"Value": [13]},
            "00181600": {"Value": ["RECTANGULAR", "CIRCULAR", "POLYGONAL"]}, "00181602": {"Value": [1]},
            "00181604": {"Value": [6]}, "00181606": {"Value": [1]}, "00181608": {"Value": [5]},
            "00181610": {"Value": [3, 3]}, "00181612": {"Value": [3]}, "00181620": {"Value": [1, 1, 1, 8, 6, 4]},
            "00181622": {"Value": [30_000]}, "00181063": {"Value": [40]}, "00181065": {"Value": [0, 40]},
            "00409096": {"Value": [{"00409216": {"Value": [0]}, "00409211": {"Value": [900]}, "00409224": {"Value": [1]}, "00409225": {"Value": [2]}}]},
            "00186011": {"Value": [{
                "00186018": {"Value": [0]}, "0018601A": {"Value": [0]}, "0018601C": {"Value": [3]}, "0018601E": {"Value": [3]},
                "0018602C": {"Value": [0.1]}, "0018602E": {"Value": [0.1]}, "00186024": {"Value": [3]}, "00186026": {"Value": [3]},
            }]},
            "52009229": {"Value": [{"00289145": {"Value": [{"00281053": {"Value": [2]}, "00281052": {"Value": [1]}}]}}]},
            "52009230": {"Value": [
                {"00289132": {"Value": [{"00281050": {"Value": [4]}, "00281051": {"Value": [9]}, "00283010": lut}]}}, {},
            ]},
        }),
    )
}

#[test]
fn four_thousand_damaged_data_sets_end_in_a_picture_or_in_words() {
    let mut pictures = 0;
    for number in 0..4000 {
        let chance = &mut Chance(number);
        let mut set = rich();
        for _ in 0..=chance.below(4) {
            mutate(chance, &mut set);
        }
        let Value::Object(map) = set else {
            continue;
        };
        let set = protocol::dicomweb::json::Dataset::from_map(map);
        let Some(instance) = Instance::from_dataset(&set) else {
            continue;
        };
        let is_large = (instance.format.as_ref()).is_ok_and(|f| f.rows.max(f.columns) > 70_000);
        if is_large || instance.frame_count > 10_000 {
            continue;
        }
        let viewing = Viewing::of_instance(instance, None);
        let _ = viewing.state.viewports[0].window(&viewing.state);
        if viewing.picture().is_ok() {
            pictures += 1;
            let format = viewing.instance().format.clone().unwrap();
            let frame = viewing.frame();
            let sample = |c, r, s| frame.sample(c, r, s);
            assert!(
                probe(viewing.instance(), 1, 0.0, 0.0, sample).is_some(),
                "{format:?}"
            );
            assert!(sample_at(&frame.data, frame.sample_type, 0).is_some());
        }
    }
    assert!(pictures > 1000, "{pictures}");
}
