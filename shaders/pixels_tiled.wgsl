// pixels_tiled.wgsl: the pixels of a frame and of its mask that are larger than a texture may be.
//
// In:     as pixels.wgsl, but each is an array of tiles (viewer-gpu/src/tiles.rs) whose side is two to the
//         power of bits 16 to 19 of the flags; tiles lie in rows from the frame's first pixel on
// Out:    functions; columns and rows must lie in the frame
// Limits: textureLoad only: no sampler, no filtering, no optional features; the WebGL2 tier runs it too

@group(1) @binding(0) var pixels: texture_2d_array<u32>;
@group(2) @binding(1) var mask_cells: texture_2d_array<u32>;

const TILE_SHIFT: u32 = 16u;

// Column and row in a tile, and the layer of the tile.
fn in_tile(column: i32, row: i32) -> vec3<i32> {
    let shift = (view.flags >> TILE_SHIFT) & 15u;
    let rest = (1i << shift) - 1;
    let across = i32((view.size.x - 1u) >> shift) + 1;
    return vec3<i32>(column & rest, row & rest, (row >> shift) * across + (column >> shift));
}

fn load(column: i32, row: i32) -> vec4<u32> {
    let at = in_tile(column, row);
    return textureLoad(pixels, at.xy, at.z, 0);
}

fn mask_at(column: i32, row: i32) -> u32 {
    let at = in_tile(column, row);
    return textureLoad(mask_cells, at.xy, at.z, 0).x;
}
