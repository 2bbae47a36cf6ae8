//! Mosaics as their files hold them: the header beside the metadata, and one slice of the decoded image.

use dicom_object::InMemDicomObject;
use viewer_core::model::Instance;
use viewer_core::pixel::Frame;
use viewer_core::volume::Tiling;

use super::metadata::dataset;

/// An instance with the header that a server would give by its address.
pub fn instance(object: &InMemDicomObject) -> Option<Instance> {
    let mut instance = Instance::from_dataset(&dataset(object))?;
    if let Some(mosaic) = &mut instance.mosaic
        && let Some(address) = mosaic.awaited().map(str::to_owned)
    {
        let tag: dicom_core::Tag = address.parse().unwrap();
        let bytes = object.element(tag).unwrap().to_bytes().unwrap();
        mosaic.supply(&address, &Ok(bytes.to_vec().into()));
    }
    Some(instance)
}

/// One slice of `size` columns and rows; a frame that is no mosaic is all of it.
pub fn slice(frame: Frame, tiling: Option<&Tiling>, slice: usize, size: [u32; 2]) -> Frame {
    let Some(tiling) = tiling else {
        return frame;
    };
    let whole = [frame.columns, frame.rows];
    let rows = tiling.rows(slice, size, whole, frame.sample_type.size_bytes());
    let data = rows.unwrap().flat_map(|row| frame.data[row].to_vec());
    let [columns, rows] = size;
    Frame {
        columns,
        rows,
        data: data.collect(),
        ..frame.clone()
    }
}
