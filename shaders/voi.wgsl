// voi.wgsl: stored values to the grey on screen: modality, VOI and presentation.
//
// In:     ordered stored values (sign bit flipped), the ramp of group 0 ViewUniforms
// Out:    grey levels 0..255 as whole floats
// Units:  display grey 0..1 before the last step
// Twin:   viewer-core/src/pixel/ramp.rs and render_plan.rs (gpu_matches_cpu, at most 1 grey level)
// Limits: Rescale and VOI LINEAR, which are one straight line: (stored - pivot) * scale + offset
// Source: DICOM PS3.3 C.11.1, C.11.2.1.2.1, C.11.6

const TAP_LIMIT: f32 = 4096.0;

// Subtracted as whole numbers, so that nothing is lost near the edge of the window.
fn distance_to_pivot(value: u32) -> f32 {
    if value >= view.pivot {
        return f32(value - view.pivot);
    }
    return -f32(view.pivot - value);
}

// Display grey of an ordered value with 16 fractional bits.
fn grey_of_narrow(mixed: u32) -> f32 {
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
