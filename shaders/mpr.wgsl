// mpr.wgsl: a plane or a slab through a volume, drawn into a viewport.
//
// In:     group 0 PlaneUniforms, one per viewport, by dynamic offset (viewer-gpu/src/plane_uniforms.rs); group 1 the
//         volume (voxels.wgsl, voxels_bricked.wgsl or voxels_mixed.wgsl); group 2 the table (voi.wgsl)
// Out:    grey: opaque, one fragment per canvas pixel, black where there is no value, hatched where a slice will never
//         come. value: the bits of a single, lowest byte first
// Units:  voxels, centers on integers; along uneven slices mm. Fixed point with 32 fractional bits, rounded to 16
// Twin:   viewer-core/src/volume/sample.rs and kernel.rs (planes_match_cpu, at most 1 grey level)
// Limits: textureLoad only, but where the graphics card has proved that it mixes as well (voxels_mixed.wgsl); no
//         optional features else; the WebGL2 tier runs it too, whose language selects no vectors of whole numbers
// Source: DICOM PS3.3 C.7.6.2.1.1, C.11.1, C.11.2.1
//
// Overrides are set when a pipeline is built, one pipeline for each way to draw (viewer-gpu/src/plane_way.rs chooses):
// graphics cards in software walk through every branch of every sample.

// 1: the third coordinate is mm, and positions of slices say where between two of them it lies.
override LADDER: u32 = 0u;
// 1: slices are missing, and a table says what is mixed.
override PRESENCE: u32 = 0u;
// 1: each slice has its own rescale, which comes before mixing.
override RESCALE: u32 = 0u;
// What the voxels are: whole numbers of 8 or 16 bits, of 32 bits, singles.
override KIND: u32 = 0u;
const KIND_WIDE: u32 = 1u;
const KIND_SINGLE: u32 = 2u;
// 1: the nearest voxel.
override NEAREST: u32 = 0u;
// What is taken of the planes of a slab.
override SLAB: u32 = 0u;
const SLAB_LARGEST: u32 = 1u;
const SLAB_SMALLEST: u32 = 2u;
const SLAB_MEAN: u32 = 3u;
// Samples are left out where the extremes of their cell cannot change the result; base 2 logarithm of a cell's steps.
override SKIP: u32 = 0u;

struct PlaneUniforms {
    // Columns of the volume a canvas column, a canvas row, a plane of the slab, and at the viewport's first pixel on the
    // first plane: whole part, then part after the point in units of 2^-32. Half of 2^-16 is in it, so cutting rounds.
    column_whole: vec4<i32>,
    column_part: vec4<u32>,
    row_whole: vec4<i32>,
    row_part: vec4<u32>,
    slice_whole: vec4<i32>,
    slice_part: vec4<u32>,
    // The viewport's first pixel on the canvas.
    origin: vec2<u32>,
    planes: u32,
    // The FLAG constants.
    flags: u32,
    // Columns, rows and slices of the volume.
    size: vec3<u32>,
    // Number of words in the table less one.
    table_shutter: u32,
    // Ramp of voi.wgsl.
    pivot: u32,
    scale: f32,
    offset: f32,
    // The bit whose flip makes the order of stored values that of unsigned numbers.
    sign_bit: u32,
    // Of voxels_bricked.wgsl: from modality values to what is mixed, and base 2 logarithms of the coarse level's
    // factors, 8 bits each.
    coarse_scale: f32,
    coarse_offset: f32,
    coarse_factors: u32,
    // Of voxels_mixed.wgsl: what a maximum or minimum is at least as far as the screen can show it, and from where on
    // nothing changes any more; the part of the texture that is one voxel.
    stop: f32,
    voxel_part: vec3<f32>,
    start: f32,
}

@group(0) @binding(0) var<uniform> uniforms: PlaneUniforms;

// The uniforms as the fragment has them: handed over by the vertices, the same for all three.
struct Covered {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) column_whole: vec4<i32>,
    @location(1) @interpolate(flat) column_part: vec4<u32>,
    @location(2) @interpolate(flat) row_whole: vec4<i32>,
    @location(3) @interpolate(flat) row_part: vec4<u32>,
    @location(4) @interpolate(flat) slice_whole: vec4<i32>,
    @location(5) @interpolate(flat) slice_part: vec4<u32>,
    @location(6) @interpolate(flat) origin_planes_flags: vec4<u32>,
    @location(7) @interpolate(flat) size_table: vec4<u32>,
    @location(8) @interpolate(flat) ramp_sign: vec4<u32>,
    @location(9) @interpolate(flat) coarse: vec4<u32>,
    @location(10) @interpolate(flat) mixing: vec4<f32>,
}

