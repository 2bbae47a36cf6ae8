// frame.wgsl: one 2-D frame, drawn into a viewport.
//
// In:     group 0 ViewUniforms (common.wgsl); groups 1 and 2 the frame and its mask (pixels.wgsl or
//         pixels_tiled.wgsl) and the table (voi.wgsl)
// Out:    opaque grey or colour, one fragment per canvas pixel; black outside and where it is padding
// Units:  pixels of the frame, centers on integers
// Twin:   viewer-core/src/pixel/cpu_render.rs (gpu_matches_cpu, at most 1 grey level)
// Limits: textureLoad only: no sampler, no filtering, no optional features; the WebGL2 tier runs it too
//
// There is one entry point for each way to draw (viewer-gpu/src/shaders.rs chooses), not one with branches:
// graphics cards in software walk through every branch of every pixel.

const BLACK = vec4<f32>(0.0, 0.0, 0.0, 1.0);

fn on_screen(levels: vec3<f32>) -> vec4<f32> {
    return vec4<f32>(levels / 255.0, 1.0);
}

// Colours of sRGB become those of Display P3. Twin: pixel/gamut.rs.
override WIDEN: u32 = 0u;

fn linear_light(level: f32) -> f32 {
    return select(pow((level + 0.055) / 1.055, 2.4), level / 12.92, level <= 0.04045);
}

fn encoded_light(light: f32) -> f32 {
    return select(1.055 * pow(light, 1.0 / 2.4) - 0.055, light * 12.92, light <= 0.0031308);
}

// Colour in levels of sRGB.
fn srgb_on_screen(levels: vec3<f32>) -> vec4<f32> {
    if WIDEN == 0u || (levels.x == levels.y && levels.y == levels.z) {
        return on_screen(levels);
    }
    let srgb = levels / 255.0;
    let light = vec3<f32>(linear_light(srgb.x), linear_light(srgb.y), linear_light(srgb.z));
    let red = encoded_light(dot(light, vec3<f32>(0.82246197, 0.17753803, 0.0)));
    let green = encoded_light(dot(light, vec3<f32>(0.0331942, 0.9668058, 0.0)));
    let blue = encoded_light(dot(light, vec3<f32>(0.01708263, 0.07239744, 0.91051993)));
    return on_screen(floor(vec3<f32>(red, green, blue) * 255.0 + 0.5));
}

fn ordered(column: i32, row: i32) -> u32 {
    return load(column, row).x ^ view.sign_bit;
}

// Mix of two numbers with 16 fractional bits, rounded down to 16 of them: 48 bits in two halves.
fn mix_down(top: u32, bottom: u32, down: u32) -> u32 {
    let up = ONE - down;
    let high = (top >> 16u) * up + (bottom >> 16u) * down;
    let low = (top & 0xffffu) * up + (bottom & 0xffffu) * down;
    return high + (low >> 16u);
}

fn mix_narrow(a: u32, b: u32, c: u32, d: u32, across: u32, down: u32) -> u32 {
    let top = a * (ONE - across) + b * across;
    let bottom = c * (ONE - across) + d * across;
    return mix_down(top, bottom, down);
}

// Beside padding the weights have 8 bits: their products and the division by their sum fit 32 bits.
fn mix_beside_padding(values: vec4<u32>, across_of_one: u32, down_of_one: u32) -> u32 {
    let across = (across_of_one + 128u) >> 8u;
    let down = (down_of_one + 128u) >> 8u;
    var weights = vec4<u32>(
        (256u - across) * (256u - down),
        across * (256u - down),
        (256u - across) * down,
        across * down,
    );
    weights.x = select(weights.x, 0u, is_padding(values.x));
    weights.y = select(weights.y, 0u, is_padding(values.y));
    weights.z = select(weights.z, 0u, is_padding(values.z));
    weights.w = select(weights.w, 0u, is_padding(values.w));
    let sum = values.x * weights.x + values.y * weights.y + values.z * weights.z + values.w * weights.w;
    // The nearest pixel is no padding, and its weight is a quarter at least.
    let weight_sum = max(weights.x + weights.y + weights.z + weights.w, 1u);
    return ((sum / weight_sum) << 16u) + ((sum % weight_sum) << 16u) / weight_sum;
}

