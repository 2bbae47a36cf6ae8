//! Data sets that come as XML: the Native DICOM Model, read into the DICOM JSON that says the same.
//!
//! No entity is looked up but those of XML itself, and a document type is refused: nothing can grow beyond what was sent.
//! Numbers stay the texts that they are. Source: DICOM PS3.19 A.1, PS3.18 F.3 (how JSON and XML correspond).

use std::collections::BTreeMap;

use protocol::dicomweb::xml::{COMPONENTS, GROUPS};
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};

/// Items in items, as deep as files of these may be.
const DEEPEST: u32 = 32;
/// Highest number of a value or an item.
const MOST_VALUES: usize = 1 << 20;
/// First block of private attributes that can be reserved, and the last (PS3.5 section 7.8.1).
const BLOCKS: std::ops::RangeInclusive<u32> = 0x10..=0xFF;

/// Why a document is none of the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not UTF-8, or no XML.
    #[error("this is no well-formed XML")]
    Malformed,
    /// An element where there is none in the model.
    #[error("the XML is not of the Native DICOM Model")]
    Unexpected,
    /// Too deep, or too many.
    #[error("the XML goes too deep or counts too far")]
    TooMuch,
}

impl From<quick_xml::Error> for XmlError {
    fn from(_: quick_xml::Error) -> Self {
        Self::Malformed
    }
}

/// Reads one document.
///
/// # Errors
/// It is none of the model.
pub fn read(document: &[u8]) -> Result<Map<String, Value>, XmlError> {
    let text = std::str::from_utf8(document).map_err(|_| XmlError::Malformed)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{FEFF}'));
    reader.config_mut().expand_empty_elements = true;
    let mut found = None;
    loop {
        match reader.read_event()? {
            Event::Start(start) if found.is_none() && name(&start) == "NativeDicomModel" => {
                found = Some(data_set(&mut reader, 0)?);
            }
            Event::Eof => return found.ok_or(XmlError::Unexpected),
            event => beside(&event)?,
        }
    }
}

/// What may stand between elements.
fn beside(event: &Event) -> Result<(), XmlError> {
    match event {
        Event::Decl(_) | Event::Comment(_) | Event::PI(_) => Ok(()),
        Event::Text(text) if text.trim().is_empty() => Ok(()),
        _ => Err(XmlError::Unexpected),
    }
}

/// The name without its prefix.
fn name<'a>(start: &'a BytesStart) -> &'a str {
    let name: &str = start.name().into_inner();
    name.rsplit(':').next().unwrap_or(name)
}

fn attribute(start: &BytesStart, name: &str) -> Result<Option<String>, XmlError> {
    let found = start.try_get_attribute(name);
    let Some(found) = found.map_err(|_| XmlError::Malformed)? else {
        return Ok(None);
    };
    let text = unescape(&found.value).map_err(|_| XmlError::Malformed)?;
    Ok(Some(text.into_owned()))
}

/// The attributes up to the end of what is open.
fn data_set(reader: &mut Reader<&[u8]>, depth: u32) -> Result<Map<String, Value>, XmlError> {
    if depth > DEEPEST {
        return Err(XmlError::TooMuch);
    }
    let (mut set, mut private) = (Map::new(), Vec::new());
    loop {
        match reader.read_event()? {
            Event::Start(start) if name(&start) == "DicomAttribute" => {
                let tag = attribute(&start, "tag")?.ok_or(XmlError::Unexpected)?;
                let is_tag = tag.len() == 8 && tag.bytes().all(|it| it.is_ascii_hexdigit());
                let tag = u32::from_str_radix(&tag, 16).ok().filter(|_| is_tag);
                let tag = tag.ok_or(XmlError::Unexpected)?;
                let vr = attribute(&start, "vr")?.ok_or(XmlError::Unexpected)?;
                let creator = attribute(&start, "privateCreator")?;
                let element = element(reader, &vr, depth)?;
                match creator {
                    Some(creator) if (tag >> 16) & 1 == 1 && tag & 0xFF00 == 0 => {
                        private.push((tag, creator, element));
                    }
                    _ => drop(set.insert(format!("{tag:08X}"), element)),
                }
            }
            Event::End(_) => break,
            event => beside(&event)?,
        }
    }
    for (tag, creator, element) in private {
        let block = block_of(&mut set, tag >> 16, &creator)?;
        set.insert(format!("{:08X}", tag | (block << 8)), element);
    }
    Ok(set)
}

/// The block that a creator has reserved in a group; one that is free where there is none yet.
fn block_of(set: &mut Map<String, Value>, group: u32, creator: &str) -> Result<u32, XmlError> {
    let name = |block: u32| format!("{group:04X}{block:04X}");
    let is_its = |set: &Map<String, Value>, block: u32| {
        let owner = set.get(&name(block)).and_then(|it| it["Value"][0].as_str());
        owner == Some(creator)
    };
    if let Some(block) = BLOCKS.into_iter().find(|block| is_its(set, *block)) {
        return Ok(block);
    }
    let is_free = |block: &u32| !set.contains_key(&name(*block));
    let block = BLOCKS.into_iter().find(is_free).ok_or(XmlError::TooMuch)?;
    set.insert(name(block), json!({ "vr": "LO", "Value": [creator] }));
    Ok(block)
}

