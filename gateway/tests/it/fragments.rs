//! Frames in fragments: offset tables that are right, wrong, or not there; cut and padded files.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::files::{
    JPEG_LS, Made, PIXELS_IN_FRAGMENTS, SEQUENCE_END, ct, encapsulated, item, parts,
};
use crate::server::{Answer, Server};

const RLE: &str = "1.2.840.10008.1.2.5";
const DEFLATED_FRAMES: &str = "1.2.840.10008.1.2.8.1";
const ENCAPSULATED_UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";

/// A server over one file with these bytes as its last element.
struct Store {
    server: Server,
    made: Made,
    _folder: tempfile::TempDir,
}

impl Store {
    fn new(syntax: &'static str, frame_count: u32, pixels: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut made = ct("1", "2", 1);
        made.transfer_syntax = syntax;
        made.text(tags::NUMBER_OF_FRAMES, VR::IS, &frame_count.to_string());
        made.write_with(folder.path(), "a.dcm", pixels);
        let server = Server::over(folder.path());
        Self {
            server,
            made,
            _folder: folder,
        }
    }

    fn get(&self, list: &str) -> Answer {
        let path = format!("{}/frames/{list}", self.made.address());
        let accept = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
        self.server.request("GET", &path, &[("Accept", accept)])
    }

    /// Bytes of one frame, or the status and code of the error.
    fn frame(&self, number: u32) -> Result<Vec<u8>, (u16, String)> {
        let answer = self.get(&number.to_string());
        if answer.status == 200 {
            Ok(parts(&answer).remove(0).1)
        } else {
            Err((answer.status, answer.error_code()))
        }
    }

    fn is_missing(&self, number: u32, code: &str) {
        assert_eq!(self.frame(number), Err((404, code.to_owned())), "{number}");
    }
}

// Two frames of two and of one fragment. Items start at 0, 12 and 22 after the table.
const ONE: &[u8] = &[0xFF, 0xD8, 1, 1];
const TWO: &[u8] = &[2, 2];
const THREE: &[u8] = &[0xFF, 0xD8, 3, 3];
const FIRST: [u8; 6] = [0xFF, 0xD8, 1, 1, 2, 2];

#[test]
fn a_wrong_offset_table_is_found_out_and_the_beginnings_of_streams_count() {
    for table in [
        &[0, 22][..],
        // Beyond the data, not at an item, descending, all zero, amid a frame.
        &[0, 5000],
        &[0, 20],
        &[22, 0],
        &[0, 0],
        &[0, 12],
        // Counted from elsewhere; too few, too many, wrapped at 32 bits.
        &[16, 38],
        &[0],
        &[0, 12, 22],
        &[0, 22, 32],
        &[0, u32::MAX],
        &[],
    ] {
        let store = Store::new(JPEG_LS, 2, &encapsulated(table, &[ONE, TWO, THREE]));
        assert_eq!(store.frame(1).unwrap(), FIRST, "{table:?}");
        assert_eq!(store.frame(2).unwrap(), THREE, "{table:?}");
        store.is_missing(3, "frame_unknown");
    }
}

#[test]
fn a_wrong_offset_table_does_not_matter_where_each_fragment_is_a_frame() {
    for table in [
        &[0, 10][..],
        &[0, 9],
        &[10, 0],
        &[0, 0],
        &[0],
        &[0, 10, 20],
        &[],
    ] {
        let store = Store::new(
            DEFLATED_FRAMES,
            2,
            &encapsulated(table, &[&[3, 0], &[5, 0]]),
        );
        assert_eq!(store.frame(1).unwrap(), [3, 0], "{table:?}");
        assert_eq!(store.frame(2).unwrap(), [5, 0], "{table:?}");
    }
}

#[test]
fn where_nothing_tells_frames_apart_none_is_made_up() {
    for table in [&[][..], &[0, 9], &[0, 0]] {
        let pixels = encapsulated(table, &[&[3, 0], &[5, 0], &[7, 0]]);
        let store = Store::new(DEFLATED_FRAMES, 2, &pixels);
        store.is_missing(1, "frame_unreadable");
        store.is_missing(2, "frame_unreadable");
    }
}

