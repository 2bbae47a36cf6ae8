// voi.wgsl: stored values to the grey on screen: modality, VOI and presentation.
//
// In:     ordered stored values (sign bit flipped), the ramp of group 0 ViewUniforms, the table of group 2
// Out:    grey levels 0..255 as whole floats
// Units:  display grey 0..1 before the last step
// Twin:   viewer-core/src/pixel/ramp.rs, shade_table.rs and render_plan.rs (gpu_matches_cpu, at most 1 grey level)
// Limits: SHADE is set when a pipeline is built: graphics cards in software walk through every branch
// Source: DICOM PS3.3 C.11.1, C.11.2.1, C.11.6

// What the ramp is: the grey itself (LINEAR, LINEAR_EXACT), the exponent of SIGMOID, a place in the table.
override SHADE: u32 = 0u;
const SHADE_LOGISTIC: u32 = 1u;
const SHADE_TABLE: u32 = 2u;

// Greys as bits of singles, or colours 0x00BBGGRR; 256 words a row.
@group(2) @binding(0) var table: texture_2d<u32>;

const TAP_LIMIT: f32 = 4096.0;

// Subtracted as whole numbers, so that nothing is lost near the edge of the window.
fn distance_to_pivot(value: u32) -> f32 {
    if value >= view.pivot {
        return f32(value - view.pivot);
    }
    return -f32(view.pivot - value);
}

fn table_last() -> u32 {
    return view.table_shutter & 0xffffffu;
}

fn table_word(place: u32) -> u32 {
    let index = min(place, table_last());
    return textureLoad(table, vec2<i32>(i32(index & 255u), i32(index >> 8u)), 0).x;
}

// The grey at a place of the table and a part of the way to the next one.
fn table_grey(place: u32, part: f32) -> f32 {
    let below = bitcast<f32>(table_word(place));
    return below + (bitcast<f32>(table_word(place + 1u)) - below) * part;
}

fn logistic(exponent: f32) -> f32 {
    return 1.0 / (1.0 + exp(-clamp(exponent, -80.0, 80.0)));
}

// Display grey of an ordered value with 16 fractional bits.
fn grey_of_narrow(mixed: u32) -> f32 {
    if SHADE == SHADE_TABLE {
        return table_grey(mixed >> 16u, f32(mixed & 0xffffu) / 65536.0);
    }
    let along = distance_to_pivot(mixed) * view.scale + view.offset;
    if SHADE == SHADE_LOGISTIC {
        return logistic(along);
    }
    return clamp(along, 0.0, 1.0);
}

// Display grey of mixed taps of a 32-bit or float frame.
fn grey_of_taps(mixed: f32) -> f32 {
    if SHADE == SHADE_TABLE {
        let place = clamp(mixed, 0.0, 1.0) * f32(table_last());
        let whole = floor(place);
        return table_grey(u32(whole), place - whole);
    }
    if SHADE == SHADE_LOGISTIC {
        return logistic(mixed);
    }
    return clamp(mixed, 0.0, 1.0);
}

// Display grey of a colour channel, which no table is for.
fn grey_of_channel(mixed: u32) -> f32 {
    return clamp(distance_to_pivot(mixed) * view.scale + view.offset, 0.0, 1.0);
}

// Grey, not cut to 0..1, of one pixel of a 32-bit frame.
fn tap_of_wide(ordered: u32) -> f32 {
    return clamp(distance_to_pivot(ordered) * view.scale + view.offset, -TAP_LIMIT, TAP_LIMIT);
}

// The same of a float frame.
fn tap_of_float(stored: f32) -> f32 {
    let grey = (stored - bitcast<f32>(view.pivot)) * view.scale + view.offset;
    return clamp(grey, -TAP_LIMIT, TAP_LIMIT);
}

// The level on screen of a display grey.
fn level(grey: f32) -> f32 {
    let p_value = select(grey, 1.0 - grey, (view.flags & FLAG_INVERSE) != 0u);
    return floor(p_value * 255.0 + 0.5);
}

fn is_padding(ordered: u32) -> bool {
    return view.padding.x <= ordered && ordered <= view.padding.y;
}

// The bits of a single as a number with the order of the singles.
fn ordered_float(bits: u32) -> u32 {
    return select(~bits, bits ^ 0x80000000u, (bits & 0x80000000u) == 0u);
}