/// One attribute up to its end.
fn element(reader: &mut Reader<&[u8]>, vr: &str, depth: u32) -> Result<Value, XmlError> {
    let mut values = BTreeMap::new();
    let mut element = Map::from_iter([("vr".to_owned(), json!(vr))]);
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                let (name, number) = (name(&start).to_owned(), attribute(&start, "number")?);
                match name.as_str() {
                    "BulkData" => {
                        let uri = attribute(&start, "uri")?.ok_or(XmlError::Unexpected)?;
                        text(reader)?;
                        element.insert("BulkDataURI".to_owned(), json!(uri));
                        continue;
                    }
                    "InlineBinary" => {
                        let mut binary = text(reader)?;
                        binary.retain(|it| !it.is_ascii_whitespace());
                        element.insert("InlineBinary".to_owned(), json!(binary));
                        continue;
                    }
                    _ => {}
                }
                let value = match (name.as_str(), vr) {
                    ("Item", "SQ") => Value::Object(data_set(reader, depth + 1)?),
                    ("PersonName", "PN") => person(reader)?,
                    ("Value", _) => match text(reader)? {
                        empty if empty.is_empty() => Value::Null,
                        text => json!(text),
                    },
                    _ => return Err(XmlError::Unexpected),
                };
                let number = number.and_then(|it| it.trim().parse::<usize>().ok());
                let number = number.filter(|it| *it > 0).ok_or(XmlError::Unexpected)?;
                if number > MOST_VALUES {
                    return Err(XmlError::TooMuch);
                }
                values.insert(number, value);
            }
            Event::End(_) => break,
            event => beside(&event)?,
        }
    }
    if let Some(last) = values.keys().next_back().copied() {
        // What is left out between others is empty.
        let none = if vr == "SQ" { json!({}) } else { Value::Null };
        let all = (1..=last).map(|number| values.remove(&number).unwrap_or_else(|| none.clone()));
        element.insert("Value".to_owned(), all.collect());
    }
    Ok(Value::Object(element))
}

/// A name up to its end.
fn person(reader: &mut Reader<&[u8]>) -> Result<Value, XmlError> {
    let mut groups = Map::new();
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                let group = name(&start).to_owned();
                if !GROUPS.contains(&group.as_str()) {
                    return Err(XmlError::Unexpected);
                }
                let text = components(reader)?;
                if !text.is_empty() {
                    groups.insert(group, json!(text));
                }
            }
            Event::End(_) => break,
            event => beside(&event)?,
        }
    }
    Ok(match groups.is_empty() {
        true => Value::Null,
        false => Value::Object(groups),
    })
}

/// The components of a group up to its end, as one text.
fn components(reader: &mut Reader<&[u8]>) -> Result<String, XmlError> {
    let mut all = [const { String::new() }; COMPONENTS.len()];
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                let place = COMPONENTS.iter().position(|it| *it == name(&start));
                let place = place.ok_or(XmlError::Unexpected)?;
                all[place] = text(reader)?;
            }
            Event::End(_) => break,
            event => beside(&event)?,
        }
    }
    Ok(all.join("^").trim_end_matches('^').to_owned())
}