/// PS3.3 C.7.6.3.1.8: offsets of 64 bits, from the first item after an empty basic table.
#[test]
fn an_extended_offset_table_counts_where_the_basic_one_is_empty() {
    for (offsets, code) in [([0u64, 20], None), ([0, 21], Some("frame_unreadable"))] {
        let table: Vec<u8> = offsets.iter().flat_map(|o| o.to_le_bytes()).collect();
        let lengths: Vec<u8> = [4u64, 2].iter().flat_map(|l| l.to_le_bytes()).collect();
        let head = |element: u8| [0xE0, 0x7F, element, 0, b'O', b'V', 0, 0, 16, 0, 0, 0];
        let pixels = encapsulated(&[], &[&[3, 0], &[5, 0], &[7, 0]]);
        let bytes = [&head(1)[..], &table, &head(2), &lengths, &pixels].concat();
        let store = Store::new(DEFLATED_FRAMES, 2, &bytes);
        match code {
            None => {
                assert_eq!(store.frame(1).unwrap(), [3, 0, 5, 0]);
                assert_eq!(store.frame(2).unwrap(), [7, 0]);
            }
            Some(code) => store.is_missing(2, code),
        }
    }
}

#[test]
fn rle_frames_begin_with_their_header() {
    let header = |first: u8| {
        let mut frame = vec![0; 66];
        (frame[0], frame[4], frame[64], frame[65]) = (1, 64, 0, first);
        frame
    };
    let (first, second) = (header(7), header(9));
    let pixels = encapsulated(&[], &[&first, &[1, 1], &second]);
    let store = Store::new(RLE, 2, &pixels);
    assert_eq!(store.frame(1).unwrap(), [&first[..], &[1, 1]].concat());
    assert_eq!(store.frame(2).unwrap(), second);
}

#[test]
fn jpeg_2000_and_jpeg_xl_frames_begin_with_their_markers() {
    for (syntax, start) in [
        ("1.2.840.10008.1.2.4.90", &[0xFF, 0x4F, 0xFF, 0x51][..]),
        ("1.2.840.10008.1.2.4.201", &[0xFF, 0x4F, 0xFF, 0x51]),
        ("1.2.840.10008.1.2.4.110", &[0xFF, 0x0A]),
        ("1.2.840.10008.1.2.4.110", b"\0\0\0\x0CJXL \r\n\x87\n"),
    ] {
        let pixels = encapsulated(&[0, 0], &[start, &[9, 9], start]);
        let store = Store::new(syntax, 2, &pixels);
        assert_eq!(store.frame(1).unwrap(), [start, &[9, 9]].concat());
        assert_eq!(store.frame(2).unwrap(), start);
    }
}

#[test]
fn odd_items_padding_and_a_missing_delimiter_or_table_do_no_harm() {
    let table = item(&[]);
    let odd: &[u8] = &[0xFF, 0xD8, 1];
    let even: &[u8] = &[0xFF, 0xD8, 3, 3];
    let (a, b) = (item(odd), item(even));
    let zeros = [0; 40];
    for (what, rest) in [
        ("an odd item", vec![&table[..], &a, &b, &SEQUENCE_END]),
        ("its padding", vec![&table, &a, &[0], &b, &SEQUENCE_END]),
        (
            "another pad byte",
            vec![&table, &a, &[0xFF], &b, &SEQUENCE_END],
        ),
        (
            "zeros between",
            vec![&table, &a, &zeros[..5], &b, &SEQUENCE_END],
        ),
        ("no delimiter", vec![&table, &a, &b]),
        ("zeros in its place", vec![&table, &a, &b, &zeros]),
        ("few zeros in its place", vec![&table, &a, &b, &zeros[..3]]),
        (
            "zeros after it",
            vec![&table, &a, &b, &SEQUENCE_END, &zeros],
        ),
        ("no item for the table", vec![&a, &b, &SEQUENCE_END]),
    ] {
        let pixels = [&PIXELS_IN_FRAGMENTS[..], &rest.concat()].concat();
        let store = Store::new(JPEG_LS, 2, &pixels);
        assert_eq!(store.frame(1).unwrap(), odd, "{what}");
        assert_eq!(store.frame(2).unwrap(), even, "{what}");
    }
}

#[test]
fn whole_frames_of_a_cut_file_are_served_and_the_others_are_said_to_be_missing() {
    let whole = encapsulated(&[0, 22, 34], &[ONE, TWO, THREE, &[0xFF, 0xD8, 4, 4]]);
    let last_item = whole.len() - 8 - 12;
    for table in [true, false] {
        for (length, third) in [
            (last_item + 11, "frame_incomplete"),
            (last_item + 10, "frame_incomplete"),
            (last_item + 5, "frame_missing"),
            (last_item, "frame_missing"),
        ] {
            let mut pixels = whole[..length].to_vec();
            if !table {
                // Without offsets: twelve bytes less, and a length of 0.
                pixels.drain(20..32);
                pixels[16] = 0;
            }
            let store = Store::new(JPEG_LS, 3, &pixels);
            assert_eq!(store.frame(1).unwrap(), FIRST, "{length}");
            assert_eq!(store.frame(2).unwrap(), THREE, "{length}");
            store.is_missing(3, third);
            // Several at once: all or an error that can be read, no answer that breaks off.
            assert_eq!(parts(&store.get("1,2")).len(), 2);
            assert_eq!(store.get("1,3").error_code(), third);
        }
    }
}