// The taps of a fragment.
struct Place {
    inside: bool,
    column: Tap,
    row: Tap,
}

fn place(covered: Covered) -> Place {
    take_view(covered);
    let at = vec2<u32>(covered.position.xy) - view.origin;
    let column = tap(view.column_whole, view.column_part, at, view.size.x);
    let row = tap(view.row_whole, view.row_part, at, view.size.y);
    return Place(column.inside && row.inside, column, row);
}

fn narrow_on_screen(mixed: u32) -> vec4<f32> {
    return on_screen(vec3<f32>(level(grey_of_narrow(mixed))));
}

// 8 and 16 bits, the nearest pixel.
@fragment
fn narrow_nearest(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let nearest = ordered(at.column.nearest, at.row.nearest);
    if is_padding(nearest) {
        return BLACK;
    }
    return narrow_on_screen(nearest << 16u);
}

// 8 and 16 bits, bilinear, no value is padding.
@fragment
fn narrow_bilinear(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let a = ordered(at.column.first, at.row.first);
    let b = ordered(at.column.second, at.row.first);
    let c = ordered(at.column.first, at.row.second);
    let d = ordered(at.column.second, at.row.second);
    return narrow_on_screen(mix_narrow(a, b, c, d, at.column.fraction, at.row.fraction));
}

// 8 and 16 bits, bilinear, with padding.
@fragment
fn narrow_padded(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let a = ordered(at.column.first, at.row.first);
    let b = ordered(at.column.second, at.row.first);
    let c = ordered(at.column.first, at.row.second);
    let d = ordered(at.column.second, at.row.second);
    let is_right = at.column.fraction >= ONE / 2u;
    let nearest = select(select(a, b, is_right), select(c, d, is_right), at.row.fraction >= ONE / 2u);
    if is_padding(nearest) {
        return BLACK;
    }
    if is_padding(a) || is_padding(b) || is_padding(c) || is_padding(d) {
        let values = vec4<u32>(a, b, c, d);
        return narrow_on_screen(mix_beside_padding(values, at.column.fraction, at.row.fraction));
    }
    return narrow_on_screen(mix_narrow(a, b, c, d, at.column.fraction, at.row.fraction));
}

fn colour_on_screen(mixed: vec3<u32>) -> vec4<f32> {
    return srgb_on_screen(vec3<f32>(
        level(grey_of_channel(mixed.x)),
        level(grey_of_channel(mixed.y)),
        level(grey_of_channel(mixed.z)),
    ));
}

// What three samples are.
override COLOR: u32 = 0u;
const COLOR_YBR_FULL: u32 = 1u;
const COLOR_YBR_PARTIAL: u32 = 2u;

fn bytes(levels: vec3<i32>) -> vec3<u32> {
    return vec3<u32>(clamp(levels, vec3<i32>(0), vec3<i32>(255)));
}

// The whole number at or below number / unit. Without %: GLSL leaves open what it is of negative numbers.
fn whole_part(number: i32, unit: i32) -> i32 {
    let quotient = number / unit;
    return quotient - select(0, 1, number - quotient * unit < 0);
}

// luma / 73 + chroma / unit, rounded; a half goes up.
fn partial(luma: i32, chroma: i32, unit: i32) -> i32 {
    let bright = whole_part(luma, 73);
    let colour = whole_part(chroma, unit);
    // In units of 1 / (73 * unit), less than two: below 2^31.
    let one = 73 * unit;
    let rest = (luma - bright * 73) * unit + (chroma - colour * unit) * 73;
    return bright + colour + select(0, 1, rest >= one / 2) + select(0, 1, rest >= one + one / 2);
}