// What voi.wgsl reads, and the volume.
struct View {
    size: vec3<u32>,
    padding: vec2<u32>,
    flags: u32,
    sign_bit: u32,
    pivot: u32,
    scale: f32,
    offset: f32,
    table_shutter: u32,
    // The last one is the bits of `stop`.
    coarse: vec4<u32>,
    // Part of the texture that is one voxel, and `start`.
    mixing: vec4<f32>,
}

var<private> view: View;

const FLAG_INVERSE: u32 = 2u;
const ONE: u32 = 65536u;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> Covered {
    let x = select(-1.0, 3.0, index == 1u);
    let y = select(-1.0, 3.0, index == 2u);
    return Covered(
        vec4<f32>(x, y, 0.0, 1.0),
        uniforms.column_whole,
        uniforms.column_part,
        uniforms.row_whole,
        uniforms.row_part,
        uniforms.slice_whole,
        uniforms.slice_part,
        vec4<u32>(uniforms.origin, uniforms.planes, uniforms.flags),
        vec4<u32>(uniforms.size, uniforms.table_shutter),
        vec4<u32>(
            uniforms.pivot,
            bitcast<u32>(uniforms.scale),
            bitcast<u32>(uniforms.offset),
            uniforms.sign_bit,
        ),
        vec4<u32>(
            bitcast<u32>(uniforms.coarse_scale),
            bitcast<u32>(uniforms.coarse_offset),
            uniforms.coarse_factors,
            bitcast<u32>(uniforms.stop),
        ),
        vec4<f32>(uniforms.voxel_part, uniforms.start),
    );
}

fn take_view(covered: Covered) {
    view = View(
        covered.size_table.xyz,
        vec2<u32>(1u, 0u),
        covered.origin_planes_flags.w,
        covered.ramp_sign.w,
        covered.ramp_sign.x,
        bitcast<f32>(covered.ramp_sign.y),
        bitcast<f32>(covered.ramp_sign.z),
        covered.size_table.w,
        covered.coarse,
        covered.mixing,
    );
}

// A place: column, row and slice (or mm), each with 32 fractional bits.
struct Place {
    whole: vec3<i32>,
    part: vec3<u32>,
}

fn place_sum(a: Place, b: Place) -> Place {
    let part = a.part + b.part;
    let carry = vec3<i32>(part < a.part);
    return Place(a.whole + b.whole + carry, part);
}

fn place_times(step: Place, factor: u32) -> Place {
    let low = (step.part & vec3<u32>(0xffffu)) * factor;
    let high = (step.part >> vec3<u32>(16u)) * factor;
    let sum = (high << vec3<u32>(16u)) + low;
    let carry = vec3<u32>(sum < low);
    return Place(
        step.whole * i32(factor) + vec3<i32>((high >> vec3<u32>(16u)) + carry),
        sum,
    );
}

// A sample is a value, or there is none: outside, or because a slice will never come.
struct Sample {
    state: u32,
    value: f32,
}

const VALUE: u32 = 0u;
const OUTSIDE: u32 = 1u;
const ABSENT: u32 = 2u;

// The two slices of a sample, and the weight of the second.
struct Between {
    state: u32,
    first: i32,
    second: i32,
    weight: f32,
}

fn even_slices(place: Place) -> Between {
    let fraction = place.part.z >> 16u;
    let first = place.whole.z;
    let last = i32(view.size.z) - 1;
    let is_outside = first < 0 || first > last || (first == last && fraction != 0u);
    let second = first + select(1, 0, fraction == 0u);
    return Between(select(VALUE, OUTSIDE, is_outside), first, second, f32(fraction) / 65536.0);
}

// The quotient of two numbers below 2^28, the first below the second, with 16 fractional bits: digits of four bits.
fn sixteen_bits_of(part: u32, all: u32) -> u32 {
    var rest = part;
    var quotient = 0u;
    for (var digit = 0; digit < 4; digit++) {
        rest = rest << 4u;
        let next = rest / all;
        rest -= next * all;
        quotient = (quotient << 4u) | next;
    }
    return quotient;
}

