// pixels.wgsl: the pixels of a frame and of its mask, each in one texture.
//
// In:     group 1 the frame's raw stored bits: R8Uint, R16Uint, R32Uint (32-bit numbers and singles) or
//         Rgba8Uint (colour); group 2 the mask, one byte a pixel (frame.wgsl)
// Out:    functions; columns and rows must lie in the frame
// Limits: textureLoad only: no sampler, no filtering, no optional features; the WebGL2 tier runs it too
//
// Frames beyond the limit of textures have pixels_tiled.wgsl instead.

@group(1) @binding(0) var pixels: texture_2d<u32>;
@group(2) @binding(1) var mask_cells: texture_2d<u32>;

fn load(column: i32, row: i32) -> vec4<u32> {
    return textureLoad(pixels, vec2<i32>(column, row), 0);
}

fn mask_at(column: i32, row: i32) -> u32 {
    return textureLoad(mask_cells, vec2<i32>(column, row), 0).x;
}