/// Text up to the end of what is open, as it stands.
fn text(reader: &mut Reader<&[u8]>) -> Result<String, XmlError> {
    let mut whole = String::new();
    loop {
        match reader.read_event()? {
            Event::Text(text) => whole.push_str(&text),
            Event::CData(text) => whole.push_str(&text),
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                let text = format!("&{name};");
                whole.push_str(&unescape(&text).map_err(|_| XmlError::Malformed)?);
            }
            Event::Comment(_) => {}
            Event::End(_) => return Ok(whole),
            _ => return Err(XmlError::Unexpected),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use protocol::dicomweb::xml::to_xml;

    use super::*;

    fn model(inner: &str) -> Result<Map<String, Value>, XmlError> {
        read(
            format!("<?xml version=\"1.0\"?>\n<NativeDicomModel>{inner}</NativeDicomModel>")
                .as_bytes(),
        )
    }

    /// Written by hand, as PS3.19 A.1 has it.
    #[test]
    fn a_document_is_read_as_the_json_that_says_the_same() {
        let found = model(
            "<!-- one --><DicomAttribute tag=\"00080008\" vr=\"CS\" keyword=\"ImageType\">
               <Value number=\"3\">AXIAL</Value><Value number=\"1\">A &lt;&#66;</Value>
             </DicomAttribute>
             <DicomAttribute tag=\"00100010\" vr=\"PN\"><PersonName number=\"1\"><Alphabetic>
               <FamilyName>Yamada</FamilyName><NamePrefix>Dr</NamePrefix></Alphabetic><Ideographic>
               <FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic></PersonName></DicomAttribute>
             <DicomAttribute tag=\"00100020\" vr=\"LO\"/>
             <DicomAttribute tag=\"00280010\" vr=\"US\"><Value number=\"1\">512</Value></DicomAttribute>
             <DicomAttribute tag=\"00081140\" vr=\"SQ\"><Item number=\"1\">
               <DicomAttribute tag=\"00081155\" vr=\"UI\"><Value number=\"1\">1.2</Value></DicomAttribute></Item>
               <Item number=\"2\"/></DicomAttribute>
             <DicomAttribute tag=\"00282000\" vr=\"OB\"><InlineBinary> AA\nEC </InlineBinary></DicomAttribute>
             <DicomAttribute tag=\"7FE00010\" vr=\"OW\"><BulkData uri=\"/a?b&amp;c\"/></DicomAttribute>",
        );
        let expected = json!({
            "00080008": {"vr": "CS", "Value": ["A <B", null, "AXIAL"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^^^Dr", "Ideographic": "山田^太郎"}]},
            "00100020": {"vr": "LO"},
            "00280010": {"vr": "US", "Value": ["512"]},
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}, {}]},
            "00282000": {"vr": "OB", "InlineBinary": "AAEC"},
            "7FE00010": {"vr": "OW", "BulkDataURI": "/a?b&c"},
        });
        assert_eq!(Value::Object(found.unwrap()), expected);
    }

    #[test]
    fn private_attributes_come_into_the_block_of_their_creator() {
        let found = model(
            "<DicomAttribute tag=\"00290010\" vr=\"LO\"><Value number=\"1\">A</Value></DicomAttribute>
             <DicomAttribute tag=\"00290011\" vr=\"LO\"><Value number=\"1\">B</Value></DicomAttribute>
             <DicomAttribute tag=\"00290008\" vr=\"CS\" privateCreator=\"B\"><Value number=\"1\">X</Value></DicomAttribute>
             <DicomAttribute tag=\"00290008\" vr=\"CS\" privateCreator=\"C\"><Value number=\"1\">Y</Value></DicomAttribute>",
        )
        .unwrap();
        assert_eq!(found["00291108"]["Value"], json!(["X"]));
        assert_eq!(found["00290012"]["Value"], json!(["C"]));
        assert_eq!(found["00291208"]["Value"], json!(["Y"]));
    }

    #[test]
    fn what_is_written_reads_back() {
        let set = json!({
            "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
            "00090010": {"vr": "LO", "Value": ["OWNER \"1\""]},
            "00091001": {"vr": "OB", "InlineBinary": "AAEC"},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B^^^^", "Phonetic": "x"}, null]},
            "00204000": {"vr": "LT", "Value": [" a\r\n\t<b> & 'c' "]},
        });
        let mut expected = set.as_object().unwrap().clone();
        // Empty components at the end say nothing.
        expected["00100010"]["Value"][0]["Alphabetic"] = json!("A^B");
        assert_eq!(read(to_xml(&expected).as_bytes()).unwrap(), expected);
    }

    #[test]
    fn t14_bombs_and_what_is_not_of_the_model_are_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>
            <NativeDicomModel><DicomAttribute tag=\"00100020\" vr=\"LO\"><Value number=\"1\">&b;</Value></DicomAttribute></NativeDicomModel>";
        assert_eq!(read(bomb.as_bytes()), Err(XmlError::Unexpected));
        let value = |inner: &str| {
            model(&format!(
                "<DicomAttribute tag=\"00100020\" vr=\"LO\">{inner}</DicomAttribute>"
            ))
        };
        for (inner, expected) in [
            ("<Value number=\"1\">&b;</Value>", XmlError::Malformed),
            ("<Value number=\"4000000000\">x</Value>", XmlError::TooMuch),
            ("<Value number=\"0\">x</Value>", XmlError::Unexpected),
            ("<Value>x</Value>", XmlError::Unexpected),
            ("<Item number=\"1\"/>", XmlError::Unexpected),
            ("<Value number=\"1\"><b/></Value>", XmlError::Unexpected),
            ("x", XmlError::Unexpected),
            ("<Value number=\"1\">x", XmlError::Malformed),
        ] {
            assert_eq!(value(inner), Err(expected), "{inner}");
        }
        let begin = "<DicomAttribute tag=\"00081140\" vr=\"SQ\"><Item number=\"1\">";
        let deep = begin.repeat(100_000);
        assert_eq!(model(&deep), Err(XmlError::TooMuch));
        for other in [
            "",
            "<a/>",
            "<NativeDicomModel/><NativeDicomModel/>",
            "<NativeDicomModel>",
        ] {
            assert!(read(other.as_bytes()).is_err(), "{other}");
        }
        for tag in ["0010002", "001000200", "0010002x", "+0100020"] {
            let text = format!("<DicomAttribute tag=\"{tag}\" vr=\"LO\"/>");
            assert_eq!(model(&text), Err(XmlError::Unexpected), "{tag}");
        }
    }
}