fn uneven_slices(place: Place) -> Between {
    let last = i32(view.size.z) - 1;
    var result = Between(OUTSIDE, 0, 0, 0.0);
    if place.whole.z < 0 || place.whole.z > 0xffff {
        return result;
    }
    let at = (u32(place.whole.z) << 16u) | (place.part.z >> 16u);
    if at < slice_position(0) || at > slice_position(last) {
        return result;
    }
    var low = 0;
    var high = last;
    while high - low > 1 {
        let middle = (low + high) >> 1u;
        if slice_position(middle) <= at {
            low = middle;
        } else {
            high = middle;
        }
    }
    let end = slice_position(high);
    if at == end {
        return Between(VALUE, high, high, 0.0);
    }
    let start = slice_position(low);
    let fraction = sixteen_bits_of(at - start, max(end - start, 1u));
    return Between(VALUE, low, select(high, low, fraction == 0u), f32(fraction) / 65536.0);
}

const INTERVAL_GAP: u32 = 1u;
const INTERVAL_NOTHING: u32 = 2u;
const BELOW_IS_HERE: u32 = 4u;
const ABOVE_IS_HERE: u32 = 8u;

// What is mixed where slices are missing.
fn present_slices(between: Between) -> Between {
    if between.state != VALUE {
        return between;
    }
    // The last slice is the end of the last interval.
    let start = min(between.first, max(i32(view.size.z) - 2, 0));
    let part = u32(between.first - start) * ONE + u32(between.weight * 65536.0);
    let interval = slice_interval(start);
    if (interval.z & INTERVAL_NOTHING) != 0u {
        return Between(OUTSIDE, 0, 0, 0.0);
    }
    if (interval.z & INTERVAL_GAP) != 0u {
        let reach = select(0u, ONE / 2u, NEAREST == 1u);
        if (interval.z & BELOW_IS_HERE) != 0u && (part < reach || part == 0u) {
            return Between(VALUE, start, start, 0.0);
        }
        if (interval.z & ABOVE_IS_HERE) != 0u && part >= ONE - reach {
            return Between(VALUE, start + 1, start + 1, 0.0);
        }
        return Between(ABSENT, 0, 0, 0.0);
    }
    let first = i32(interval.x);
    let second = i32(interval.y);
    let length = u32(second - first) * ONE;
    // Below the first or above the last that is here: that one alone.
    let along = u32(clamp(start - first, 0, second - first)) * ONE + part;
    if length == 0u || along == 0u {
        return Between(VALUE, first, first, 0.0);
    }
    if along >= length {
        return Between(VALUE, second, second, 0.0);
    }
    return Between(VALUE, first, second, f32(along) / f32(length));
}

// False after a voxel that is no number.
var<private> are_numbers: bool;

fn tap(column: i32, row: i32, slice: i32) -> f32 {
    let stored = voxel(column, row, slice);
    if KIND == KIND_SINGLE {
        are_numbers = are_numbers && (stored & 0x7f800000u) != 0x7f800000u;
        return bitcast<f32>(stored);
    }
    if KIND == KIND_WIDE {
        if RESCALE == 0u {
            return distance_to_pivot(stored ^ view.sign_bit);
        }
        return select(f32(stored), f32(bitcast<i32>(stored)), view.sign_bit != 0u);
    }
    return f32(i32(stored ^ view.sign_bit) - i32(view.sign_bit));
}

fn mix_of(a: f32, b: f32, weight: f32) -> f32 {
    return a + (b - a) * weight;
}

fn rescaled(mixed: f32, slice: i32) -> f32 {
    if RESCALE == 0u {
        return mixed;
    }
    let line = slice_line(slice);
    return mixed * line.x + line.y;
}

// Columns and rows around a sample. A neighbour of no weight is the voxel itself: it may be outside, or no number.
struct Around {
    first: vec2<i32>,
    second: vec2<i32>,
    weight: vec2<f32>,
}

fn in_slice(around: Around, slice: i32) -> f32 {
    let a = tap(around.first.x, around.first.y, slice);
    let b = tap(around.second.x, around.first.y, slice);
    let c = tap(around.first.x, around.second.y, slice);
    let d = tap(around.second.x, around.second.y, slice);
    let top = mix_of(a, b, around.weight.x);
    let bottom = mix_of(c, d, around.weight.x);
    return rescaled(mix_of(top, bottom, around.weight.y), slice);
}

// True where no sample of a cell is beyond what was found: singles as bits, smallest and largest of the cell.
fn cannot_beat(cell: vec2<u32>, found: f32) -> bool {
    if SLAB == SLAB_LARGEST {
        return bitcast<f32>(cell.y) <= found;
    }
    return bitcast<f32>(cell.x) >= found;
}

