// common.wgsl: what every drawing of a viewport shares: its uniforms, the triangle that covers it, and
// where on the image a canvas pixel lies.
//
// In:     group 0 ViewUniforms, one per viewport, by dynamic offset (viewer-gpu/src/uniforms.rs)
// Out:    functions
// Units:  canvas pixels and pixels of the frame, centers on integers; fixed point with 32 fractional bits,
//         rounded to 16
// Twin:   viewer-core/src/pixel/grid.rs, equal in every bit
// Limits: 32-bit whole numbers only; canvas and viewport have at most 65536 pixels a side

struct ViewUniforms {
    // Columns of the frame a canvas column, a canvas row, and at the viewport's first pixel: whole part.
    column_whole: vec4<i32>,
    // The same: part after the point, in units of 2^-32; last, half of the columns that a canvas pixel covers, out
    // of ONE.
    column_part: vec4<u32>,
    row_whole: vec4<i32>,
    row_part: vec4<u32>,
    // The viewport's first pixel on the canvas.
    origin: vec2<u32>,
    // Columns and rows of the frame.
    size: vec2<u32>,
    // First and last ordered value that is padding; none where the first is larger.
    padding: vec2<u32>,
    // The FLAG constants.
    flags: u32,
    // The bit whose flip makes the order of stored values that of unsigned numbers.
    sign_bit: u32,
    // Ramp of voi.wgsl.
    pivot: u32,
    scale: f32,
    offset: f32,
    // Number of words in the table less one, in 24 bits; above them the grey of the shutter.
    table_shutter: u32,
}

@group(0) @binding(0) var<uniform> uniforms: ViewUniforms;

// The uniforms as the fragment has them: handed over by the vertices, the same for all three. Software
// graphics cards check the bounds of every read from a buffer, for every pixel.
struct Covered {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) column_whole: vec4<i32>,
    @location(1) @interpolate(flat) column_part: vec4<u32>,
    @location(2) @interpolate(flat) row_whole: vec4<i32>,
    @location(3) @interpolate(flat) row_part: vec4<u32>,
    @location(4) @interpolate(flat) origin_size: vec4<u32>,
    @location(5) @interpolate(flat) padding_flags_sign: vec4<u32>,
    @location(6) @interpolate(flat) ramp: vec4<u32>,
}

var<private> view: ViewUniforms;

const FLAG_INTERPOLATE: u32 = 1u;
const FLAG_INVERSE: u32 = 2u;
const FLAG_OVERLAYS: u32 = 4u;

const ONE: u32 = 65536u;

// One triangle over everything; the scissor rectangle cuts the viewport out.
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
        vec4<u32>(uniforms.origin, uniforms.size),
        vec4<u32>(uniforms.padding, uniforms.flags, uniforms.sign_bit),
        vec4<u32>(
            uniforms.pivot,
            bitcast<u32>(uniforms.scale),
            bitcast<u32>(uniforms.offset),
            uniforms.table_shutter,
        ),
    );
}

// The first thing in every fragment.
fn take_view(covered: Covered) {
    view = ViewUniforms(
        covered.column_whole,
        covered.column_part,
        covered.row_whole,
        covered.row_part,
        covered.origin_size.xy,
        covered.origin_size.zw,
        covered.padding_flags_sign.xy,
        covered.padding_flags_sign.z,
        covered.padding_flags_sign.w,
        covered.ramp.x,
        bitcast<f32>(covered.ramp.y),
        bitcast<f32>(covered.ramp.z),
        covered.ramp.w,
    );
}

// A number with 32 fractional bits.
struct Fixed {
    whole: i32,
    part: u32,
}

fn fixed_times(whole: i32, part: u32, factor: u32) -> Fixed {
    let low = (part & 0xffffu) * factor;
    let high = (part >> 16u) * factor;
    let sum = (high << 16u) + low;
    let carry = select(0u, 1u, sum < low);
    return Fixed(whole * i32(factor) + i32((high >> 16u) + carry), sum);
}

fn fixed_sum(a: Fixed, b: Fixed) -> Fixed {
    let part = a.part + b.part;
    let carry = select(0, 1, part < a.part);
    return Fixed(a.whole + b.whole + carry, part);
}

// The neighbours of a position along one axis, and the weight of the second out of ONE.
struct Tap {
    inside: bool,
    first: i32,
    second: i32,
    fraction: u32,
    nearest: i32,
}

fn tap(whole: vec4<i32>, part: vec4<u32>, at: vec2<u32>, length: u32) -> Tap {
    let across = fixed_times(whole.x, part.x, at.x);
    let down = fixed_times(whole.y, part.y, at.y);
    let start = fixed_sum(Fixed(whole.z, part.z), Fixed(0, 0x8000u));
    let position = fixed_sum(fixed_sum(across, down), start);
    let last = i32(length) - 1;
    var result: Tap;
    result.fraction = position.part >> 16u;
    result.nearest = position.whole + select(0, 1, result.fraction >= ONE / 2u);
    result.inside = result.nearest >= 0 && result.nearest <= last;
    result.first = max(position.whole, 0);
    result.second = min(position.whole + 1, last);
    return result;
}
