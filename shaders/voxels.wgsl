// voxels.wgsl: the voxels of a volume in one texture.
//
// In:     group 1 the raw stored bits: R8Uint, R16Uint or R32Uint (32-bit numbers and singles)
// Out:    functions; the voxel must lie in the volume
// Limits: textureLoad only
//
// Volumes beyond the limit of textures or of memory have voxels_bricked.wgsl instead.

@group(1) @binding(0) var voxels: texture_3d<u32>;

// Everything is here.
fn enter(at: vec3<i32>) -> bool {
    return true;
}

fn voxel(column: i32, row: i32, slice: i32) -> u32 {
    return textureLoad(voxels, vec3<i32>(column, row, slice), 0).x;
}

fn coarse_sample(at: vec3<f32>) -> Sample {
    return Sample(OUTSIDE, 0.0);
}

// The shader mixes.
const CARD_MIXES: bool = false;

fn mixed(place: Place) -> Sample {
    return Sample(OUTSIDE, 0.0);
}

fn mixed_slab(first: Place, step: Place, planes: u32) -> Sample {
    return Sample(OUTSIDE, 0.0);
}
