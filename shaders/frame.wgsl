// frame.wgsl: one 2-D frame, drawn into a viewport.
//
// In:     group 0 ViewUniforms (common.wgsl); group 1 the frame's raw stored bits: R8Uint, R16Uint, R32Uint
//         (32-bit numbers and singles) or Rgba8Uint (colour)
// Out:    opaque grey or colour, one fragment per canvas pixel; black outside and where it is padding
// Units:  pixels of the frame, centers on integers
// Twin:   viewer-core/src/pixel/cpu_render.rs (gpu_matches_cpu, at most 1 grey level)
// Limits: textureLoad only: no sampler, no filtering, no optional features; the WebGL2 tier runs it too

@group(1) @binding(0) var pixels: texture_2d<u32>;

const BLACK = vec4<f32>(0.0, 0.0, 0.0, 1.0);

fn on_screen(levels: vec3<f32>) -> vec4<f32> {
    return vec4<f32>(levels / 255.0, 1.0);
}

fn load(column: i32, row: i32) -> vec4<u32> {
    return textureLoad(pixels, vec2<i32>(column, row), 0);
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

fn draw_narrow(column: Tap, row: Tap) -> vec4<f32> {
    let nearest = ordered(column.nearest, row.nearest);
    if is_padding(nearest) {
        return BLACK;
    }
    var mixed = nearest << 16u;
    if (view.flags & FLAG_INTERPOLATE) != 0u && (column.fraction | row.fraction) != 0u {
        let a = ordered(column.first, row.first);
        let b = ordered(column.second, row.first);
        let c = ordered(column.first, row.second);
        let d = ordered(column.second, row.second);
        if is_padding(a) || is_padding(b) || is_padding(c) || is_padding(d) {
            mixed = mix_beside_padding(vec4<u32>(a, b, c, d), column.fraction, row.fraction);
        } else {
            mixed = mix_narrow(a, b, c, d, column.fraction, row.fraction);
        }
    }
    return on_screen(vec3<f32>(level(grey_of_narrow(mixed))));
}

fn draw_colour(column: Tap, row: Tap) -> vec4<f32> {
    var mixed = load(column.nearest, row.nearest).xyz << vec3<u32>(16u);
    if (view.flags & FLAG_INTERPOLATE) != 0u && (column.fraction | row.fraction) != 0u {
        let a = load(column.first, row.first);
        let b = load(column.second, row.first);
        let c = load(column.first, row.second);
        let d = load(column.second, row.second);
        mixed = vec3<u32>(
            mix_narrow(a.x, b.x, c.x, d.x, column.fraction, row.fraction),
            mix_narrow(a.y, b.y, c.y, d.y, column.fraction, row.fraction),
            mix_narrow(a.z, b.z, c.z, d.z, column.fraction, row.fraction),
        );
    }
    return on_screen(vec3<f32>(
        level(grey_of_narrow(mixed.x)),
        level(grey_of_narrow(mixed.y)),
        level(grey_of_narrow(mixed.z)),
    ));
}

// One pixel on its way to grey; is_image is false for padding and for what is no number.
struct GreyTap {
    is_image: bool,
    grey: f32,
}

fn load_tap(column: i32, row: i32) -> GreyTap {
    let stored = load(column, row).x;
    if view.kind == KIND_WIDE {
        let value = stored ^ view.sign_bit;
        return GreyTap(!is_padding(value), tap_of_wide(value));
    }
    if (stored & 0x7f800000u) == 0x7f800000u {
        return GreyTap(false, 0.0);
    }
    return GreyTap(!is_padding(ordered_float(stored)), tap_of_float(bitcast<f32>(stored)));
}

fn draw_tapped(column: Tap, row: Tap) -> vec4<f32> {
    let nearest = load_tap(column.nearest, row.nearest);
    if !nearest.is_image {
        return BLACK;
    }
    var grey = nearest.grey;
    if (view.flags & FLAG_INTERPOLATE) != 0u {
        let a = load_tap(column.first, row.first);
        let b = load_tap(column.second, row.first);
        let c = load_tap(column.first, row.second);
        let d = load_tap(column.second, row.second);
        let across = f32(column.fraction) / 65536.0;
        let down = f32(row.fraction) / 65536.0;
        if a.is_image && b.is_image && c.is_image && d.is_image {
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
    }
    return on_screen(vec3<f32>(level(clamp(grey, 0.0, 1.0))));
}

@fragment
fn frame(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let at = vec2<u32>(position.xy) - view.origin;
    let column = tap(view.column_whole, view.column_part, at, view.size.x);
    let row = tap(view.row_whole, view.row_part, at, view.size.y);
    if !column.inside || !row.inside {
        return BLACK;
    }
    if view.kind == KIND_NARROW {
        return draw_narrow(column, row);
    }
    if view.kind == KIND_COLOUR {
        return draw_colour(column, row);
    }
    return draw_tapped(column, row);
}
