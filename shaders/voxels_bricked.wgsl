// voxels_bricked.wgsl: the voxels of a volume in bricks, of which some are here, and a coarse level of all of it.
//
// In:     group 1 an atlas of bricks (the raw stored bits), the table of bricks, and the coarse level (modality values, as
//         bits of singles); viewer-gpu/src/volume_cache/bricks.rs
// Out:    functions; the voxel must lie in the brick that was entered
// Limits: textureLoad only
//
// A brick spans BRICK_STEPS steps from voxel to voxel; neighbours share the voxels between them, so that both neighbours of
// any place lie in one brick.

override BRICK_STEPS: u32 = 63u;

@group(1) @binding(0) var atlas: texture_2d_array<u32>;
// Texel of the brick's first voxel in the atlas (column, row, layer), and 1 where all of the brick is here.
@group(1) @binding(3) var bricks: texture_3d<u32>;
@group(1) @binding(4) var coarse_level: texture_3d<u32>;

// From voxels of the volume to texels of the atlas.
var<private> to_atlas: vec3<i32>;

fn enter(at: vec3<i32>) -> bool {
    let before_last = max(vec3<i32>(view.size) - 2, vec3<i32>(0));
    let brick = vec3<u32>(min(at, before_last)) / BRICK_STEPS;
    let word = textureLoad(bricks, vec3<i32>(brick), 0);
    to_atlas = vec3<i32>(word.xyz) - vec3<i32>(brick * BRICK_STEPS);
    return word.w != 0u;
}

fn voxel(column: i32, row: i32, slice: i32) -> u32 {
    let at = vec3<i32>(column, row, slice) + to_atlas;
    return textureLoad(atlas, at.xy, at.z, 0).x;
}

fn coarse_bits(at: vec3<i32>) -> u32 {
    return textureLoad(coarse_level, at, 0).x;
}

// Trilinear; where a neighbour is not known, the nearest.
fn coarse_sample(at: vec3<f32>) -> Sample {
    let shifts = (vec3<u32>(view.coarse.z) >> vec3<u32>(0u, 8u, 16u)) & vec3<u32>(255u);
    let factors = vec3<u32>(1u) << shifts;
    let last = (vec3<i32>(view.size) - 1) >> shifts;
    // A voxel of this level is the mean of a block: its centre is the block's.
    let place = (at - (vec3<f32>(factors) - 1.0) / 2.0) / vec3<f32>(factors);
    let cut = clamp(place, vec3<f32>(0.0), vec3<f32>(last));
    let first = vec3<i32>(floor(cut));
    let second = min(first + 1, last);
    let weight = cut - floor(cut);
    var mixed = 0.0;
    var is_whole = true;
    for (var corner = 0u; corner < 8u; corner++) {
        let is_second = ((vec3<u32>(corner) >> vec3<u32>(0u, 1u, 2u)) & vec3<u32>(1u)) != vec3<u32>(0u);
        let bits = coarse_bits(first + (second - first) * vec3<i32>(is_second));
        let share = select(vec3<f32>(1.0) - weight, weight, is_second);
        is_whole = is_whole && (bits & 0x7f800000u) != 0x7f800000u;
        mixed += bitcast<f32>(bits) * share.x * share.y * share.z;
    }
    if !is_whole {
        let bits = coarse_bits(first + (second - first) * vec3<i32>(weight >= vec3<f32>(0.5)));
        if (bits & 0x7f800000u) == 0x7f800000u {
            return Sample(OUTSIDE, 0.0);
        }
        mixed = bitcast<f32>(bits);
    }
    return Sample(VALUE, mixed * bitcast<f32>(view.coarse.x) + bitcast<f32>(view.coarse.y));
}

// The shader mixes.
const CARD_MIXES: bool = false;

fn mixed(place: Place) -> Sample {
    return Sample(OUTSIDE, 0.0);
}

fn mixed_slab(first: Place, step: Place, planes: u32) -> Sample {
    return Sample(OUTSIDE, 0.0);
}
