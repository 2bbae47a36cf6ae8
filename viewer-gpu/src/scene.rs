//! What stands on the canvas: a list of viewports, with frames or planes through volumes.

use viewer_core::pixel::FrameParams;
use viewer_core::volume::PlaneParams;

/// One canvas. Where no viewport lies it is black.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// Width of the canvas in canvas pixels.
    pub width: u32,
    /// Height of the canvas in canvas pixels.
    pub height: u32,
    /// The viewports; later ones cover earlier ones.
    pub viewports: Vec<SceneViewport>,
}

/// One rectangle of the canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneViewport {
    /// x, y, width and height in canvas pixels. What lies beyond the canvas is cut off.
    pub rect: [u32; 4],
    /// What is drawn in it; `None` leaves the rectangle black.
    pub content: Option<Content>,
}

/// What one viewport shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Key of a frame in the texture cache, and how it is drawn.
    Frame(u64, FrameParams),
    /// Key of a volume in the volume cache, and the plane through it. Its first canvas pixel is the rectangle's.
    Plane(u64, PlaneParams),
}

impl Scene {
    /// Keys of the frames that it shows.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        let contents = self.viewports.iter().filter_map(|v| v.content.as_ref());
        contents.filter_map(|content| match content {
            Content::Frame(key, _) => Some(*key),
            Content::Plane(..) => None,
        })
    }
}

/// The part of a rectangle that lies on a canvas; `None` where none does.
pub(crate) fn visible(rect: [u32; 4], width: u32, height: u32) -> Option<[u32; 4]> {
    let [x, y, w, h] = rect;
    let w = w.min(width.saturating_sub(x));
    let h = h.min(height.saturating_sub(y));
    (w > 0 && h > 0).then_some([x, y, w, h])
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn rectangles_end_at_the_canvas() {
        assert_eq!(visible([1, 2, 3, 4], 10, 10), Some([1, 2, 3, 4]));
        assert_eq!(visible([8, 9, 30, 40], 10, 10), Some([8, 9, 2, 1]));
        assert_eq!(visible([10, 0, 5, 5], 10, 10), None);
        assert_eq!(visible([0, 0, 0, 5], 10, 10), None);
        assert_eq!(visible([u32::MAX, 0, 5, 5], 10, 10), None);
    }
}