// Red, green and blue of a pixel; PS3.3 C.7.6.3.1.2, twin: pixel/color.rs.
fn colour_at(column: i32, row: i32) -> vec3<u32> {
    let texel = load(column, row).xyz;
    let cb = i32(texel.y) - 128;
    let cr = i32(texel.z) - 128;
    if COLOR == COLOR_YBR_FULL {
        let offsets = vec3<i32>(
            1470104 * cr + 0x80000,
            0x80006 - 360853 * cb - 748826 * cr,
            1858077 * cb + 0x80029,
        );
        return bytes(vec3<i32>(i32(texel.x)) + (offsets >> vec3<u32>(20u)));
    }
    if COLOR == COLOR_YBR_PARTIAL {
        let luma = (i32(texel.x) - 16) * 85;
        return bytes(vec3<i32>(
            partial(luma, 35751 * cr, 22400),
            partial(luma, -5151204 * cb - 10689549 * cr, 13148800),
            partial(luma, 22593 * cb, 11200),
        ));
    }
    return texel;
}

// Red, green and blue of an index.
fn palette_at(column: i32, row: i32) -> vec3<u32> {
    let word = table_word(ordered(column, row));
    return vec3<u32>(word & 255u, (word >> 8u) & 255u, (word >> 16u) & 255u);
}

fn mix_colours(a: vec3<u32>, b: vec3<u32>, c: vec3<u32>, d: vec3<u32>, across: u32, down: u32) -> vec3<u32> {
    return vec3<u32>(
        mix_narrow(a.x, b.x, c.x, d.x, across, down),
        mix_narrow(a.y, b.y, c.y, d.y, across, down),
        mix_narrow(a.z, b.z, c.z, d.z, across, down),
    );
}

// Colour of 8 bits, the nearest pixel.
@fragment
fn colour_nearest(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    return colour_on_screen(colour_at(at.column.nearest, at.row.nearest) << vec3<u32>(16u));
}

// Colour of 8 bits, bilinear.
@fragment
fn colour_bilinear(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let a = colour_at(at.column.first, at.row.first);
    let b = colour_at(at.column.second, at.row.first);
    let c = colour_at(at.column.first, at.row.second);
    let d = colour_at(at.column.second, at.row.second);
    return colour_on_screen(mix_colours(a, b, c, d, at.column.fraction, at.row.fraction));
}

// Indices of 8 or 16 bits, the nearest pixel.
@fragment
fn palette_nearest(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    return colour_on_screen(palette_at(at.column.nearest, at.row.nearest) << vec3<u32>(16u));
}

// Indices of 8 or 16 bits, bilinear between their colours.
@fragment
fn palette_bilinear(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let a = palette_at(at.column.first, at.row.first);
    let b = palette_at(at.column.second, at.row.first);
    let c = palette_at(at.column.first, at.row.second);
    let d = palette_at(at.column.second, at.row.second);
    return colour_on_screen(mix_colours(a, b, c, d, at.column.fraction, at.row.fraction));
}

// One pixel on its way to grey; is_image is false for padding and for what is no number.
struct GreyTap {
    is_image: bool,
    grey: f32,
}

fn wide_tap(column: i32, row: i32) -> GreyTap {
    let value = ordered(column, row);
    return GreyTap(!is_padding(value), tap_of_wide(value));
}

fn float_tap(column: i32, row: i32) -> GreyTap {
    let bits = load(column, row).x;
    let is_number = (bits & 0x7f800000u) != 0x7f800000u;
    return GreyTap(is_number && !is_padding(ordered_float(bits)), tap_of_float(bitcast<f32>(bits)));
}

