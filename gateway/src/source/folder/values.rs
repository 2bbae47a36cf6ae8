//! One value of a data element as DICOM JSON.
//!
//! What cannot be a JSON number (an odd decimal string, NaN) stays text; nothing fails.
//! Source: DICOM PS3.18 Annex F.2.3 and table F.2.3-1, PS3.5 section 6.2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::charset::{Charset, Kind};

/// The element object of a value: `vr` and `Value` or `InlineBinary`.
pub fn element(vr: [u8; 2], bytes: &[u8], charset: Charset, big_endian: bool) -> Value {
    let mut object = Map::new();
    object.insert("vr".to_owned(), vr_text(vr).into());
    let numbers = |size, read: fn(&[u8]) -> Value| list(bytes, size, big_endian, read);
    let values = match &vr {
        b"OB" | b"UN" => return inline(object, bytes.to_vec()),
        b"OW" => return inline(object, swapped(bytes, 2, big_endian)),
        b"OF" | b"OL" => return inline(object, swapped(bytes, 4, big_endian)),
        b"OD" | b"OV" => return inline(object, swapped(bytes, 8, big_endian)),
        b"US" => numbers(2, |b| array(b).map(u16::from_le_bytes).into()),
        b"SS" => numbers(2, |b| array(b).map(i16::from_le_bytes).into()),
        b"UL" => numbers(4, |b| array(b).map(u32::from_le_bytes).into()),
        b"SL" => numbers(4, |b| array(b).map(i32::from_le_bytes).into()),
        b"UV" => numbers(8, |b| array(b).map(u64::from_le_bytes).into()),
        b"SV" => numbers(8, |b| array(b).map(i64::from_le_bytes).into()),
        b"FL" => numbers(4, |b| float(array(b).map(|b| f32::from_le_bytes(b).into()))),
        b"FD" => numbers(8, |b| float(array(b).map(f64::from_le_bytes))),
        b"AT" => attribute_tags(bytes, big_endian),
        b"PN" => texts(&charset.decode(bytes, Kind::Name), person_name),
        b"IS" | b"DS" => texts(&charset.decode(bytes, Kind::List), number),
        b"LT" | b"ST" | b"UT" => one(trim_end(&charset.decode(bytes, Kind::Prose))),
        b"UR" => one(trim_end(&String::from_utf8_lossy(bytes))),
        b"UC" => texts(&charset.decode(bytes, Kind::List), |text| {
            trim_end(text).into()
        }),
        _ => texts(&charset.decode(bytes, Kind::List), |text| trim(text).into()),
    };
    if !values.is_empty() {
        object.insert("Value".to_owned(), Value::Array(values));
    }
    Value::Object(object)
}

/// The bytes of an inline value, or of words that are numbers; little endian.
pub fn bytes(element: &Value) -> Option<Vec<u8>> {
    if let Some(text) = element.get("InlineBinary") {
        return STANDARD.decode(text.as_str()?).ok();
    }
    let words = element.get("Value")?.as_array()?;
    let word = |value: &Value| -> Option<[u8; 2]> {
        let number = value.as_i64()?;
        let word = u16::try_from(number).map(u16::to_le_bytes);
        word.or_else(|_| i16::try_from(number).map(i16::to_le_bytes))
            .ok()
    };
    let words: Option<Vec<[u8; 2]>> = words.iter().map(word).collect();
    Some(words?.concat())
}

/// The two letters of a VR as text.
pub fn vr_text(vr: [u8; 2]) -> String {
    vr.iter().map(|letter| char::from(*letter)).collect()
}