/// The last item has a header and no byte: without a table it may belong to the second frame.
#[test]
fn a_frame_that_may_lack_its_end_is_not_served() {
    let whole = encapsulated(&[], &[ONE, TWO, THREE, &[0xFF, 0xD8, 4, 4]]);
    let store = Store::new(JPEG_LS, 3, &whole[..whole.len() - 12]);
    assert_eq!(store.frame(1).unwrap(), FIRST);
    store.is_missing(2, "frame_incomplete");
    store.is_missing(3, "frame_missing");
}

#[test]
fn more_frames_than_there_are_come_with_an_error_for_those_that_are_not() {
    let store = Store::new(JPEG_LS, 5, &encapsulated(&[0, 12], &[ONE, THREE]));
    assert_eq!(store.frame(2).unwrap(), THREE);
    store.is_missing(3, "frame_missing");
    let message = store.get("3").json()["error"]["message"].clone();
    assert_eq!(
        message,
        "frame 3 is not in the file, which holds 2 whole ones"
    );
    store.is_missing(6, "frame_unknown");
    let store = Store::new(JPEG_LS, 2, &encapsulated(&[], &[]));
    store.is_missing(1, "frame_missing");
}

#[test]
fn an_empty_fragment_is_no_frame() {
    let store = Store::new(JPEG_LS, 2, &encapsulated(&[], &[ONE, &[], THREE]));
    assert_eq!(store.frame(1).unwrap(), ONE);
    assert_eq!(store.frame(2).unwrap(), THREE);
    let store = Store::new(JPEG_LS, 3, &encapsulated(&[], &[ONE, &[], THREE]));
    assert_eq!(store.frame(1).unwrap(), ONE);
    store.is_missing(2, "frame_empty");
    assert_eq!(store.frame(3).unwrap(), THREE);
    let store = Store::new(JPEG_LS, 1, &encapsulated(&[], &[&[]]));
    store.is_missing(1, "frame_empty");
}

#[test]
fn all_fragments_of_a_single_frame_are_put_together() {
    for table in [&[][..], &[0], &[7]] {
        let store = Store::new(JPEG_LS, 1, &encapsulated(table, &[ONE, TWO, &[9, 9]]));
        assert_eq!(store.frame(1).unwrap(), [&FIRST[..], &[9, 9]].concat());
    }
}

#[test]
fn deflated_frames_go_out_as_stored_under_their_own_syntax() {
    let store = Store::new(DEFLATED_FRAMES, 2, &encapsulated(&[], &[&[3, 0], &[5, 0]]));
    let kind = format!("application/octet-stream {DEFLATED_FRAMES}");
    let expected = [(kind.clone(), vec![3, 0]), (kind, vec![5, 0])];
    assert_eq!(parts(&store.get("1,2")), expected);
}

#[test]
fn encapsulated_uncompressed_frames_are_plain_ones_where_those_are_asked_for() {
    let frame: Vec<u8> = (0..24).collect();
    let pixels = encapsulated(&[], &[&frame, &frame]);
    let store = Store::new(ENCAPSULATED_UNCOMPRESSED, 2, &pixels);
    let stored = format!("application/octet-stream {ENCAPSULATED_UNCOMPRESSED}");
    assert_eq!(parts(&store.get("2")), [(stored, frame.clone())]);
    let plain = store
        .server
        .get(&format!("{}/frames/2", store.made.address()));
    let kind = "application/octet-stream 1.2.840.10008.1.2.1".to_owned();
    assert_eq!(parts(&plain), [(kind, frame)]);
}

#[test]
fn the_address_of_pixels_in_fragments_answers_with_all_frames() {
    let store = Store::new(JPEG_LS, 2, &encapsulated(&[], &[ONE, TWO, THREE]));
    let metadata = store
        .server
        .get(&format!("{}/metadata", store.made.address()));
    let address = metadata.json()[0]["7FE00010"]["BulkDataURI"].clone();
    let answer = store.server.get(address.as_str().unwrap());
    let kind = format!("application/octet-stream {JPEG_LS}");
    let expected = [(kind.clone(), FIRST.to_vec()), (kind, THREE.to_vec())];
    assert_eq!(parts(&answer), expected);
}
