//! Short names for what a module imports from its glue: wasm-bindgen ends each of some hundred names with 16 hexadecimal digits,
//! which stand in the module and in the glue and cannot be compressed.
//!
//! Source: WebAssembly Core Specification 2.0, 5.5.2 (sections) and 5.5.5 (imports).

use std::collections::HashMap;

/// Id of the section of imports.
const IMPORTS: u8 = 2;
/// Bytes before the first section.
const HEADER: usize = 8;

/// Reads a module's bytes from front to back.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    /// An unsigned LEB128 of at most 32 bits.
    fn number(&mut self) -> Option<u32> {
        let mut value = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.bytes(length as usize)
    }
}

fn put_number(into: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7F) as u8;
        value >>= 7;
        into.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}

fn put_sized(into: &mut Vec<u8>, bytes: &[u8]) {
    put_number(into, bytes.len());
    into.extend_from_slice(bytes);
}

/// True where a name ends with wasm-bindgen's 16 digits.
fn is_long(name: &str) -> bool {
    let end = name.rsplit_once('_').map(|(_, end)| end);
    name.starts_with("__wb")
        && end.is_some_and(|end| end.len() == 16 && end.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// The section with short names, which are noted; `None` where it holds more than functions.
fn renamed(section: &[u8], names: &mut HashMap<String, String>) -> Option<Vec<u8>> {
    let mut reader = Reader(section);
    let mut short = Vec::with_capacity(section.len());
    let count = reader.number()?;
    put_number(&mut short, count as usize);
    for _ in 0..count {
        put_sized(&mut short, reader.sized()?);
        let name = std::str::from_utf8(reader.sized()?).ok()?;
        if is_long(name) {
            let next = format!("${}", names.len());
            let next = names.entry(name.to_owned()).or_insert(next);
            put_sized(&mut short, next.as_bytes());
        } else {
            put_sized(&mut short, name.as_bytes());
        }
        // A function and its type.
        let kind = reader.byte().filter(|kind| *kind == 0)?;
        short.push(kind);
        put_number(&mut short, reader.number()? as usize);
    }
    reader.0.is_empty().then_some(short)
}

fn shortened(module: &[u8]) -> Option<(Vec<u8>, HashMap<String, String>)> {
    let mut reader = Reader(module);
    let mut names = HashMap::new();
    let mut short = reader.bytes(HEADER)?.to_vec();
    while !reader.0.is_empty() {
        let id = reader.byte()?;
        let section = reader.sized()?;
        short.push(id);
        match id {
            IMPORTS => put_sized(&mut short, &renamed(section, &mut names)?),
            _ => put_sized(&mut short, section),
        }
    }
    Some((short, names))
}

/// A module and its glue with short names. What is no module of functions alone stays as it is.
pub fn shorten(module: Vec<u8>, glue: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let (Some((short, names)), Ok(text)) = (shortened(&module), std::str::from_utf8(&glue)) else {
        return (module, glue);
    };
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|it| !is_part(it)).unwrap_or(from.len()));
        new.push_str(before);
        new.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    new.push_str(rest);
    (short, new.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of an import section and a section that is no matter of ours.
    fn module(names: &[&str], kind: u8) -> Vec<u8> {
        let mut imports = vec![names.len() as u8];
        for name in names {
            imports.extend([1, b'm', name.len() as u8]);
            imports.extend(name.bytes());
            imports.extend([kind, 0x85, 0x01]);
        }
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend([1, 2, 7, 7, IMPORTS, imports.len() as u8]);
        module.extend(imports);
        module.extend([10, 1, 9]);
        module
    }

    #[test]
    fn long_names_become_short_in_the_module_and_in_its_glue() {
        let long = "__wbg_get_c7b80d4010284561";
        let glue = format!("{long}: (a) => a, x{long}: 1, __wbindgen_malloc: {long}_b('$')");
        let before = module(&[long, "__wbindgen_malloc"], 0);
        let (after, glue) = shorten(before, glue.into_bytes());
        assert_eq!(after, module(&["$0", "__wbindgen_malloc"], 0));
        let expected = format!("$0: (a) => a, x{long}: 1, __wbindgen_malloc: {long}_b('$')");
        assert_eq!(String::from_utf8(glue).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let long = "__wbg_get_c7b80d4010284561";
        let odd = module(&[long], 2);
        let mut cut = module(&[long], 0);
        cut.truncate(20);
        for same in [odd, cut, b"<html>".to_vec()] {
            let (after, glue) = shorten(same.clone(), long.into());
            assert_eq!((after, glue), (same, long.into()));
        }
    }
}
