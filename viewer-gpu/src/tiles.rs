//! Frames that are larger than a texture may be: cut into tiles, each a layer of a 2-D array texture.
//!
//! The side of a tile is a power of two, so that shaders find a pixel's tile by shifts
//! (`shaders/pixels_tiled.wgsl`). Tiles lie in rows from the frame's first pixel on; those at its right and
//! lower edge are not filled.

/// Most that [`Tiles::shift`] is: four bits of the flags of `shaders/common.wgsl`.
const MOST_SHIFT: u32 = 15;

/// What one texture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextureLimits {
    /// Most columns or rows.
    pub side: u32,
    /// Most layers.
    pub layers: u32,
}

/// How a frame is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    /// Columns and rows of the frame.
    frame: [u32; 2],
    /// Columns and rows of a tile are two to the power of it.
    shift: u32,
}

/// A tile's place in the frame and in the texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// First column and row of the frame.
    pub start: [u32; 2],
    /// Columns and rows of the frame that it holds.
    pub size: [u32; 2],
    /// Layer of the texture.
    pub layer: u32,
}

impl Tiles {
    /// The largest tiles whose texels are at most a quarter more than the frame's; where none are so few,
    /// the tiles with the fewest. `None` where there are more tiles than layers, or no pixels.
    pub fn new(frame: [u32; 2], limits: TextureLimits) -> Option<Self> {
        if frame.contains(&0) {
            return None;
        }
        let largest = limits.side.checked_ilog2()?.min(MOST_SHIFT);
        let fitting = || {
            let all = (0..=largest).rev().map(|shift| Self { frame, shift });
            all.filter(|tiles| tiles.layers() <= limits.layers)
        };
        let [columns, rows] = frame.map(u64::from);
        let enough = (columns * rows).saturating_add(columns * rows / 4);
        fitting()
            .find(|tiles| tiles.texels() <= enough)
            .or_else(|| fitting().min_by_key(Self::texels))
    }

    /// Columns and rows of a layer: of a tile, but no more than the frame has.
    pub fn layer_size(&self) -> [u32; 2] {
        self.frame.map(|edge| edge.min(1 << self.shift))
    }

    /// Layers of the texture.
    ///
    /// By WebGL2 wgpu takes an array of square layers for a cube where six divides their number: there is
    /// one more then, which stays empty.
    pub fn layers(&self) -> u32 {
        let [across, down] = self.counts();
        let count = across.saturating_mul(down);
        let [columns, rows] = self.layer_size();
        let is_cube = columns == rows && count.is_multiple_of(6);
        count.saturating_add(u32::from(is_cube))
    }

    /// Texels of all layers.
    fn texels(&self) -> u64 {
        let [columns, rows] = self.layer_size().map(u64::from);
        (columns * rows).saturating_mul(u64::from(self.layers()))
    }

    /// Base 2 logarithm of a tile's columns and rows.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// All tiles, in the order of their layers.
    pub fn iter(&self) -> impl Iterator<Item = Tile> + use<> {
        let Self { frame, shift } = *self;
        let [across, down] = self.counts();
        (0..down).flat_map(move |row| {
            (0..across).map(move |column| {
                let start = [column << shift, row << shift];
                Tile {
                    start,
                    size: [0, 1].map(|axis| (frame[axis] - start[axis]).min(1 << shift)),
                    layer: row * across + column,
                }
            })
        })
    }

    /// Tiles across and down.
    fn counts(&self) -> [u32; 2] {
        self.frame.map(|edge| ((edge - 1) >> self.shift) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(frame: [u32; 2], side: u32, layers: u32) -> Option<Tiles> {
        Tiles::new(frame, TextureLimits { side, layers })
    }

    fn shape(frame: [u32; 2], side: u32) -> ([u32; 2], u32) {
        let tiles = cut(frame, side, 256).expect("cut");
        (tiles.layer_size(), tiles.layers())
    }

    #[test]
    fn an_image_of_8000_pixels_a_side_fits_every_card() {
        assert_eq!(shape([8000, 8000], 2048), ([2048, 2048], 16));
        assert_eq!(shape([8000, 8000], 4096), ([4096, 4096], 4));
        // The largest frame of the standard: 65535 is the largest value of Rows (0028,0010), VR US.
        assert_eq!(cut([65_535, 65_535], 2048, 256), None);
        assert_eq!(shape([65_535, 65_535], 4096), ([4096, 4096], 256));
    }

    #[test]
    fn a_frame_just_beyond_the_limit_does_not_take_four_times_its_memory() {
        let tiles = cut([8200, 8200], 8192, 256).expect("cut");
        assert_eq!((tiles.layer_size(), tiles.layers()), ([1024, 1024], 81));
        assert!(tiles.texels() < 8200 * 8200 * 4 / 3);
    }

    #[test]
    fn a_narrow_frame_has_narrow_layers() {
        assert_eq!(shape([5000, 3], 2048), ([2048, 3], 3));
        assert_eq!(cut([1 << 20, 1], 2048, 256), None);
        assert_eq!(cut([u32::MAX, u32::MAX], 2048, 256), None);
        assert_eq!(cut([0, 9], 2048, 256), None);
        assert_eq!(cut([9, 9], 0, 256), None);
    }

    #[test]
    fn no_array_is_taken_for_a_cube() {
        // 3 x 2 tiles of 2048 x 2048.
        assert_eq!(shape([6144, 4096], 2048), ([2048, 2048], 7));
        // The empty layer is one too many.
        assert_eq!(cut([6, 4], 2, 6), None);
        assert_eq!(shape([96, 7], 16), ([16, 7], 6));
    }

    #[test]
    fn tiles_cover_each_pixel_once_and_have_the_layer_that_shaders_compute() {
        for (frame, side) in [([37, 21], 8), ([1, 40], 16), ([33, 32], 32), ([5, 5], 1)] {
            let tiles = cut(frame, side, 256).expect("cut");
            let mut seen = vec![0; (frame[0] * frame[1]) as usize];
            for tile in tiles.iter() {
                assert!(tile.layer < tiles.layers());
                for row in tile.start[1]..tile.start[1] + tile.size[1] {
                    for column in tile.start[0]..tile.start[0] + tile.size[0] {
                        seen[(row * frame[0] + column) as usize] += 1;
                        let across = ((frame[0] - 1) >> tiles.shift()) + 1;
                        let layer = (row >> tiles.shift()) * across + (column >> tiles.shift());
                        assert_eq!(layer, tile.layer);
                    }
                }
            }
            assert!(seen.iter().all(|count| *count == 1));
        }
    }
}