/// Bytes with each group of `size` turned round where the file is big endian; a rest that fills
/// no group stays as it is.
pub fn swapped(bytes: &[u8], size: usize, big_endian: bool) -> Vec<u8> {
    let mut turned = bytes.to_vec();
    if big_endian && size > 1 {
        turned.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    turned
}

fn inline(mut object: Map<String, Value>, bytes: Vec<u8>) -> Value {
    if !bytes.is_empty() {
        object.insert("InlineBinary".to_owned(), STANDARD.encode(bytes).into());
    }
    Value::Object(object)
}

fn list(bytes: &[u8], size: usize, big_endian: bool, read: fn(&[u8]) -> Value) -> Vec<Value> {
    swapped(bytes, size, big_endian)
        .chunks_exact(size)
        .map(read)
        .collect()
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn float(number: Option<f64>) -> Value {
    match number {
        Some(number) if number.is_nan() => "NaN".into(),
        Some(f64::INFINITY) => "Infinity".into(),
        Some(f64::NEG_INFINITY) => "-Infinity".into(),
        Some(number) => number.into(),
        None => Value::Null,
    }
}

fn attribute_tags(bytes: &[u8], big_endian: bool) -> Vec<Value> {
    swapped(bytes, 2, big_endian)
        .chunks_exact(4)
        .map(|b| format!("{:02X}{:02X}{:02X}{:02X}", b[1], b[0], b[3], b[2]).into())
        .collect()
}

fn one(text: &str) -> Vec<Value> {
    if text.is_empty() {
        Vec::new()
    } else {
        vec![text.into()]
    }
}

/// Values between backslashes; an empty one keeps its place as null, all empty are none.
fn texts(text: &str, read: fn(&str) -> Value) -> Vec<Value> {
    let values: Vec<Value> = text
        .split('\\')
        .map(|part| {
            if trim(part).is_empty() {
                Value::Null
            } else {
                read(part)
            }
        })
        .collect();
    if values.iter().all(Value::is_null) {
        Vec::new()
    } else {
        values
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(['\0', ' '])
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches(['\0', ' '])
}

fn person_name(text: &str) -> Value {
    let mut groups = Map::new();
    for (key, group) in ["Alphabetic", "Ideographic", "Phonetic"]
        .iter()
        .zip(text.split('='))
    {
        let group = trim(group).trim_end_matches('^');
        if !group.is_empty() {
            groups.insert((*key).to_owned(), group.into());
        }
    }
    if groups.is_empty() {
        Value::Null
    } else {
        Value::Object(groups)
    }
}

/// IS and DS: a number where it is one, else the text as it stands.
fn number(text: &str) -> Value {
    let text = trim(text);
    if let Ok(whole) = text.trim_start_matches('+').parse::<i64>() {
        return json!(whole);
    }
    text.parse::<f64>()
        .ok()
        .filter(|_| {
            text.bytes()
                .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        })
        .and_then(Number::from_f64)
        .map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(vr: &[u8; 2], bytes: &[u8], expected: Value) {
        assert_eq!(
            element(*vr, bytes, Charset::Guess, false),
            expected,
            "{}",
            vr_text(*vr)
        );
    }

    #[test]
    fn values_have_the_json_types_of_annex_f() {
        check(
            b"US",
            &[1, 0, 255, 255],
            json!({"vr":"US","Value":[1, 65535]}),
        );
        check(
            b"SL",
            &[255, 255, 255, 255],
            json!({"vr":"SL","Value":[-1]}),
        );
        check(
            b"FD",
            &1.5f64.to_le_bytes(),
            json!({"vr":"FD","Value":[1.5]}),
        );
        check(
            b"AT",
            &[0x28, 0, 0x10, 0],
            json!({"vr":"AT","Value":["00280010"]}),
        );
        check(
            b"DS",
            b"0.5\\-12 \\+3",
            json!({"vr":"DS","Value":[0.5, -12, 3]}),
        );
        check(b"UI", b"1.2\0", json!({"vr":"UI","Value":["1.2"]}));
        check(
            b"CS",
            b"A\\\\B ",
            json!({"vr":"CS","Value":["A", null, "B"]}),
        );
        check(b"OB", &[1, 2], json!({"vr":"OB","InlineBinary":"AQI="}));
        check(
            b"PN",
            b"Doe^J^^=X",
            json!({"vr":"PN","Value":[{"Alphabetic":"Doe^J","Ideographic":"X"}]}),
        );
    }

    #[test]
    fn what_is_no_number_stays_text() {
        check(b"DS", b"1,5", json!({"vr":"DS","Value":["1,5"]}));
        check(b"DS", b"nan", json!({"vr":"DS","Value":["nan"]}));
        check(b"DS", b"1e999", json!({"vr":"DS","Value":["1e999"]}));
        check(
            b"IS",
            b"99999999999999999999",
            json!({"vr":"IS","Value":[1e20]}),
        );
        check(
            b"FD",
            &f64::NAN.to_le_bytes(),
            json!({"vr":"FD","Value":["NaN"]}),
        );
        check(
            b"FL",
            &f32::INFINITY.to_le_bytes(),
            json!({"vr":"FL","Value":["Infinity"]}),
        );
    }

    #[test]
    fn empty_and_cut_values_are_left_out() {
        check(b"IS", b"  ", json!({"vr":"IS"}));
        check(b"US", &[1], json!({"vr":"US"}));
        check(b"UT", b"\0", json!({"vr":"UT"}));
    }

    #[test]
    fn big_endian_numbers_and_words_are_turned_round() {
        let turned = |vr: &[u8; 2], bytes: &[u8]| element(*vr, bytes, Charset::Guess, true);
        assert_eq!(turned(b"US", &[1, 0]), json!({"vr":"US","Value":[256]}));
        assert_eq!(
            turned(b"OW", &[1, 2]),
            json!({"vr":"OW","InlineBinary":"AgE="})
        );
        assert_eq!(
            turned(b"AT", &[0, 0x28, 0, 0x10]),
            json!({"vr":"AT","Value":["00280010"]})
        );
    }
}