// True where a place is beyond the voxel centres of the first or last column or row.
fn is_aside(place: Place) -> bool {
    let last = vec2<i32>(view.size.xy) - 1;
    let has_weight = (place.part.xy >> vec2<u32>(16u)) != vec2<u32>(0u);
    let first = place.whole.xy;
    return any((first < vec2<i32>(0)) | (first > last) | ((first == last) & has_weight));
}

// As if all slices were here.
fn slices_of(place: Place) -> Between {
    if LADDER == 1u {
        return uneven_slices(place);
    }
    return even_slices(place);
}

fn sample_at(place: Place) -> Sample {
    if is_aside(place) {
        return Sample(OUTSIDE, 0.0);
    }
    let around_place = slices_of(place);
    var slices = around_place;
    if PRESENCE == 1u {
        slices = present_slices(slices);
    }
    if slices.state != VALUE {
        return Sample(slices.state, 0.0);
    }
    let first = place.whole.xy;
    let fraction = place.part.xy >> vec2<u32>(16u);
    // In a brick that is here no slice is on its way: what is mixed lies around the place.
    if !enter(vec3<i32>(first, around_place.first)) {
        return coarse_sample(vec3<f32>(
            vec2<f32>(first) + vec2<f32>(fraction) / 65536.0,
            f32(around_place.first) + around_place.weight,
        ));
    }
    are_numbers = true;
    var value: f32;
    if NEAREST == 1u {
        let near = first + vec2<i32>(fraction >= vec2<u32>(ONE / 2u));
        let slice = select(slices.first, slices.second, slices.weight >= 0.5);
        value = rescaled(tap(near.x, near.y, slice), slice);
    } else {
        let second = first + vec2<i32>(fraction != vec2<u32>(0u));
        let around = Around(first, second, vec2<f32>(fraction) / 65536.0);
        let here = in_slice(around, slices.first);
        value = mix_of(here, in_slice(around, slices.second), slices.weight);
    }
    if KIND == KIND_SINGLE {
        return Sample(select(OUTSIDE, VALUE, are_numbers), value);
    }
    return Sample(VALUE, value);
}

// What stands for all samples of a slab; those outside do not count, and with one that is absent there is none.
fn slab_sample(first: Place, step: Place, planes: u32) -> Sample {
    var place = first;
    var found = 0.0;
    var count = 0u;
    // Means are summed in groups: of thousands one by one, single precision would lose digits.
    var group = 0.0;
    for (var plane = 0u; plane < planes; plane++) {
        let sample = sample_at(place);
        place = place_sum(place, step);
        if sample.state == ABSENT {
            return sample;
        }
        if sample.state == VALUE {
            if SLAB == SLAB_MEAN {
                group += sample.value;
            } else if count == 0u {
                found = sample.value;
            } else if SLAB == SLAB_LARGEST {
                found = max(found, sample.value);
            } else {
                found = min(found, sample.value);
            }
            count += 1u;
        }
        if SLAB == SLAB_MEAN && (plane & 31u) == 31u {
            found += group;
            group = 0.0;
        }
    }
    if count == 0u {
        return Sample(OUTSIDE, 0.0);
    }
    if SLAB == SLAB_MEAN {
        return Sample(VALUE, (found + group) / f32(count));
    }
    return Sample(VALUE, found);
}

// Planes from a place on that certainly lie in its cell, at least one.
fn planes_in_cell(place: Place, step: vec3<f32>) -> u32 {
    if LADDER == 1u {
        return 1u;
    }
    let edge = vec3<i32>(1) << vec3<u32>(SKIP);
    let within = place.whole & (edge - 1);
    let at = vec3<f32>(within) + vec3<f32>(place.part) / 4294967296.0;
    let way = select(at, vec3<f32>(edge) - at, step > vec3<f32>(0.0));
    let planes = way / max(abs(step), vec3<f32>(1e-6));
    // Less by more than what is rounded.
    return u32(clamp(min(min(planes.x, planes.y), planes.z) - 0.01, 0.0, 65535.0)) + 1u;
}

// Planes from a place on whose samples cannot change what was found of a slab; 0 where that of the place can.
fn planes_to_leave_out(place: Place, step: vec3<f32>, found: Sample) -> u32 {
    if is_aside(place) {
        return 1u;
    }
    let slices = slices_of(place);
    if slices.state != VALUE {
        return 1u;
    }
    let cell = cell_extremes(vec3<i32>(place.whole.xy, slices.first));
    if found.state != VALUE || !cannot_beat(cell, found.value) {
        return 0u;
    }
    return planes_in_cell(place, step);
}

