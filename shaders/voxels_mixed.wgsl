// voxels_mixed.wgsl: the voxels of a volume in one texture of singles, which the graphics card mixes.
//
// In:     group 1 whole numbers of 8 or 16 bits, as singles: R32Float, and a sampler that mixes
// Out:    functions; those that mix are for even slices that are all here and have one rescale
// Twin:   viewer-core/src/volume/sample.rs. viewer-gpu/src/filter.rs says how far apart they may be, and when that is too much
// Limits: only where the graphics card has proved that it mixes in single precision

@group(1) @binding(0) var voxels: texture_3d<f32>;
@group(1) @binding(3) var mixing: sampler;

const CARD_MIXES: bool = true;

// Everything is here.
fn enter(at: vec3<i32>) -> bool {
    return true;
}

// The sign bit of such volumes is none: the number itself.
fn voxel(column: i32, row: i32, slice: i32) -> u32 {
    return bitcast<u32>(i32(textureLoad(voxels, vec3<i32>(column, row, slice), 0).x));
}

fn coarse_sample(at: vec3<f32>) -> Sample {
    return Sample(OUTSIDE, 0.0);
}

fn is_inside(place: Place) -> bool {
    return !is_aside(place) && even_slices(place).state == VALUE;
}

// A place, rounded as everywhere, in the texture.
fn in_texture(place: Place) -> vec3<f32> {
    let part = vec3<f32>(place.part >> vec3<u32>(16u)) / 65536.0;
    return (vec3<f32>(place.whole) + (part + 0.5)) * view.mixing.xyz;
}

fn mixed_at(at: vec3<f32>) -> f32 {
    return textureSampleLevel(voxels, mixing, at, 0.0).x;
}

fn mixed(place: Place) -> Sample {
    if !is_inside(place) {
        return Sample(OUTSIDE, 0.0);
    }
    return Sample(VALUE, mixed_at(in_texture(place)));
}

fn as_singles(place: Place) -> vec3<f32> {
    return vec3<f32>(place.whole) + vec3<f32>(place.part) / 4294967296.0;
}

fn plane_of(first: Place, step: Place, plane: i32) -> Place {
    return place_sum(first, place_times(step, u32(plane)));
}

// First and last plane inside; none where the second is before the first. Found in singles, as far as they are sure, and
// put right exactly: nearly always at the first look.
fn planes_inside(first: Place, step: Place, planes: i32) -> vec2<i32> {
    let at = as_singles(first);
    let way = as_singles(step);
    let each = 1.0 / select(way, vec3<f32>(1e-9), abs(way) < vec3<f32>(1e-9));
    let low = -at * each;
    let high = (vec3<f32>(view.size - 1u) - at) * each;
    // Planes by which these may be wrong: places, sides and quotients are rounded by 2^-24 of themselves, steps by 2^-24 of a
    // voxel where they are small and negative, which counts once a plane, and the exact place is cut to 2^-16.
    let most = f32(planes);
    let unsure = ((abs(at) + vec3<f32>(view.size) + most) * 4.8e-7 + 2e-5) * abs(each) + 1e-3;
    let enters = min(low, high) - unsure;
    let leaves = max(low, high) + unsure;
    let from_plane = clamp(max(max(enters.x, enters.y), enters.z), 0.0, most);
    let to_plane = clamp(min(min(leaves.x, leaves.y), leaves.z), -1.0, most - 1.0);
    var range = vec2<i32>(i32(ceil(from_plane)), i32(floor(to_plane)));
    while range.x <= range.y && !is_inside(plane_of(first, step, range.x)) {
        range.x += 1;
    }
    while range.y >= range.x && !is_inside(plane_of(first, step, range.y)) {
        range.y -= 1;
    }
    return range;
}

fn is_beyond(value: f32, found: f32) -> bool {
    if SLAB == SLAB_LARGEST {
        return value > found;
    }
    return value < found;
}

// False where no cell along a slab has anything that the screen can show. From each place that is looked at to the next
// lie less than two cells, so all samples are in its cell or in one beside it.
fn shows_anything(start: vec3<f32>, way: vec3<f32>, planes: f32) -> bool {
    let edge = f32(1u << SKIP);
    let longest = max(max(abs(way.x), abs(way.y)), abs(way.z));
    if longest > edge {
        return true;
    }
    let stride = max(floor(2.0 * edge / max(longest, 1e-3)) - 2.0, 1.0);
    let last = vec3<i32>(textureDimensions(cells)) - 1;
    for (var plane = min(stride, planes - 1.0) * 0.5; plane < planes + stride * 0.5; plane += stride) {
        let at = start + way * min(plane, planes - 1.0);
        let around = cells_around(clamp(vec3<i32>(at / edge), vec3<i32>(0), last));
        if is_beyond(select(around.x, around.y, SLAB == SLAB_LARGEST), view.mixing.w) {
            return true;
        }
    }
    return false;
}

// What stands for all samples of a slab; those outside do not count.
fn mixed_slab(first: Place, step: Place, planes: u32) -> Sample {
    let inside = planes_inside(first, step, i32(planes));
    if inside.y < inside.x {
        return Sample(OUTSIDE, 0.0);
    }
    let place = plane_of(first, step, inside.x);
    let count = inside.y - inside.x + 1;
    let start = in_texture(place);
    let way = as_singles(step) * view.mixing.xyz;
    if SLAB == SLAB_MEAN {
        // Summed in groups: of thousands one by one, single precision would lose digits.
        var sum = 0.0;
        var group = 0.0;
        for (var plane = 0; plane < count; plane++) {
            group += mixed_at(start + way * f32(plane));
            if (plane & 31) == 31 {
                sum += group;
                group = 0.0;
            }
        }
        return Sample(VALUE, (sum + group) / f32(count));
    }
    var found = view.mixing.w;
    if !shows_anything(as_singles(place), as_singles(step), f32(count)) {
        return Sample(VALUE, found);
    }
    let stop = bitcast<f32>(view.coarse.w);
    for (var plane = 0; plane < count && is_beyond(stop, found); plane++) {
        let sample = mixed_at(start + way * f32(plane));
        if SLAB == SLAB_LARGEST {
            found = max(found, sample);
        } else {
            found = min(found, sample);
        }
    }
    return Sample(VALUE, found);
}
