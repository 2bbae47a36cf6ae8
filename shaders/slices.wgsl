// slices.wgsl: what is known of each slice of a volume, and of cells of voxels.
//
// In:     group 1 two texels a slice, 256 a row (viewer-gpu/src/volume/slice_table.rs), and the extremes of cells
//         (viewer-gpu/src/volume/cells.rs)
// Out:    functions; the slice must be one of the volume
// Units:  positions are mm with 16 fractional bits

@group(1) @binding(1) var slice_table: texture_2d<u32>;
@group(1) @binding(2) var cells: texture_3d<u32>;

fn slice_texel(index: i32) -> vec4<u32> {
    return textureLoad(slice_table, vec2<i32>(index & 255, index >> 8u), 0);
}

fn slice_position(slice: i32) -> u32 {
    return slice_texel(2 * slice).x;
}

// Slope and intercept.
fn slice_line(slice: i32) -> vec2<f32> {
    return bitcast<vec2<f32>>(slice_texel(2 * slice).yz);
}

// The two slices that are mixed behind this one, and the INTERVAL bits.
fn slice_interval(slice: i32) -> vec4<u32> {
    return slice_texel(2 * slice + 1);
}

// Smallest and largest value of a cell and of all cells around it.
fn cells_around(cell: vec3<i32>) -> vec2<f32> {
    return bitcast<vec2<f32>>(textureLoad(cells, cell, 0).zw);
}

// Smallest and largest value of the cell of a voxel, as bits of singles. The last voxel belongs to the cell before it.
fn cell_extremes(at: vec3<i32>) -> vec2<u32> {
    let before_last = max(vec3<i32>(view.size) - 2, vec3<i32>(0));
    return textureLoad(cells, min(at, before_last) >> vec3<u32>(SKIP), 0).xy;
}