fn mix_taps(a: GreyTap, b: GreyTap, c: GreyTap, d: GreyTap, at: Place) -> vec4<f32> {
    let is_right = at.column.fraction >= ONE / 2u;
    let is_low = at.row.fraction >= ONE / 2u;
    let is_image = select(
        select(a.is_image, b.is_image, is_right),
        select(c.is_image, d.is_image, is_right),
        is_low,
    );
    if !is_image {
        return BLACK;
    }
    let across = f32(at.column.fraction) / 65536.0;
    let down = f32(at.row.fraction) / 65536.0;
    var grey: f32;
    if (view.flags & FLAG_INTERPOLATE) == 0u {
        grey = select(select(a.grey, b.grey, is_right), select(c.grey, d.grey, is_right), is_low);
    } else if a.is_image && b.is_image && c.is_image && d.is_image {
        let top = a.grey + (b.grey - a.grey) * across;
        let bottom = c.grey + (d.grey - c.grey) * across;
        grey = top + (bottom - top) * down;
    } else {
        let wa = select(0.0, (1.0 - across) * (1.0 - down), a.is_image);
        let wb = select(0.0, across * (1.0 - down), b.is_image);
        let wc = select(0.0, (1.0 - across) * down, c.is_image);
        let wd = select(0.0, across * down, d.is_image);
        let sum = a.grey * wa + b.grey * wb + c.grey * wc + d.grey * wd;
        grey = sum / (wa + wb + wc + wd);
    }
    return on_screen(vec3<f32>(level(grey_of_taps(grey))));
}

// Whole numbers of 32 bits.
@fragment
fn wide(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let a = wide_tap(at.column.first, at.row.first);
    let b = wide_tap(at.column.second, at.row.first);
    let c = wide_tap(at.column.first, at.row.second);
    let d = wide_tap(at.column.second, at.row.second);
    return mix_taps(a, b, c, d, at);
}

// Floats, as singles.
@fragment
fn single(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        return BLACK;
    }
    let a = float_tap(at.column.first, at.row.first);
    let b = float_tap(at.column.second, at.row.first);
    let c = float_tap(at.column.first, at.row.second);
    let d = float_tap(at.column.second, at.row.second);
    return mix_taps(a, b, c, d, at);
}

// Overlay planes and shutter, one byte a pixel of the frame; drawn over it by a second triangle.
const MASK_OVERLAY: u32 = 1u;
const MASK_SHUTTER: u32 = 2u;
const OVERLAY_COLOUR = vec3<f32>(240.0, 227.0, 164.0);

// First and last pixel whose centre a canvas pixel covers, the nearest always among them.
fn covered_by(tap: Tap, half: u32, length: u32) -> vec2<i32> {
    let offset = i32(tap.fraction) - select(0, i32(ONE), tap.fraction >= ONE / 2u);
    let before = max((i32(half) - offset - 1) >> 16u, 0);
    let behind = max((i32(half) + offset) >> 16u, 0);
    return vec2<i32>(max(tap.nearest - before, 0), min(tap.nearest + behind, i32(length) - 1));
}

// Twin: pixel/mask.rs.
@fragment
fn mask(covered: Covered) -> @location(0) vec4<f32> {
    let at = place(covered);
    if !at.inside {
        discard;
    }
    if (mask_at(at.column.nearest, at.row.nearest) & MASK_SHUTTER) != 0u {
        return on_screen(vec3<f32>(f32(view.table_shutter >> 24u)));
    }
    var cells = 0u;
    if (view.flags & FLAG_OVERLAYS) != 0u {
        let columns = covered_by(at.column, view.column_part.w, view.size.x);
        let rows = covered_by(at.row, view.row_part.w, view.size.y);
        for (var row = rows.x; row <= rows.y; row++) {
            for (var column = columns.x; column <= columns.y; column++) {
                cells |= mask_at(column, row);
            }
        }
    }
    if (cells & MASK_OVERLAY) == 0u {
        discard;
    }
    return srgb_on_screen(OVERLAY_COLOUR);
}