// The same as slab_sample of the largest or smallest, where nothing is absent. The inner loop goes on to the next sample that
// can change the result: so neighbours on the screen, which are drawn in step, do their costly work together.
fn extreme_sample(first: Place, step: Place, planes: u32) -> Sample {
    let way = vec3<f32>(step.whole) + vec3<f32>(step.part) / 4294967296.0;
    var place = first;
    var found = Sample(OUTSIDE, 0.0);
    var plane = 0u;
    loop {
        loop {
            if plane >= planes {
                break;
            }
            let more = planes_to_leave_out(place, way, found);
            if more == 0u {
                break;
            }
            place = place_sum(place, place_times(step, more));
            plane += more;
        }
        if plane >= planes {
            break;
        }
        let sample = sample_at(place);
        if sample.state == VALUE {
            if found.state != VALUE {
                found = sample;
            } else if SLAB == SLAB_LARGEST {
                found.value = max(found.value, sample.value);
            } else {
                found.value = min(found.value, sample.value);
            }
        }
        place = place_sum(place, step);
        plane += 1u;
    }
    return found;
}

fn sample_of(covered: Covered, at: vec2<u32>) -> Sample {
    take_view(covered);
    let across = Place(
        vec3<i32>(covered.column_whole.x, covered.row_whole.x, covered.slice_whole.x),
        vec3<u32>(covered.column_part.x, covered.row_part.x, covered.slice_part.x),
    );
    let down = Place(
        vec3<i32>(covered.column_whole.y, covered.row_whole.y, covered.slice_whole.y),
        vec3<u32>(covered.column_part.y, covered.row_part.y, covered.slice_part.y),
    );
    let start = Place(
        vec3<i32>(covered.column_whole.w, covered.row_whole.w, covered.slice_whole.w),
        vec3<u32>(covered.column_part.w, covered.row_part.w, covered.slice_part.w),
    );
    let place = place_sum(place_sum(place_times(across, at.x), place_times(down, at.y)), start);
    if SLAB == 0u {
        if CARD_MIXES {
            return mixed(place);
        }
        return sample_at(place);
    }
    let step = Place(
        vec3<i32>(covered.column_whole.z, covered.row_whole.z, covered.slice_whole.z),
        vec3<u32>(covered.column_part.z, covered.row_part.z, covered.slice_part.z),
    );
    if CARD_MIXES {
        return mixed_slab(place, step, covered.origin_planes_flags.z);
    }
    if SKIP != 0u {
        return extreme_sample(place, step, covered.origin_planes_flags.z);
    }
    return slab_sample(place, step, covered.origin_planes_flags.z);
}

// Along the ramp: a grey, an exponent, a place in the table or a modality value.
fn along_ramp(value: f32) -> f32 {
    if KIND == KIND_WIDE && RESCALE == 0u {
        return value * view.scale + view.offset;
    }
    return (value - bitcast<f32>(view.pivot)) * view.scale + view.offset;
}

// Twin: is_hatched and HATCH_LEVELS of viewer-core/src/volume/params.rs.
fn hatching(at: vec2<u32>) -> f32 {
    return select(24.0, 88.0, (at.x + at.y) % 12u < 2u);
}

@fragment
fn grey(covered: Covered) -> @location(0) vec4<f32> {
    let at = vec2<u32>(covered.position.xy) - covered.origin_planes_flags.xy;
    let sample = sample_of(covered, at);
    var shown = 0.0;
    if sample.state == ABSENT {
        shown = hatching(at);
    } else if sample.state == VALUE {
        shown = level(grey_of_taps(along_ramp(sample.value)));
    }
    return vec4<f32>(vec3<f32>(shown / 255.0), 1.0);
}

// The bits of viewer-core's NaN and of its ABSENT where there is no value.
@fragment
fn value(covered: Covered) -> @location(0) vec4<u32> {
    let at = vec2<u32>(covered.position.xy) - covered.origin_planes_flags.xy;
    let sample = sample_of(covered, at);
    var bits = bitcast<u32>(along_ramp(sample.value));
    if sample.state != VALUE {
        bits = 0x7fc00000u + select(0u, 1u, sample.state == ABSENT);
    }
    return (vec4<u32>(bits) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u);
}
