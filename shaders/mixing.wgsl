// mixing.wgsl: known voxels, mixed by the graphics card: how well it does so.
//
// In:     group 0 a volume of singles and the sampler of voxels_mixed.wgsl
// Out:    the bits of the mixed single, lowest byte first: fragment (x, y) is place x of row y of viewer-gpu/src/filter.rs
// Twin:   expected() of viewer-gpu/src/filter.rs

@group(0) @binding(0) var voxels: texture_3d<f32>;
@group(0) @binding(1) var mixing: sampler;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    return vec4<f32>(select(-1.0, 3.0, index == 1u), select(-1.0, 3.0, index == 2u), 0.0, 1.0);
}

@fragment
fn mixed(@builtin(position) position: vec4<f32>) -> @location(0) vec4<u32> {
    let at = vec3<f32>(position.x - 0.5, position.y - 0.5, position.x - 0.5);
    // Whole 1024ths: no place is rounded, and 8 bits do not hold the weights.
    let place = vec3<f32>(at.x * 7.8134765625, at.y * 0.0869140625, at.z * 0.0146484375);
    let size = vec3<f32>(textureDimensions(voxels));
    let bits = bitcast<u32>(textureSampleLevel(voxels, mixing, (place + 0.5) / size, 0.0).x);
    return (vec4<u32>(bits) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u);
}
